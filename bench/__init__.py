"""Side-by-side measurements against the peers; never part of the tests."""
