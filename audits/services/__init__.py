"""Writes of the audits package: planning, running and finishing evaluations."""
