"""Decisions: policies, verdicts, reviews, promotions; and the composition root of the service."""
