"""Evidence as a page shows it: per kind of check the verdict, the pictures, the numbers, and what they rest on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from audits.evidence_view import measurement_table
from audits.models import Evaluation, JobStatus
from audits.rule_view import RuleView, check_title, evaluation_of
from audits.tables import Table
from governance.models import Verdict, VerdictPicture
from governance.rules.evidence_gate import MEASURE_AGAIN
from governance.services.pictures import EVIDENCE
from registry import artifact_store
from registry.canonical import parse_json
from registry.errors import IntegrityFailure
from registry.models import ModelVersion

MOST_MEASUREMENTS = 25
"""So many measurements stand on the page; the evidence file holds all."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart and the table behind it."""

    caption: str
    svg: str
    table: Table
    rest: Table | None = None
    rest_title: str = ""
    omitted: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class EvidencePart:
    """Everything about one kind of check. ``damage`` says that the stored evidence is no longer what was measured."""

    key: str
    title: str
    rules: list[RuleView]
    evaluation: Evaluation | None
    pictures: list[Picture]
    numbers: Table | None = None
    report: Mapping[str, Any] = field(default_factory=dict)
    damage: str = ""
    exhibits: list[Picture] = field(default_factory=list)
    measured: int = 0

    @property
    def open_exhibits(self) -> list[Picture]:
        """Tables say what matters; a picture stands open only where no rule's own picture does."""
        return [item for item in self.exhibits if not item.svg or not self.pictures]

    @property
    def folded_exhibits(self) -> list[Picture]:
        """The pictures beside those of the rules."""
        return [item for item in self.exhibits if item.svg and self.pictures]

    @property
    def unlisted(self) -> int:
        """Measurements that stand in the evidence file alone."""
        return self.measured - len(self.numbers.rows) if self.numbers else 0

    @property
    def may_be_repeated(self) -> bool:
        """Whether the same question may be asked once more: it was cancelled, or its answer is too old for policy."""
        if self.evaluation is None or not self.evaluation.is_finished:
            return False
        return any(rule.status == "missing" and rule.fix == MEASURE_AGAIN for rule in self.rules)

    @property
    def is_wanted(self) -> bool:
        """Whether this check rests on an evaluation at all; documents are read, not measured."""
        return self.key != "documentation"


def current_by_kind(version: ModelVersion) -> dict[str, Evaluation]:
    """The latest evaluation of each key: of a kind, on the same data."""
    found = version.evaluations.select_related("report", "champion", "cancelled_by").prefetch_related("measurements")
    latest: dict[str, Evaluation] = {}
    for evaluation in found.order_by("-created_at"):
        latest.setdefault(evaluation.key, evaluation)
    return latest


def evidence_of(
    verdict: Verdict | None, rules: Sequence[RuleView], evaluations: Mapping[str, Evaluation]
) -> list[EvidencePart]:
    """Parts in the order of the policy's rules, then what was measured without a rule asking for it."""
    pictures = list(verdict.pictures.all()) if verdict else []
    stated = [evaluation_of(rule) for rule in verdict.document["rules"]] if verdict else []
    checks = dict.fromkeys([*stated, *evaluations])
    return [
        _part(check, [rule for rule in rules if rule.evaluation == check], evaluations.get(check), pictures)
        for check in checks
    ]


def _part(
    check: str, rules: list[RuleView], evaluation: Evaluation | None, pictures: Iterable[VerdictPicture]
) -> EvidencePart:
    ids = {rule.id for rule in rules}
    shown = [_picture(item) for item in pictures if item.rule in ids]
    exhibits = [_picture(item) for item in pictures if item.rule == f"{EVIDENCE}{check}"]
    part = EvidencePart(check, check_title(check), rules, evaluation, shown, exhibits=exhibits)
    if evaluation is None or evaluation.status != JobStatus.SUCCEEDED or evaluation.report_id is None:
        return part
    everything = measurement_table([row.as_measurement() for row in evaluation.measurements.all()])
    numbers = Table(heads=everything.heads, rows=everything.rows[:MOST_MEASUREMENTS])
    part = replace(part, measured=len(everything.rows))
    try:
        report = parse_json(artifact_store.read_bytes(evaluation.report_id), what="evidence")
    except IntegrityFailure as failure:
        return replace(part, numbers=numbers, damage=str(failure))
    return replace(part, numbers=numbers, report=report)


def _picture(stored: VerdictPicture) -> Picture:
    table = stored.table
    rest = table.get("rest", [])
    return Picture(
        stored.caption,
        stored.svg,
        _table(table["heads"], table["rows"]),
        rest=_table(table["heads"], rest) if rest else None,
        rest_title=table.get("rest_title", ""),
        omitted=table.get("omitted", 0),
        note=table.get("note", ""),
    )


def _table(heads: Iterable[Iterable[str]], rows: Iterable[Iterable[Iterable[str]]]) -> Table:
    return Table(
        heads=tuple((kind, text) for kind, text in heads),
        rows=tuple(tuple((kind, text) for kind, text in row) for row in rows),
    )
