"""The columns that a rule asks about: a list of them, the manifest's features, or all that were measured. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from governance.rules import wording

Columns: TypeAlias = "str | tuple[str, ...]"
"""``all``, ``features``, or names."""

ALL, FEATURES = "all", "features"


def parse_columns(given: Any) -> Columns | None:
    """Read ``columns`` of a policy, which the schema has accepted; None where the policy does not give it."""
    return tuple(given) if isinstance(given, list) else given


def columns_of(columns: Columns, measured: Iterable[str], features: Iterable[str]) -> list[str]:
    """The names that a selection comes to, in the policy's order, or in the alphabet's where it lists none."""
    if columns == ALL:
        return sorted(set(measured))
    return list(features if columns == FEATURES else columns)


def columns_words(columns: Columns, *, noun: str = "column") -> str:
    """Write a selection: ``every column``, ``every feature``, ``income and ratio``."""
    if columns == ALL:
        return f"every {noun}"
    return "every feature" if columns == FEATURES else wording.listed(columns)
