"""Stubs written by the generators under tools/; not to be edited, and nothing at run time."""
