"""Reading files, side by side with pydicom, GDCM and DCMTK."""
