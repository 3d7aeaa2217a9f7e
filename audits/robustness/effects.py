"""What a perturbation does: decisions that flip, scores that move, rows that are refused, accuracy that is lost. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from audits.auc import paired_auc_difference
from audits.intervals import critical_value, wilson
from audits.measurement import Measurement
from audits.measures.means import student
from audits.paired import tango_difference
from audits.robustness.asking import Answers

_LEAST_FOR_MEAN = 2


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Truth:
    """The true outcomes as texts, and which of them are positive; ``None`` where they are not known."""

    label: npt.NDArray[Any]
    positive: npt.NDArray[np.bool_] | None


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Effect:
    """One perturbation of all rows: what the model said before and after.

    Attributes
    ----------
    name, feature
        Of the perturbation.
    """

    name: str
    feature: str
    before: Answers
    after: Answers

    @property
    def place(self) -> dict[str, str]:
        """The slice of its measurements."""
        return {"perturbation": self.name, **({"feature": self.feature} if self.feature else {})}

    @property
    def asked(self) -> npt.NDArray[np.bool_]:
        """Rows that the model answers as they are: only these can be lost."""
        return self.before.answered

    @property
    def both(self) -> npt.NDArray[np.bool_]:
        """Rows that it answers before and after."""
        return self.before.answered & self.after.answered

    @property
    def flipped(self) -> npt.NDArray[np.bool_]:
        """Of those, which are decided otherwise."""
        found: npt.NDArray[np.bool_] = (self.before.decision != self.after.decision)[self.both]
        return found.astype(bool)

    @property
    def shift(self) -> npt.NDArray[np.float64]:
        """Of those, how far the score moved, either way."""
        return np.abs(self.after.score - self.before.score)[self.both]


def effect_measurements(
    effect: Effect, truth: Truth | None, *, confidences: Sequence[float], decides: bool
) -> list[Measurement]:
    """``decision_flip_rate``, ``score_shift``, ``error_rate``, and where the truth is known ``accuracy_drop`` and ``roc_auc_drop``.

    Parameters
    ----------
    decides
        Whether the model decides between classes, so that a decision can flip.
    """
    found = []
    for confidence in confidences:
        z = critical_value(confidence)
        found.append(
            _rate("error_rate", effect, ~effect.after.answered[effect.asked], z, confidence, effect.after.message)
        )
        found.append(_mean_shift(effect, z, confidence))
        if decides:
            found.append(_rate("decision_flip_rate", effect, effect.flipped, z, confidence, ""))
        if decides and truth is not None:
            found += _losses(effect, truth, z, confidence)
    return found


_REFUSED = "the model answered about none of these rows"


def _note_of(effect: Effect) -> str:
    refused = int(effect.asked.sum() - effect.both.sum())
    return f"{refused:,} rows that the model refused are not among them" if refused else ""


def _rate(
    metric: str, effect: Effect, hits: npt.NDArray[np.bool_], z: float, confidence: float, note: str
) -> Measurement:
    n, found = len(hits), int(hits.sum())
    low, high = (float(end) for end in wilson(found, n, z))
    return Measurement(
        metric=metric,
        slice=effect.place,
        value=found / n if n else None,
        low=low if n else None,
        high=high if n else None,
        n=n,
        method="wilson",
        confidence=confidence,
        note=(note or (_note_of(effect) if metric != "error_rate" else ""))
        if n
        else f"{_REFUSED}: {effect.after.message}",
    )


def _mean_shift(effect: Effect, z: float, confidence: float) -> Measurement:
    shift = effect.shift
    n = len(shift)
    mean = float(shift.mean()) if n else None
    half = None
    if mean is not None and n >= _LEAST_FOR_MEAN:
        half = float(student(z, np.array([n - 1.0]))[0] * shift.std(ddof=1) / np.sqrt(n))
    return Measurement(
        metric="score_shift",
        slice=effect.place,
        value=mean,
        low=None if mean is None or half is None else max(mean - half, 0.0),
        high=None if mean is None or half is None else mean + half,
        n=n,
        method="student",
        confidence=confidence,
        note=_note_of(effect) if n else f"{_REFUSED}: {effect.after.message}",
    )


def _losses(effect: Effect, truth: Truth, z: float, confidence: float) -> list[Measurement]:
    """What is lost on the rows that the model answers both times; rows that it refuses are told by ``error_rate``."""
    both = effect.both
    n = int(both.sum())
    if not n:
        return []
    label = truth.label[both]
    before, after = effect.before.decision[both] == label, effect.after.decision[both] == label
    lost, won = int((before & ~after).sum()), int((after & ~before).sum())
    low, high = tango_difference(lost, won, n, z)
    found = [
        Measurement(
            metric="accuracy_drop", slice=effect.place, value=(lost - won) / n, low=low, high=high, n=n, method="tango",
            confidence=confidence, note=_note_of(effect),
        )
    ]  # fmt: skip
    if truth.positive is not None and 0 < truth.positive[both].sum() < n:
        value, low, high, method = paired_auc_difference(
            truth.positive[both], effect.before.score[both], effect.after.score[both], z
        )
        found.append(
            Measurement(
                metric="roc_auc_drop", slice=effect.place, value=value, low=low, high=high, n=n, method=method,
                confidence=confidence, note=_note_of(effect),
            )
        )  # fmt: skip
    return found
