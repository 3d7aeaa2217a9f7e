"""The facts that a policy is applied to, read strictly: an unknown key or a wrong type is an error, never null. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audits.measurement import Measurement
from governance.rules.lineage_facts import LINEAGE, LineageFacts, parse_lineage
from governance.rules.reading import Reader
from registry.errors import InvalidInput

TRUST_GRADES = ("claimed", "attested", "recomputed")
"""From weakest to strongest."""

EVALUATION_STATUSES = ("succeeded", "error", "queued", "running", "cancelled", "unavailable")
"""``unavailable`` is what could not be measured because no model can be run on this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is judged: one model version, for one environment."""

    model: str
    version: str
    manifest_sha256: str
    risk_tier: str
    environment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationError:
    """Why an evaluation could not be finished, and where in its input."""

    message: str
    file: str | None
    column: str | None
    row: int | None

    def sentence(self) -> str:
        """Write the message, adding the places that it does not itself name."""
        places = [
            text
            for text, shown in (
                (f"file {self.file}", self.file),
                (f"column {self.column}", self.column),
                (f"row {self.row}", None if self.row is None else f"row {self.row}"),
            )
            if shown is not None and shown not in self.message
        ]
        message = self.message.rstrip(". ")
        return f"{message} ({', '.join(places)})" if places else message


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """One planned evaluation and how far it came; ``cancelled_by`` is a person's printed name."""

    status: str
    trust: str
    finished_at: datetime | None
    sha256: str | None
    error: EvaluationError | None
    cancelled_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Champion:
    """The version that the environment runs now."""

    version: str
    manifest_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """An exception: the rule is waived until a moment."""

    rule: str
    id: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything known about one version at one moment.

    Attributes
    ----------
    evaluations, measurements
        By the key of the evaluation: its kind and, where policy names other data than usual, those.
    features
        The columns that the manifest names as features; None where the facts do not say.
    lineage
        Where the model comes from; None where it was not gathered, as for policies that do not ask.
    """

    as_of: datetime
    subject: Subject
    evaluations: Mapping[str, Evaluation]
    measurements: Mapping[str, tuple[Measurement, ...]]
    champion: Champion | None
    documentation: Mapping[str, str]
    exceptions: tuple[Waiver, ...]
    features: tuple[str, ...] | None = None
    lineage: LineageFacts | None = None


def parse_facts(data: Mapping[str, Any]) -> Facts:
    """Read plain JSON facts.

    Raises
    ------
    InvalidInput
        Naming the path (such as ``measurements[3].low``) of an unknown or missing key, a wrong type, NaN, an interval
        upside down, or a measurement that is not from the evaluation's own evidence.
    """
    reader = Reader(data, "")
    as_of = reader.moment("as_of")
    subject = _subject(reader.object("subject"))
    evaluations = {key: _evaluation(inner) for key, inner in reader.object("evaluations").items()}
    measurements: dict[str, list[Measurement]] = {key: [] for key in evaluations}
    for inner in reader.objects("measurements"):
        key, measurement = _measurement(inner, evaluations)
        measurements[key].append(measurement)
    champion = reader.object_or_none("champion")
    documentation = reader.object("documentation")
    facts = Facts(
        as_of=as_of,
        subject=subject,
        evaluations=evaluations,
        measurements={key: tuple(found) for key, found in measurements.items()},
        champion=None if champion is None else _champion(champion),
        documentation={section: documentation.text(section) for section in documentation.names()},
        exceptions=tuple(_waiver(inner) for inner in reader.objects("exceptions")),
        # Facts of verdicts from before there were rules over features do not name them.
        features=reader.texts("features") if "features" in reader.names() else None,
        lineage=parse_lineage(reader.object(LINEAGE)) if LINEAGE in reader.names() else None,
    )
    reader.done()
    return facts


def _subject(reader: Reader) -> Subject:
    subject = Subject(
        model=reader.text("model"),
        version=reader.text("version"),
        manifest_sha256=reader.digest("manifest_sha256"),
        risk_tier=reader.text("risk_tier"),
        environment=reader.text("environment"),
    )
    reader.done()
    return subject


def _evaluation(reader: Reader) -> Evaluation:
    error = reader.object_or_none("error")
    evaluation = Evaluation(
        status=reader.choice("status", EVALUATION_STATUSES),
        trust=reader.choice("trust", TRUST_GRADES),
        finished_at=reader.moment_or_none("finished_at"),
        sha256=reader.digest_or_none("sha256"),
        error=None if error is None else _evaluation_error(error),
        cancelled_by=reader.text("cancelled_by") if "cancelled_by" in reader.names() else "",
    )
    reader.done()
    return evaluation


def _evaluation_error(reader: Reader) -> EvaluationError:
    error = EvaluationError(
        message=reader.text("message"),
        file=reader.text_or_none("file"),
        column=reader.text_or_none("column"),
        row=reader.integer_or_none("row"),
    )
    reader.done()
    return error


def _champion(reader: Reader) -> Champion:
    champion = Champion(version=reader.text("version"), manifest_sha256=reader.digest("manifest_sha256"))
    reader.done()
    return champion


def _waiver(reader: Reader) -> Waiver:
    waiver = Waiver(rule=reader.text("rule"), id=reader.text("id"), until=reader.moment("until"))
    reader.done()
    return waiver


def _measurement(reader: Reader, evaluations: Mapping[str, Evaluation]) -> tuple[str, Measurement]:
    key = reader.choice("kind", tuple(evaluations))
    evidence = reader.digest("evidence")
    if evidence != evaluations[key].sha256:
        # Otherwise a number could borrow the trust grade and the date of an evaluation it does not come from.
        raise InvalidInput(f"{reader.path('evidence')} is not the evidence of the {key} evaluation", field="evidence")
    slice_ = reader.object("slice")
    measurement = Measurement(
        metric=reader.text("metric"),
        slice={column: slice_.text(column) for column in slice_.names()},
        value=reader.number_or_none("value"),
        low=reader.number_or_none("low"),
        high=reader.number_or_none("high"),
        n=reader.integer("n"),
        method=reader.text("method"),
        confidence=reader.number("confidence"),
        over=reader.texts("over"),
        minimum_group=reader.number("minimum_group"),
        counts={name: reader.integer(name) for name in ("tp", "fp", "tn", "fn") if name in reader.names()},
        note=reader.text("note"),
    )
    if measurement.low is not None and measurement.high is not None and measurement.low > measurement.high:
        raise InvalidInput(f"{reader.path('low')} is above high", field="low")
    reader.done()
    return key, measurement
