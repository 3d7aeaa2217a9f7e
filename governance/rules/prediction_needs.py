"""What every evaluation of test predictions is told: the columns that the manifest's schema names. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from governance.rules.rule import Need
from registry.errors import InvalidInput
from registry.manifest import PREDICTIONS

PLANNED_CONFIDENCE = 0.95
"""Measured with this where a rule names none: evaluations always make intervals."""

_OPTIONAL = ("score", "positive", "task", "weight", "scores")


def prediction_columns(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of the test predictions, and how they are to be read, as far as the manifest says.

    Raises
    ------
    InvalidInput
        If it names no label or prediction column.
    """
    for key in ("label", "prediction"):
        if not schema.get(key):
            raise InvalidInput(
                f"the manifest's schema.{key} must name a column of the test predictions", field=f"schema.{key}"
            )
    return {key: schema[key] for key in ("label", "prediction", *_OPTIONAL) if schema.get(key)}


def prediction_need(
    kind: str,
    schema: Mapping[str, Any],
    parameters: Mapping[str, tuple[Any, ...]],
    *,
    roles: tuple[str, ...] = (PREDICTIONS,),
    fixed: Mapping[str, Any] | None = None,
) -> Need:
    """The need of an evaluation of test predictions; there is one of each kind, which is its key."""
    return Need(
        kind=kind,
        key=kind,
        roles=roles,
        parameters=parameters,
        fixed={**prediction_columns(schema), **(fixed or {})},
    )
