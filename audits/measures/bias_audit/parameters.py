"""What a bias audit is asked: the columns, what may be left out, and what is published with the tables. Pure of Django."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from audits.kinds.given import Given, refuse_shared
from registry.errors import InvalidInput

MOST_EXCLUDED = 0.02
"""6 RCNY § 5-301(d): only a category of less than 2 % of the data may be left out of the ratios."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BiasAudit:
    """The parameters of a bias audit.

    Attributes
    ----------
    sex, race
        Columns of the categories; at least one. With both, their intersections are audited too.
    selected
        Column that says whether a person was selected (0 and 1); with ``counts``, how many were.
    score
        Column of the tool's score.
    assessed
        Column that says whether a person was assessed (0 and 1); with ``counts``, how many were. Everybody by default.
    counts
        Whether each row is a category with its counts, as audits are published, and not a person.
    positive
        The value of ``selected`` that means selected, where it is not 0 and 1.
    unknown
        Texts that stand for an unknown category, besides a missing value; upper and lower case are one.
    exclude_below
        Share of the data under which a category is left out of the ratios, as comparator too; at most 0.02.
    justification
        The auditor's reason for leaving categories out.
    confidences
        Nominal coverages of the intervals, which the law does not ask for.
    max_groups
        Most categories of one column.
    date, source, explanation, distribution_date
        What is published beside the tables: the date of the audit (ISO), where the data come from and what they are, and the
        day from which the tool is used.
    """

    sex: str | None = None
    race: str | None = None
    selected: str | None = None
    score: str | None = None
    assessed: str | None = None
    counts: bool = False
    positive: str | None = None
    unknown: tuple[str, ...] = ("unknown",)
    exclude_below: float = 0.0
    justification: str | None = None
    confidences: tuple[float, ...] = (0.95,)
    max_groups: int = 100
    date: str | None = None
    source: str | None = None
    explanation: str | None = None
    distribution_date: str | None = None

    @property
    def tables(self) -> tuple[tuple[str, ...], ...]:
        """The sets of columns that the law wants a table for."""
        single = tuple((column,) for column in (self.sex, self.race) if column)
        return (*single, (self.sex, self.race)) if self.sex and self.race else single

    def as_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {**asdict(self), "unknown": list(self.unknown), "confidences": list(self.confidences)}


def parse_bias_audit(values: Mapping[str, Any]) -> BiasAudit:
    """Check parameters that came as JSON.

    Raises
    ------
    InvalidInput
        Naming the parameter that is unknown, missing, impossible, or at odds with another.
    """
    given = Given(values, "bias-audit", BiasAudit.__slots__)
    unknown = given.texts("unknown", "texts") if "unknown" in values else ("unknown",)
    asked = BiasAudit(
        **{name: given.text(name) for name in ("sex", "race", "selected", "score", "assessed", "positive")},
        **{name: given.text(name) for name in ("justification", "source", "explanation")},
        **{name: _day(given, name) for name in ("date", "distribution_date")},
        counts=given.flag("counts"),
        unknown=unknown,
        exclude_below=given.number("exclude_below", 0.0, 0.0, MOST_EXCLUDED),
        confidences=given.confidences(),
        max_groups=given.whole("max_groups", 100, least=2),
    )
    _refuse_nonsense(asked)
    return asked


def _refuse_nonsense(asked: BiasAudit) -> None:
    columns = [(part, getattr(asked, part)) for part in ("sex", "race", "selected", "score", "assessed")]
    refuse_shared(columns)
    if not asked.tables:
        raise InvalidInput("name the column of sex, of race, or both", field="sex")
    if not asked.selected and not asked.score:
        raise InvalidInput("name the column that says who was selected, or the column of the score", field="selected")
    if asked.counts and (asked.score or not asked.assessed or not asked.selected):
        raise InvalidInput(
            "counts need the columns of how many were assessed and selected, and cannot hold a score", field="counts"
        )
    if asked.assessed and not asked.selected:
        raise InvalidInput("assessed belongs to selected: leave who was not scored out of the data", field="assessed")
    if asked.assessed and asked.score:
        raise InvalidInput("assessed cannot stand beside a score: audit the scores by themselves", field="assessed")
    if asked.positive and (asked.counts or not asked.selected):
        raise InvalidInput("positive is a value of the selected column of persons", field="positive")
    if asked.justification and not asked.exclude_below:
        raise InvalidInput("a justification is for leaving categories out (exclude_below)", field="justification")


def _day(given: Given, name: str) -> str | None:
    text = given.text(name)
    if text is not None:
        try:
            date.fromisoformat(text)
        except ValueError as error:
            raise InvalidInput(f"{name} must be a date like 2026-01-31, not {text!r}", field=name) from error
    return text
