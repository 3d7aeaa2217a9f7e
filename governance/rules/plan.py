"""Which evaluations a policy needs of a version, and with which parameters. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from governance.rules.policy_document import PolicyDocument
from registry.canonical import canonical_json
from registry.errors import InvalidInput


def plan(policy: PolicyDocument, manifest_schema: Mapping[str, Any], has_champion: bool) -> list[dict[str, Any]]:
    """List the evaluations that ``policy`` needs, one per kind, with the parameters of all its rules joined.

    Parameters
    ----------
    manifest_schema
        The manifest's ``schema``: ``label``, ``prediction``, optional ``score``, ``positive``, ``sensitive``.
        Sensitive columns that a rule names and the manifest does not declare are left out here; the rule will then be
        ``missing`` and say so.
    has_champion
        Whether the environment runs another version now.

    Returns
    -------
    list of dict
        ``{"kind", "parameters"}`` in alphabetical order of kind. Parameters are ``label``, ``prediction`` and, if declared,
        ``score`` and ``positive``; ``confidences``; for fairness also ``minimum_groups`` and ``over`` (a list of lists of columns).

    Raises
    ------
    InvalidInput
        If an evaluation is needed and the manifest names no label or prediction column.
    """
    joined: dict[str, dict[str, list[Any]]] = {}
    for rule in policy.rules:
        need = rule.needs(manifest_schema, has_champion=has_champion)
        if need is None:
            continue
        lists = joined.setdefault(need.kind, {})
        for name, values in need.parameters.items():
            present = lists.setdefault(name, [])
            present.extend(value for value in _plain(values) if value not in present)
    if not joined:
        return []
    columns = _columns(manifest_schema)
    return [
        {"kind": kind, "parameters": {**columns, **{name: _sorted(values) for name, values in lists.items()}}}
        for kind, lists in sorted(joined.items())
    ]


def _columns(schema: Mapping[str, Any]) -> dict[str, str]:
    for key in ("label", "prediction"):
        if not schema.get(key):
            raise InvalidInput(
                f"the manifest's schema.{key} must name a column of the test predictions", field=f"schema.{key}"
            )
    return {key: schema[key] for key in ("label", "prediction", "score", "positive") if schema.get(key)}


def _plain(values: tuple[Any, ...]) -> list[Any]:
    # Columns in alphabetical order: an intersection is the same whichever way round it is named.
    return [sorted(value) if isinstance(value, tuple) else value for value in values]


def _sorted(values: list[Any]) -> list[Any]:
    # By number of columns first, so that single attributes come before their intersections.
    return sorted(values, key=lambda value: (len(value), canonical_json(value)) if isinstance(value, list) else value)
