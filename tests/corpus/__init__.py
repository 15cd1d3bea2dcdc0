"""Files that others made, and what Kerma makes of them."""
