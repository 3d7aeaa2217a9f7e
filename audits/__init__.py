"""Findings: evaluations, measurements, and the documents that report them."""
