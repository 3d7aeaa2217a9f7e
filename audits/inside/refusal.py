"""What code inside a sandbox raises to say, in words for people, why it does not do what was asked."""

from __future__ import annotations


class Refusal(Exception):
    """Its message reaches people as it is, without the name of a class before it."""
