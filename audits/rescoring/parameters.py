"""The parameters of ``evaluate rescore``, checked. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from audits.kinds.given import Given, refuse_shared
from registry.errors import InvalidInput

SCORE_TOLERANCE, _MOST_SCORE, _MOST_DECISIONS = 1e-6, 0.01, 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class RescoringParameters:
    """How submitted predictions are compared with the model's own.

    Attributes
    ----------
    prediction, score, scores
        Columns of the submitted predictions; ``scores`` gives each class the column of its probability.
    label, weight, sensitive
        Columns of the predictions that must be as they are in the test data.
    key
        The columns that identify a row in both.
    task
        ``binary``, ``multiclass`` or ``regression``.
    score_tolerance
        Two scores agree where they differ by at most this.
    decision_tolerance
        The share of decisions that may differ.
    model
        How the model is asked, on the command line; the service knows it from the manifest.
    """

    prediction: str
    key: tuple[str, ...]
    label: str | None = None
    score: str | None = None
    scores: Mapping[str, str] = field(default_factory=dict)
    weight: str | None = None
    sensitive: tuple[str, ...] = ()
    task: str = "binary"
    score_tolerance: float = SCORE_TOLERANCE
    decision_tolerance: float = 0.0
    model: Mapping[str, Any] | None = None

    @property
    def stated(self) -> tuple[str, ...]:
        """Columns that measures read beside what the model says: they come from the test data, or are the client's word."""
        return tuple(dict.fromkeys(filter(None, (self.label, self.weight, *self.sensitive))))

    def as_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self) | {"key": list(self.key), "sensitive": list(self.sensitive), "scores": dict(self.scores)}


def parse_rescoring(values: Mapping[str, Any]) -> RescoringParameters:
    """Check parameters that came as JSON.

    Raises
    ------
    InvalidInput
        Naming the parameter that is unknown, missing, of the wrong type or out of range.
    """
    given = Given(values, "rescoring", [*RescoringParameters.__slots__, "positive"])
    scores = values.get("scores") or {}
    if not isinstance(scores, Mapping) or not all(isinstance(name, str) and name for name in scores.values()):
        raise InvalidInput(f"scores must give each class its column, not {scores!r}", field="scores")
    model = values.get("model")
    if model is not None and not isinstance(model, Mapping):
        raise InvalidInput(f"model must say how the model is asked, not {model!r}", field="model")
    key = given.texts("key")
    if not key:
        raise InvalidInput(
            "name the columns that identify a row, in the predictions and in the test data alike (in the manifest: "
            "schema.key): rows are compared one by one",
            field="key",
        )
    parameters = RescoringParameters(
        prediction=given.required("prediction"),
        key=key,
        label=given.text("label"),
        score=given.text("score"),
        scores=dict(scores),
        weight=given.text("weight"),
        sensitive=given.texts("sensitive"),
        task=given.text("task") or "binary",
        score_tolerance=given.number("score_tolerance", SCORE_TOLERANCE, 0.0, _MOST_SCORE),
        decision_tolerance=given.number("decision_tolerance", 0.0, 0.0, _MOST_DECISIONS),
        model=model,
    )
    refuse_shared([("prediction", parameters.prediction), *(("key", name) for name in key)])
    return parameters
