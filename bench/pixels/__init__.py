"""Pixels, side by side with pydicom and its plug-ins, GDCM and DCMTK."""
