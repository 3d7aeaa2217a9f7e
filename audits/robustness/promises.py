"""Whether a model keeps what its manifest promises: rows that break it, how far, and a few of them by the hash of their key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from audits.intervals import critical_value, wilson
from audits.measurement import Measurement
from audits.robustness.asking import Answers
from audits.robustness.changes import changed, sweep, worst_reversal
from audits.robustness.expectations import Expectation
from audits.robustness.rows import Changes, Rows

Ask: TypeAlias = "Callable[[Changes | None], Answers]"

MOST_EXAMPLES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What became of one promise.

    Attributes
    ----------
    rows
        Rows that it could be tried on and that the model answered.
    violated
        Of those, the ones that break it.
    largest
        How far the score went the wrong way at most; ``None`` where no row was tried.
    refused
        Rows that the model refused after the change.
    examples
        Hashes of keys of those that break it most.
    message
        The first refusal.
    """

    expectation: Expectation
    rows: int
    violated: int
    largest: float | None
    refused: int
    examples: tuple[str, ...]
    message: str = ""


def try_promise(ask: Ask, rows: Rows, before: Answers, expectation: Expectation, hashes: Sequence[str]) -> Kept:
    """Try one promise on every row.

    Raises
    ------
    InvalidInput
        If it cannot be tried: its column is not there, or holds something else.
    """
    if expectation.feature:
        answers = [ask(changes) for changes in sweep(rows, expectation)]
        tried = before.answered
        answered = np.logical_and.reduce([answer.answered for answer in answers]) & tried
        wrong = worst_reversal([answer.score for answer in answers], expectation.direction)
        broken = wrong > expectation.tolerance
    else:
        changes, touched = changed(rows, expectation)
        answers = [ask(changes)]
        tried = before.answered & touched
        answered = tried & answers[0].answered
        wrong = expectation.violation(before.score, answers[0].score)
        broken = expectation.violated(before.score, answers[0].score)
    broken = broken & answered
    return Kept(
        expectation=expectation,
        rows=int(answered.sum()),
        violated=int(broken.sum()),
        largest=max(float(wrong[answered].max()), 0.0) if answered.any() else None,
        refused=int(tried.sum() - answered.sum()),
        examples=_examples(wrong, broken, hashes),
        message=next((answer.message for answer in answers if answer.message), ""),
    )


def _examples(wrong: npt.NDArray[np.float64], broken: npt.NDArray[np.bool_], hashes: Sequence[str]) -> tuple[str, ...]:
    places = sorted(np.flatnonzero(broken).tolist(), key=lambda place: (-wrong[place], hashes[place]))
    return tuple(hashes[place] for place in places[:MOST_EXAMPLES])


def kept_measurements(kept: Kept, confidences: Sequence[float]) -> list[Measurement]:
    """``expectation_violations``: the share of rows that break it."""
    n = kept.rows
    refused = f"; the model refused {kept.refused:,} more: {kept.message}" if kept.refused else ""
    if not n:
        note = "the change touches no row that the model answers" + refused
    else:
        note = f"{kept.expectation.sentence()}; the largest violation is {kept.largest:.6g}{refused}"
    found = []
    for confidence in confidences:
        low, high = (float(end) for end in wilson(kept.violated, n, critical_value(confidence)))
        found.append(
            Measurement(
                metric="expectation_violations",
                slice={"expectation": kept.expectation.id},
                value=kept.violated / n if n else None,
                low=low if n else None,
                high=high if n else None,
                n=n,
                method="wilson",
                confidence=confidence,
                note=note,
            )
        )
    return found
