"""DICOMweb over the wire: Kerma beside Orthanc with its DICOMweb plugin, and nginx serving the same bytes as files."""
