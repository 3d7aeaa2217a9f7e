"""Evidence as a page shows it: per kind of check the verdict, the pictures, the numbers, and what they rest on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from audits.evidence_view import Table, measurement_table
from audits.models import Evaluation, JobStatus
from audits.rule_view import RuleView, check_title
from governance.models import Verdict, VerdictPicture
from registry import artifact_store
from registry.canonical import parse_json
from registry.errors import IntegrityFailure
from registry.models import ModelVersion


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart and the table behind it."""

    caption: str
    svg: str
    table: Table


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

    @property
    def is_wanted(self) -> bool:
        """Whether this check rests on an evaluation at all; documents are read, not measured."""
        return self.key != "documentation"


def current_by_kind(version: ModelVersion) -> dict[str, Evaluation]:
    """The latest evaluation of each kind."""
    found = version.evaluations.select_related("report", "champion").prefetch_related("measurements")
    latest: dict[str, Evaluation] = {}
    for evaluation in found.order_by("-created_at"):
        latest.setdefault(evaluation.kind, evaluation)
    return latest


def evidence_of(
    verdict: Verdict | None, rules: Sequence[RuleView], evaluations: Mapping[str, Evaluation]
) -> list[EvidencePart]:
    """Parts in the order of the policy's rules, then what was measured without a rule asking for it."""
    pictures = list(verdict.pictures.all()) if verdict else []
    stated = [rule["check"] for rule in verdict.document["rules"]] if verdict else []
    checks = dict.fromkeys([*stated, *evaluations])
    return [
        _part(check, [rule for rule in rules if rule.check == check], evaluations.get(check), pictures)
        for check in checks
    ]


def _part(
    check: str, rules: list[RuleView], evaluation: Evaluation | None, pictures: Iterable[VerdictPicture]
) -> EvidencePart:
    ids = {rule.id for rule in rules}
    shown = [Picture(item.caption, item.svg, _table(item.table)) for item in pictures if item.rule in ids]
    part = EvidencePart(check, check_title(check), rules, evaluation, shown)
    if evaluation is None or evaluation.status != JobStatus.SUCCEEDED or evaluation.report_id is None:
        return part
    numbers = measurement_table([row.as_measurement() for row in evaluation.measurements.all()])
    try:
        report = parse_json(artifact_store.read_bytes(evaluation.report_id), what="evidence")
    except IntegrityFailure as failure:
        return EvidencePart(check, part.title, rules, evaluation, shown, numbers, damage=str(failure))
    return EvidencePart(check, part.title, rules, evaluation, shown, numbers, report)


def _table(stored: Mapping[str, Any]) -> Table:
    return Table(
        heads=tuple((kind, text) for kind, text in stored["heads"]),
        rows=tuple(tuple((kind, text) for kind, text in row) for row in stored["rows"]),
    )
