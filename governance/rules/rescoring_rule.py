"""The check ``rescoring``: whether the submitted predictions are what the model itself gives. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from audits.data_roles import TEST
from governance.rules.evidence_gate import MEASURE_AGAIN, unusable
from governance.rules.facts import Facts
from governance.rules.prediction_needs import prediction_columns
from governance.rules.rule import Detail, EvidenceTerms, Judgement, Need, Rule, common_fields
from registry.execution import MODEL
from registry.manifest import PREDICTIONS

AGREEMENT, VERIFIED, DIFFERENCE = "prediction_agreement", "predictions_verified", "score_difference"
_CHECK = "rescoring"


def rescoring_need(schema: Mapping[str, Any], tolerances: Mapping[str, float] | None = None) -> Need:
    """The re-scoring of the test data, by all columns that measures of predictions read."""
    columns = prediction_columns(schema)
    columns.pop("positive", None)
    fixed = {**columns, "sensitive": list(schema.get("sensitive") or ()), "key": list(schema.get("key") or ())}
    return Need(
        kind=_CHECK,
        key=_CHECK,
        roles=(MODEL, TEST, PREDICTIONS),
        parameters={},
        fixed={**fixed, **(tolerances or {})},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RescoringRule(Rule):
    """``{check: rescoring, score_tolerance: 0.000001, decision_tolerance: 0}``."""

    check: ClassVar[str] = _CHECK

    score_tolerance: float | None = None
    decision_tolerance: float | None = None

    @classmethod
    def parse(cls, data: Mapping[str, Any], path: str) -> Self:  # noqa: ARG003 - the schema sees everything here
        """Make the rule from its YAML mapping."""
        return cls(
            **common_fields(data),
            score_tolerance=data.get("score_tolerance"),
            decision_tolerance=data.get("decision_tolerance"),
        )

    @property
    def key(self) -> str:
        """The evaluation that the rule reads."""
        return self.check

    def told(self) -> Mapping[str, Any]:
        """The tolerances that the policy states; a client cannot widen them."""
        stated = {"score_tolerance": self.score_tolerance, "decision_tolerance": self.decision_tolerance}
        return {name: value for name, value in stated.items() if value is not None}

    def needs(self, schema: Mapping[str, Any], *, has_champion: bool) -> Need | None:
        """The re-scoring of the test data."""
        return rescoring_need(schema)

    def statement(self) -> str:
        """The rule as one sentence."""
        return "The predictions submitted must be those that the model gives on the test data."

    def expected(self) -> str:
        """What the rule asks, in a few words."""
        return "the same predictions, row by row"

    def judge(self, facts: Facts, terms: EvidenceTerms) -> Judgement:
        """Apply the rule to the comparison, if it may be relied on."""
        how = "Add an artifact with the role test-data, name schema.key, and submit again."
        gate = unusable(self.key, facts, terms, how_to_measure=how, name="re-scoring")
        if gate is not None:
            return gate
        found = {metric: {(m.value, m.n, m.note) for m in facts.measurements[self.key] if m.metric == metric} for metric in (AGREEMENT, VERIFIED)}  # fmt: skip
        digest = facts.evaluations[self.key].sha256
        evidence = (digest,) if digest else ()
        if any(len(values) > 1 for values in found.values()):
            sentence = "The predictions were compared twice with different results."
            return Judgement(status="error", observed="contradictory", sentence=sentence, fix=MEASURE_AGAIN, evidence=evidence)  # fmt: skip
        if not all(found.values()):
            sentence = "The predictions submitted were not compared with the model's own."
            return Judgement(status="missing", observed="not compared", sentence=sentence, fix=MEASURE_AGAIN, evidence=evidence)  # fmt: skip
        ((same, n, differs),) = found[AGREEMENT]
        ((verified, _, unverified),) = found[VERIFIED]
        return self._judged(same, verified, n, differs or unverified, evidence)

    def _judged(
        self, same: float | None, verified: float | None, n: int, note: str, evidence: tuple[str, ...]
    ) -> Judgement:
        note = note or ("the predictions differ" if same != 1.0 else "the test data lack columns that they have")

        def details(status: str) -> tuple[Detail, ...]:
            return (Detail(metric=AGREEMENT, status=status, value=same, n=n, note=note),)

        if same != 1.0:
            return Judgement(
                status="fail",
                observed=note,
                sentence=f"The predictions submitted are not what the model gives on {n:,} rows: {note}.",
                fix="Submit the predictions that this very model makes on the test data, all rows of them.",
                n=n,
                evidence=evidence,
                details=details("fail"),
            )
        if verified != 1.0:
            return Judgement(
                status="missing",
                observed=note,
                sentence=f"The predictions are the model's own, but {note}, so what they say of it could not be checked.",
                fix="Add the columns to the test data, and submit again.",
                n=n,
                evidence=evidence,
                details=details("missing"),
            )
        return Judgement(
            status="pass",
            observed=f"the same on {n:,} rows",
            sentence=f"The predictions submitted are what the model gives on {n:,} rows.",
            n=n,
            evidence=evidence,
            details=details("pass"),
        )
