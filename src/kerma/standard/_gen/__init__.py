"""Tables written by the generators under tools/; not to be edited."""
