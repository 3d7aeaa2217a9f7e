"""Which columns of two data sets are compared, in what role, and which cannot be, with the reason. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from audits.measures.drift.sides import Profile
from registry.errors import InvalidInput

FEATURE = "feature"


@dataclass(frozen=True, slots=True)
class Planned:
    """One column to compare; ``failure`` says why it cannot be."""

    name: str
    role: str
    failure: str = ""


def plan(
    reference: Iterable[str],
    current: Iterable[str],
    *,
    columns: Sequence[str],
    roles: Mapping[str, str],
    left_out: Sequence[str],
) -> list[Planned]:
    """The columns to compare, in the reference's order, then those that are new.

    Parameters
    ----------
    reference, current
        Columns that are there.
    columns
        Those asked for; all if empty.
    roles
        Column to ``label``, ``prediction`` or ``score``.
    left_out
        Columns that identify rows.

    Raises
    ------
    InvalidInput
        If a column with a role, or one asked for, is missing where it must be.
    """
    first, second = dict.fromkeys(reference), dict.fromkeys(current)
    for name, role in roles.items():
        for there, what in ((first, "the reference"), (second, "the current data")):
            if name not in there:
                raise InvalidInput(f"there is no column {name!r} in {what}; it was named as the {role}", field=role)
    wanted = list(dict.fromkeys([*(columns or [c for c in [*first, *second] if c not in left_out]), *roles]))
    for name in wanted:
        if name not in first and name not in second:
            raise InvalidInput(f"there is no column {name!r} in either data set", field="columns")
    if not wanted:
        raise InvalidInput("there is no column to compare", field="columns")
    return [Planned(name, roles.get(name, FEATURE), _missing_from(name, first, second)) for name in wanted]


def _missing_from(name: str, first: Mapping[str, None], second: Mapping[str, None]) -> str:
    if name not in second:
        return "is not in the current data"
    return "" if name in first else "is not in the reference"


def failure_of(name: str, reference: Profile, current: Profile) -> str:
    """Why a column that both have cannot be compared; empty if it can."""
    one, two = reference.columns[name], current.columns[name]
    if one.failure:
        return f"{one.failure} (reference)"
    if one.family != two.family and not one.given:
        return "has no value in the reference, so that there is nothing to compare with"
    if one.family != two.family:
        return f"has changed its type: {one.family} in the reference, {two.family} in the current data"
    if two.failure:
        return f"{two.failure} (current data)"
    return "" if type(one.counted) is type(two.counted) else "cannot be compared: one side has too many distinct values"
