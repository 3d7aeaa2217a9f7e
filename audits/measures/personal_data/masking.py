"""Examples that show the shape of a value and not the value."""

from __future__ import annotations

_LONGEST = 48
_ENOUGH = 8
_SHOW_ENDS = frozenset({"phone", "credit_card", "iban"})
"""Entities of which the last two characters are shown, as receipts do, so that a person can find their own value again."""


def masked(value: str, entity: str) -> str:
    """The value with every letter and digit as ``*``, cut after 48 characters.

    Of telephone, card and account numbers of at least eight letters and digits the last two stay. Punctuation and blanks
    stay, for they are the shape; no more than two characters of the value stand in a row.
    """
    letters = [place for place, character in enumerate(value) if character.isalnum() or not character.isascii()]
    shown = set(letters[-2:]) if entity in _SHOW_ENDS and len(letters) >= _ENOUGH else set()
    hidden = set(letters) - shown
    text = "".join("*" if place in hidden else character for place, character in enumerate(value))
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
