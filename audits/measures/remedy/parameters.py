"""What is asked about remedies: how predictions are read, and which features a model may be trained on. Pure of Django."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from audits.kinds.given import Given
from audits.parameters import TASKS, Parameters, parse_parameters
from registry.errors import InvalidInput

MOST_ROWS = 20_000
_OWN = ("features", "key", "rows")


@dataclass(frozen=True, slots=True, kw_only=True)
class RemedyParameters:
    """The parameters of ``evaluate remedy``.

    Attributes
    ----------
    predictions
        How labelled predictions are read, and the columns of groups; a score is needed.
    features
        Columns to train models on; without them only thresholds are searched.
    key
        Columns that identify a row, for drawing the rows to train on; by default all columns named.
    rows
        Most rows to draw for training and measuring.
    """

    predictions: Parameters
    features: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    rows: int = MOST_ROWS

    def as_json(self) -> dict[str, Any]:
        """Plain JSON, all in one mapping."""
        own = {"features": list(self.features), "key": list(self.key), "rows": self.rows}
        return {**self.predictions.as_json(), **own}


def parse_remedy(values: Mapping[str, Any]) -> RemedyParameters:
    """Check parameters that came as JSON.

    Raises
    ------
    InvalidInput
        Naming the parameter that is unknown, missing, impossible, or at odds with another.
    """
    own = Given({name: value for name, value in values.items() if name in _OWN}, "remedy", _OWN)
    predictions = parse_parameters({name: value for name, value in values.items() if name not in _OWN}, "remedy")
    if predictions.score is None:
        raise InvalidInput("name the score column: thresholds are thresholds of the score", field="score")
    if predictions.task != TASKS[0]:
        raise InvalidInput("remedies are for binary decisions", field="task")
    if not predictions.sensitive and not predictions.over:
        raise InvalidInput("name at least one sensitive column", field="sensitive")
    asked = RemedyParameters(
        predictions=predictions,
        features=own.texts("features"),
        key=own.texts("key"),
        rows=own.whole("rows", MOST_ROWS, least=400),
    )
    if predictions.label in asked.features:
        raise InvalidInput(f"the label {predictions.label!r} cannot be a feature", field="features")
    return asked
