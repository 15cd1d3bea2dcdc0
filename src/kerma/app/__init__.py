"""Wiring: configuration, logs, start-up and shutdown of the archive and its servers. Decides nothing about DICOM."""
