"""Forms in which data sets are kept and passed on: PS3.10 files, DICOM JSON, text."""
