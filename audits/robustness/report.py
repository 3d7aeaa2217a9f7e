"""What perturbations did, as measurements and series. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from audits.measurement import Measurement
from audits.robustness.effects import Effect
from audits.robustness.promises import Kept
from audits.robustness.worst_slice import Axis, WorstSlice, find_worst_slice
from audits.series import Series

_LEAST_SHARE, _LEAST_ROWS = 0.02, 50


def worst_slices(
    effects: Sequence[Effect], axes: Sequence[Axis], confidences: Sequence[float]
) -> list[tuple[Effect, float, WorstSlice]]:
    """The slice that suffers most from each perturbation of all columns together, at every confidence."""
    found = []
    for effect in (effect for effect in effects if not effect.feature):
        flipped = np.zeros(len(effect.both), dtype=bool)
        flipped[effect.both] = effect.flipped
        least = max(_LEAST_ROWS, int(np.ceil(_LEAST_SHARE * int(effect.both.sum()))))
        for confidence in confidences:
            worst = find_worst_slice(axes, flipped, effect.both, least_rows=least, confidence=confidence)
            found.append((effect, confidence, worst))
    return found


def slice_measurements(found: Sequence[tuple[Effect, float, WorstSlice]]) -> Iterator[Measurement]:
    """``worst_slice_flip_rate``: the slice found, with the interval for the truly worst."""
    for effect, confidence, worst in found:
        first = worst.listed[0] if worst.listed else None
        if first is None:
            note = "no slice holds enough rows"
        else:
            where = " and ".join(f"{column} {level}" for column, level in first.where.items())
            note = (
                f"{where}, the worst of {worst.looked_at:,} slices of up to two conditions; the interval is for the truly "
                "worst of them"
            )
        yield Measurement(
            metric="worst_slice_flip_rate",
            slice=effect.place,
            value=None if first is None else first.value,
            low=None if first is None or worst.low is None else min(worst.low, first.value),
            high=None if first is None or worst.high is None else max(worst.high, first.value),
            n=0 if first is None else first.n,
            method="clopper-pearson-sidak",
            confidence=confidence,
            note=note,
        )


def robustness_series(
    effects: Sequence[Effect],
    measurements: Sequence[Measurement],
    kept: Sequence[Kept],
    slices: Sequence[tuple[Effect, float, WorstSlice]],
    *,
    confidence: float,
) -> list[Series]:
    """Perturbations with what they did, promises with whether they are kept, and the slices that suffer most."""
    found = [_effects(effects, measurements, confidence)]
    if kept:
        found.append(_promises(kept, measurements, confidence))
    listed = [(effect, worst) for effect, sure, worst in slices if sure == confidence and worst.listed]
    if listed:
        found.append(_slices(listed))
    return found


def _effects(effects: Sequence[Effect], measurements: Sequence[Measurement], confidence: float) -> Series:
    known: dict[tuple[Any, ...], Measurement] = {
        (item.metric, item.slice.get("perturbation"), item.slice.get("feature", "")): item
        for item in measurements
        if item.confidence == confidence
    }
    rows = []
    for effect in effects:
        shift = effect.shift
        row: list[Any] = [effect.name, effect.feature, int(effect.both.sum())]
        for metric in ("decision_flip_rate", "score_shift"):
            item = known.get((metric, effect.name, effect.feature))
            row += [None, None, None] if item is None else [item.value, item.low, item.high]
        row += [float(np.quantile(shift, 0.95)), float(shift.max())] if len(shift) else [None, None]
        for metric in ("error_rate", "accuracy_drop", "roc_auc_drop"):
            item = known.get((metric, effect.name, effect.feature))
            row.append(None if item is None else item.value)
        rows.append((*row, effect.after.message))
    return Series(
        name="perturbations",
        title="What perturbed inputs do to decisions",
        columns=(
            "perturbation", "feature", "n", "flip_rate", "flip_low", "flip_high", "shift_mean", "shift_low", "shift_high",
            "shift_p95", "shift_max", "error_rate", "accuracy_drop", "roc_auc_drop", "message",
        ),
        rows=tuple(rows),
    )  # fmt: skip


def _promises(kept: Sequence[Kept], measurements: Sequence[Measurement], confidence: float) -> Series:
    known = {
        item.slice["expectation"]: item
        for item in measurements
        if item.metric == "expectation_violations" and item.confidence == confidence
    }
    return Series(
        name="expectations_of_model",
        title="What the manifest promises of the model",
        columns=("id", "promise", "n", "violations", "low", "high", "largest", "refused", "examples"),
        rows=tuple(
            (
                item.expectation.id, item.expectation.sentence(), item.rows, known[item.expectation.id].value,
                known[item.expectation.id].low, known[item.expectation.id].high, item.largest, item.refused,
                list(item.examples),
            )
            for item in kept
        ),
    )  # fmt: skip


def _slices(found: Sequence[tuple[Effect, WorstSlice]]) -> Series:
    return Series(
        name="flipped_slices",
        title="Where decisions flip most",
        columns=("perturbation", "slice", "n", "flip_rate", "low", "high"),
        rows=tuple(
            (
                effect.name, ", ".join(f"{column} = {level}" for column, level in part.where.items()), part.n, part.value,
                part.low, part.high,
            )
            for effect, worst in found
            for part in worst.listed
        ),
    )  # fmt: skip
