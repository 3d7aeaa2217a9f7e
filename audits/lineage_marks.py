"""The marks that stand for classes of personal data and for terms of use, on pages and in documents. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from audits.wording import STATUS_MARKS, day
from registry.terms import ANY_PURPOSE, Terms

CLASS_MARKS: Mapping[str, tuple[str, str]] = {
    "identifier": ("ID", "identifier"),
    "pseudonym": ("PS", "pseudonym"),
    "quasi-identifier": ("QI", "quasi-identifier"),
    "sensitive": ("S", "sensitive"),
    "special-category": ("SC", "special category"),
}
"""Class to its letters and words, in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class TermsState:
    """Whether a dataset may be used: the name of a status, which has a mark, and a few words."""

    status: str
    words: str

    @property
    def mark(self) -> str:
        """The status as a shape."""
        return STATUS_MARKS[self.status]


def class_order(classes: Iterable[str]) -> list[str]:
    """Classes without repetition, in the order in which they are shown; unknown ones last."""
    order = {name: number for number, name in enumerate(CLASS_MARKS)}
    return sorted(set(classes), key=lambda name: (order.get(name, len(order)), name))


def class_mark(name: str) -> tuple[str, str]:
    """Letters and words of a class."""
    return CLASS_MARKS.get(name, (name[:2].upper(), name))


def terms_state(terms: Terms | None, *, on: date, purpose: str = "") -> TermsState:
    """What the terms of a dataset say on a day: the gravest of it.

    Parameters
    ----------
    purpose
        What the data are to be used for; empty where nobody asks.
    """
    if terms is None:
        return TermsState("missing", "not registered")
    if terms.datasheet is None and not terms.withdrawn_at:
        return TermsState("missing", "no datasheet")
    against = next(_against(terms, on, purpose), None)
    if against is not None:
        return TermsState("fail", against)
    return TermsState("pass", f"permitted for {purpose}" if purpose else "may be used")


def _against(terms: Terms, on: date, purpose: str) -> Iterator[str]:
    """What forbids the use, the gravest first."""
    if terms.withdrawn_at:
        yield f"withdrawn {_day(terms.withdrawn_at)}"
    if _is_over(terms.licence_until, on):
        yield f"licence ended {_day(terms.licence_until)}"
    if _is_over(terms.retention_until, on):
        yield f"to be deleted since {_day(terms.retention_until)}"
    if not terms.purposes:
        yield "no purpose is permitted"
    if purpose and not {purpose, ANY_PURPOSE} & set(terms.purposes):
        yield f"not permitted for {purpose}"


def _day(iso: str | None) -> str:
    """``3 Nov 2026``: it must fit a box."""
    number, month, year = day(iso).split()
    return f"{number} {month[:3]} {year}"


def _is_over(last_day: str | None, on: date) -> bool:
    return last_day is not None and date.fromisoformat(last_day) < on
