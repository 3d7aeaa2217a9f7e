"""What evaluations that run the model are told, and the data that they read. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audits.data_roles import TEST
from governance.rules.rule import Need
from registry.execution import MODEL

_TOLD = ("label", "positive", "task", "sensitive", "key")


def model_columns(schema: Mapping[str, Any]) -> dict[str, Any]:
    """What the manifest's schema says of the test data, as far as it does: ``label``, ``positive``, ``task``, ``sensitive``, ``key``."""
    return {name: schema[name] for name in _TOLD if schema.get(name)}


def model_need(
    kind: str,
    parameters: Mapping[str, tuple[Any, ...]],
    *,
    key: str = "",
    roles: tuple[str, ...] = (MODEL, TEST),
    fixed: Mapping[str, Any] | None = None,
) -> Need:
    """The need of an evaluation that runs the model, by default on the test data; its key is the kind unless told."""
    return Need(kind=kind, key=key or kind, roles=roles, parameters=parameters, fixed=dict(fixed or {}))
