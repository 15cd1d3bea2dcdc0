"""Writing, JSON, XML and the text dump, side by side with pydicom."""
