"""Generators of the checked-in tables; run by hand, never by an installation or a test."""
