"""What somebody asks of the lineage page, and the addresses that ask for a little more or less."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from registry.errors import InvalidInput

UP, DOWN, BOTH = "up", "down", "both"
STEPS = (1, 2, 3, 5, 10)
_LONGEST_FIND = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The choices of the page.

    Attributes
    ----------
    direction
        ``up`` what it is made from, ``down`` what is made from it, or ``both``.
    steps
        How far; None is all the way.
    day
        The day at whose end (UTC) the lineage is shown; None is now.
    open_places
        Row numbers of places whose columns are listed.
    unfolded
        Namespaces whose places have boxes of their own although there are many.
    everything
        Whether every place has one.
    way
        Row number of the column whose ways are to stand out.
    find
        What places and columns are looked for.
    """

    direction: str = UP
    steps: int | None = None
    day: date | None = None
    open_places: frozenset[int] = frozenset()
    unfolded: tuple[str, ...] = ()
    everything: bool = False
    way: int | None = None
    find: str = ""

    @property
    def at(self) -> datetime | None:
        """The moment, or None for now."""
        if self.day is None or self.day >= timezone.now().date():
            return None
        return datetime.combine(self.day, time.max, tzinfo=UTC)

    def query(self, **changes: Any) -> str:
        """The query string of these choices with some of them changed; ``?`` in front, and enough to be an address."""
        return f"?{urlencode(list(replace(self, **changes)._pairs()))}"

    def _pairs(self) -> Iterable[tuple[str, str]]:
        yield "direction", self.direction
        if self.steps is not None:
            yield "steps", str(self.steps)
        if self.day is not None:
            yield "at", self.day.isoformat()
        for place in sorted(self.open_places):
            yield "open", str(place)
        for namespace in self.unfolded:
            yield "unfold", namespace
        if self.everything:
            yield "everything", "1"
        if self.way is not None:
            yield "way", str(self.way)
        if self.find:
            yield "find", self.find

    @property
    def kept(self) -> list[tuple[str, str]]:
        """What the form of choices must carry along because it has no field for it."""
        return [(name, value) for name, value in self._pairs() if name in {"open", "unfold", "everything", "way"}]


def asked_of(query: QueryDict, *, direction: str = UP) -> Asked:
    """Read the query string.

    Raises
    ------
    InvalidInput
        Naming the field that cannot be read.
    """
    given = query.get("direction") or direction
    if given not in {UP, DOWN, BOTH}:
        raise InvalidInput(_("direction is up, down or both"), field="direction")
    steps = _whole(query.get("steps", ""), "steps")
    return Asked(
        direction=given,
        steps=steps or None,
        day=_day(query.get("at", "")),
        open_places=frozenset(found for text in query.getlist("open") if (found := _whole(text, "open"))),
        unfolded=tuple(dict.fromkeys(text for text in query.getlist("unfold") if text)),
        everything=bool(query.get("everything")),
        way=_whole(query.get("way", ""), "way"),
        find=query.get("find", "").strip()[:_LONGEST_FIND],
    )


_LARGEST = 2**63 - 1


def _whole(text: str, field: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < len(str(_LARGEST))):
        raise InvalidInput(_("%(field)s is a whole number") % {"field": field}, field=field)
    return int(text)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise InvalidInput(_("at is a day such as 2026-11-21"), field="at") from error


def first_of(query: Mapping[str, str], *names: str) -> list[str]:
    """Values of a query by name, empty where they are not given."""
    return [query.get(name, "").strip() for name in names]
