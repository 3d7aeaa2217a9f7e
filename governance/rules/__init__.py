"""Policies as written, and what they say of the facts: pure from end to end, one file per kind of check."""
