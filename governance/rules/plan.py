"""Which evaluations a policy needs of a version, on which data and with which parameters. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from governance.rules.policy_document import PolicyDocument
from governance.rules.rescoring_rule import RescoringRule, rescoring_need
from governance.rules.rule import Need
from registry.canonical import canonical_json
from registry.manifest import PREDICTIONS

RECOMPUTED, RESCORING = "recomputed", RescoringRule.check


def plan(policy: PolicyDocument, manifest_schema: Mapping[str, Any], has_champion: bool) -> list[dict[str, Any]]:
    """List the evaluations that ``policy`` needs, one per key, with the parameters of all its rules joined.

    Parameters
    ----------
    manifest_schema
        The manifest's ``schema``: ``label``, ``prediction``, optional ``score``, ``positive``, ``sensitive`` and more.
        Sensitive columns that a rule names and the manifest does not declare are left out here; the rule will then be
        ``missing`` and say so.
    has_champion
        Whether the environment runs another version now.

    Returns
    -------
    list of dict
        ``{"key", "kind", "roles", "parameters"}`` in alphabetical order of key: the kind of evaluation, and the roles
        of the data that it reads. Evaluations of test predictions have as parameters ``label``, ``prediction`` and, if
        declared, ``score``, ``positive``, ``task``, ``weight`` and ``scores``; ``confidences``; for fairness also
        ``minimum_groups`` and ``over`` (a list of lists of columns). Others have those of their kind.

    Raises
    ------
    InvalidInput
        If an evaluation is needed and the manifest names no label or prediction column.
    """
    needs: dict[str, list[Need]] = {}
    told: dict[str, list[Mapping[str, Any]]] = {}
    for rule in policy.rules:
        need = rule.needs(manifest_schema, has_champion=has_champion)
        if need is not None:
            needs.setdefault(need.key, []).append(need)
            told.setdefault(need.key, []).append(rule.told())
    reads = {role for same in needs.values() for need in same for role in need.roles}
    if policy.evidence.minimum_trust == RECOMPUTED and PREDICTIONS in reads and RESCORING not in needs:
        # Without it, what rests on predictions stays a client's word, and no rule could ever pass.
        needs[RESCORING], told[RESCORING] = [rescoring_need(manifest_schema)], [{}]
    return [
        {"key": key, "kind": same[0].kind, "roles": list(same[0].roles), "parameters": _parameters(same, told[key])}
        for key, same in sorted(needs.items())
    ]


def _parameters(needs: list[Need], told: list[Mapping[str, Any]]) -> dict[str, Any]:
    fixed: dict[str, Any] = {}
    lists: dict[str, list[Any]] = {}
    # What the policy says comes last: it counts more than what the manifest declares.
    for given in [*(need.fixed for need in needs), *told]:
        for name, value in given.items():
            fixed[name] = {**fixed.get(name, {}), **value} if isinstance(value, Mapping) else value
    for need in needs:
        for name, values in need.parameters.items():
            present = lists.setdefault(name, [])
            present.extend(value for value in _plain(values) if value not in present)
    return {**fixed, **{name: _sorted(values) for name, values in lists.items()}}


def _plain(values: tuple[Any, ...]) -> list[Any]:
    # Columns in alphabetical order: an intersection is the same whichever way round it is named.
    return [sorted(value) if isinstance(value, tuple) else value for value in values]


def _sorted(values: list[Any]) -> list[Any]:
    # By number of columns first, so that single attributes come before their intersections.
    return sorted(values, key=lambda value: (len(value), canonical_json(value)) if isinstance(value, list) else value)
