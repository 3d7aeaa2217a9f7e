"""How far evidence can be trusted: that of the weakest of what it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from audits.data_roles import CHAMPION, EXPECTATIONS
from audits.models import Evaluation, JobStatus, Trust
from audits.services.model_inputs import runs_in_sandbox
from registry.execution import MODEL
from registry.manifest import PREDICTIONS
from registry.models import ModelVersion

RESCORING = "rescoring"


def trust_of(
    version: ModelVersion,
    kind: str,
    inputs: Sequence[Mapping[str, Any]],
    champion: ModelVersion | None,
    roles: Sequence[str],
) -> Trust:
    """The grade of what an evaluation of these inputs measures.

    The grade says who computed, not where the data come from (lineage says that): what the service measures itself on
    the bytes that the manifest binds is ``recomputed``. Predictions are a client's word until the service has made the very
    same itself; so is what an endpoint answers, since nobody knows what runs behind it, and what a report that was made
    elsewhere says.
    """
    grades = [
        _grade(kind, item, champion if role.startswith(CHAMPION) else version) for role, item in _paired(roles, inputs)
    ]
    return Trust.CLAIMED if not grades or Trust.CLAIMED in grades else Trust.RECOMPUTED


def _paired(roles: Sequence[str], inputs: Sequence[Mapping[str, Any]]) -> list[tuple[str, Mapping[str, Any]]]:
    """Inputs with the roles they play; what comes after those of the plan, such as expectations, names its own."""
    played = [role for role in roles if role]
    return [(played[i] if i < len(played) else str(item.get("role", "")), item) for i, item in enumerate(inputs)]


def _grade(kind: str, item: Mapping[str, Any], whose: ModelVersion | None) -> Trust:
    role = item.get("role", PREDICTIONS)
    if role == MODEL:
        held = runs_in_sandbox(item)
    elif role == PREDICTIONS and kind != RESCORING:
        held = whose is not None and item.get("sha256", "") in rescored_predictions(whose)
    else:
        held = role != EXPECTATIONS
    return Trust.RECOMPUTED if held else Trust.CLAIMED


def rescored_predictions(version: ModelVersion) -> set[str]:
    """The digests of submitted predictions that the service's own equal, row by row, by the last word of re-scoring."""
    found: dict[str, bool] = {}
    done = version.evaluations.filter(kind=RESCORING, status=JobStatus.SUCCEEDED).order_by("created_at")
    for evaluation in done.prefetch_related("measurements"):
        files = [
            item for item in evaluation.inputs if item.get("role", PREDICTIONS) == PREDICTIONS and "sha256" in item
        ]
        sha256 = files[0]["sha256"] if files else ""
        found[sha256] = evaluation.trust == Trust.RECOMPUTED and _agrees(evaluation)
    return {sha256 for sha256, agrees in found.items() if agrees and sha256}


def _agrees(evaluation: Evaluation) -> bool:
    rows = [row for row in evaluation.measurements.all() if row.metric == "predictions_verified"]
    return bool(rows) and all(row.value == 1.0 for row in rows)


def settle_trust(version: ModelVersion) -> list[Evaluation]:
    """Grade again what rests on the version's predictions, after they were re-scored; those whose grade changed."""
    changed = []
    rest = Evaluation.objects.select_for_update(of=("self",)).select_related("version__model").exclude(kind=RESCORING)
    ours, others = rest.filter(version=version), rest.filter(champion=version).exclude(version=version)
    for evaluation in [*ours.order_by("pk"), *others.order_by("pk")]:
        grade = trust_of(evaluation.version, evaluation.kind, evaluation.inputs, evaluation.champion, evaluation.roles)
        if grade != evaluation.trust:
            evaluation.trust = grade
            evaluation.save(update_fields=["trust"])
            changed.append(evaluation)
    return changed
