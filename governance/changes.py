"""What changed since the version that was last approved: metrics, data, features, parameters, card, code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Q

from audits.data_roles import DATA_ROLES, TEST
from audits.dossier import Change
from audits.metric_words import metric_value, metric_words
from audits.models import JobStatus, MeasurementRow
from governance.models import Promotion, Review
from governance.transitions import ReviewState
from registry.models import CARD_SECTIONS, ModelVersion
from registry.selectors import current_card

_METRICS = (
    "roc_auc_score",
    "accuracy_score",
    "precision_score",
    "recall_score",
    "f1_score",
    "log_loss",
    "brier_score_loss",
    "selection_rate",
    "demographic_parity_ratio",
    "equalized_odds_difference",
)


_CELLS = ("tp", "fp", "tn", "fn")
OTHER_DATA = "on other test data, not to be compared"
OTHER_CODE = "measured by other code, not to be compared"


def last_approved(version: ModelVersion, environment: str) -> ModelVersion | None:
    """The version approved or promoted last before this one was submitted, for that environment."""
    promoted = Promotion.objects.filter(model_id=version.model_id, environment=environment).values("version")
    approved = Review.objects.filter(
        version__model_id=version.model_id, environment=environment, state=ReviewState.APPROVED
    ).values("version")
    return (
        ModelVersion.objects.filter(Q(pk__in=promoted) | Q(pk__in=approved), created_at__lt=version.created_at)
        .exclude(pk=version.pk)
        .select_related("model__use_case", "training_dataset__dataset")
        .order_by("-created_at")
        .first()
    )


def changes_since(version: ModelVersion, environment: str) -> tuple[tuple[Change, ...], ModelVersion | None]:
    """Differences from :func:`last_approved`, and that version; no differences where nothing was approved before."""
    before = last_approved(version, environment)
    if before is None:
        return (), None
    return tuple(_all(before, version)), before


def changes_between(before: ModelVersion, after: ModelVersion) -> tuple[Change, ...]:
    """Differences of any two versions in what they were made from; without the numbers that each was measured with."""
    return tuple(_made(before, after))


def _all(before: ModelVersion, after: ModelVersion) -> Iterable[Change]:
    yield from _metrics(before, after)
    yield from _made(before, after)


def _made(before: ModelVersion, after: ModelVersion) -> Iterable[Change]:
    old, new = before.facts, after.facts
    yield from _mapping(
        "data",
        {"training dataset": str(before.training_dataset or "")},
        {"training dataset": str(after.training_dataset or "")},
    )
    yield from _mapping("data", _data(old), _data(new))
    yield from _features(old["schema"], new["schema"])
    yield from _mapping(
        "parameters", _flat(old["training"].get("parameters", {})), _flat(new["training"].get("parameters", {}))
    )
    yield from _mapping(
        "parameters", _flat({"seed": old["training"].get("seed")}), _flat({"seed": new["training"].get("seed")})
    )
    yield from _cards(before, after)
    yield from _mapping("code", _flat(old["code"]), _flat(new["code"]))
    yield from _mapping(
        "code",
        _flat(old["environment"]) | _files(old, "environment"),
        _flat(new["environment"]) | _files(new, "environment"),
    )


def _latest(version: ModelVersion) -> dict[tuple[str, tuple[str, ...]], MeasurementRow]:
    rows = (
        MeasurementRow.objects.filter(
            evaluation__version=version, evaluation__status=JobStatus.SUCCEEDED, metric__in=_METRICS, slice={}
        )
        .filter(evaluation__kind__in=("performance", "fairness"))
        .select_related("evaluation")
        .order_by("evaluation__created_at", "-pk")
    )
    return {(row.metric, tuple(row.over)): row for row in rows}


def _shown(row: MeasurementRow | None) -> str:
    if row is None:
        return "not measured"
    value = metric_value(row.metric, row.value)
    if row.low is None or row.high is None:
        return value
    return f"{value} ({metric_value(row.metric, row.low)}–{metric_value(row.metric, row.high)})"


def _metrics(before: ModelVersion, after: ModelVersion) -> Iterable[Change]:
    old, new = _latest(before), _latest(after)
    elsewhere = other_test_data(before, after)
    for key in sorted(old.keys() | new.keys(), key=lambda key: (_METRICS.index(key[0]), key[1])):
        shown = _shown(old.get(key)), _shown(new.get(key))
        unlike = _unlike(old.get(key), new.get(key), elsewhere)
        if unlike or shown[0] != shown[1]:
            metric, over = key
            name = metric_words(metric) + (f" by {' × '.join(over)}" if over else "")
            yield Change(area="metrics", item=name, before=f"{shown[0]}{unlike}", after=shown[1])


def _unlike(old: MeasurementRow | None, new: MeasurementRow | None, elsewhere: bool) -> str:
    """What stands beside a value of before that is not measured as the one of now is; empty where both are measured alike."""
    if old is None or new is None:
        return ""
    if elsewhere:
        return f"; {OTHER_DATA}"
    return f"; {OTHER_CODE}" if old.evaluation.code_version != new.evaluation.code_version else ""


def other_test_data(before: ModelVersion, after: ModelVersion) -> bool:
    """Whether two versions were measured on different test rows, as far as what is stored tells.

    They were where their files of test data differ, or where the labels of their predictions do not add up to the same. The
    evaluation ``comparison``, which pairs the rows themselves, is the word on it; this keeps numbers apart without it.
    """
    files = [set(v.files.filter(role=TEST).values_list("artifact_id", flat=True)) for v in (before, after)]
    if any(files) and files[0] != files[1]:
        return True
    labels = [_labels(version) for version in (before, after)]
    return None not in labels and labels[0] != labels[1]


def _labels(version: ModelVersion) -> tuple[float, float] | None:
    """Positive and negative labels of the predictions that were measured last; None where that was not counted."""
    rows = MeasurementRow.objects.filter(
        evaluation__version=version, evaluation__status=JobStatus.SUCCEEDED, evaluation__kind="performance", slice={}
    )
    found = rows.filter(metric__in=_CELLS, value__isnull=False).order_by("evaluation__created_at")
    counts: dict[str, float] = {row.metric: row.value for row in found if row.value is not None}
    if len(counts) < len(_CELLS):
        return None
    return counts["tp"] + counts["fn"], counts["tn"] + counts["fp"]


def _files(facts: Mapping[str, Any], role: str) -> dict[str, str]:
    return {file["path"]: f"sha256:{file['sha256'][:12]}…" for file in facts["artifacts"] if file["role"] == role}


def _data(facts: Mapping[str, Any]) -> dict[str, str]:
    """Files that are data, by path, and addresses of data by the role they play."""
    roles = sorted({file["role"] for file in facts["artifacts"]} & DATA_ROLES)
    files = {path: digest for role in roles for path, digest in _files(facts, role).items()}
    return files | {item["role"]: item["url"] for item in facts.get("data", ())}


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        elif value is not None:
            flat[f"{prefix}{key}"] = str(value)
    return flat


def _mapping(area: str, old: Mapping[str, str], new: Mapping[str, str]) -> Iterable[Change]:
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) != new.get(key):
            yield Change(area=area, item=key, before=old.get(key, "–") or "–", after=new.get(key, "–") or "–")


def _features(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterable[Change]:
    for name in ("features", "sensitive"):
        gone = sorted(set(old[name]) - set(new[name]))
        come = sorted(set(new[name]) - set(old[name]))
        if gone or come:
            yield Change(area="features", item=name, before=", ".join(gone) or "–", after=", ".join(come) or "–")


def _cards(before: ModelVersion, after: ModelVersion) -> Iterable[Change]:
    old, new = current_card(before), current_card(after)
    olds, news = (old.sections if old else {}), (new.sections if new else {})
    for key, title, _ in CARD_SECTIONS:
        if olds.get(key, "") != news.get(key, ""):
            yield Change(area="card", item=title, before=olds.get(key, "–"), after=news.get(key, "–"))
