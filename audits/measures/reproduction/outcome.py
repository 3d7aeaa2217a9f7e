"""What came of building a model again, as measurements and lists. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from audits.intervals import critical_value, wilson
from audits.measurement import Measurement
from audits.measures.environment.running import DIFFERENT
from audits.measures.environment.running import Compared as Package
from audits.measures.reproduction.grades import BIT_IDENTICAL, GRADES, Compared
from audits.measures.reproduction.recipe import Recipe
from audits.series import Series

_LOG_LINES = 20
_EXACT = "rebuilt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One run of the training script.

    Attributes
    ----------
    exit_code
        What it ended with; None where it was ended.
    sha256, size
        Of the model that it wrote; None where it wrote none.
    predictions_sha256
        Of the predictions that it wrote.
    log
        The last of what it printed.
    seconds
        How long it took.
    python, packages
        The versions that it could see.
    refused
        Why a model that it wrote was not taken.
    """

    exit_code: int | None
    log: str
    seconds: float
    sha256: str | None = None
    size: int | None = None
    predictions_sha256: str | None = None
    packages: dict[str, str] = field(default_factory=dict)
    python: str = ""
    refused: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """All that was found.

    Attributes
    ----------
    grade
        One of :data:`audits.measures.reproduction.grades.GRADES`.
    why
        One sentence for people.
    rows
        Rows of test data that both models scored, or could have.
    largest, differing
        The largest difference of scores, and the number of decisions that differ; None where they could not be compared.
    spread
        Rows by score difference, ``(words, rows)``.
    packages
        Recorded packages against what the script could see; None where none are recorded.
    again
        Digest of the model of a second run; empty where one was enough.
    steady
        Whether the models of both runs answer alike; None where it was not asked.
    """

    grade: str
    why: str
    submitted_sha256: str
    submitted_size: int
    first: Attempt
    rows: int = 0
    largest: float | None = None
    differing: int | None = None
    metrics: Sequence[Compared] = ()
    spread: Sequence[tuple[str, int]] = ()
    packages: Sequence[Package] | None = None
    again: str = ""
    steady: bool | None = None


def measurements_of(outcome: Outcome, confidences: Sequence[float]) -> list[Measurement]:
    """The grade as its place in the order, the largest difference of scores and of metrics, and the share of decisions."""
    grade = float(GRADES.index(outcome.grade))
    found = [
        Measurement(metric="reproduction", value=grade, n=outcome.rows, method=_EXACT, note=outcome.why),
        Measurement(
            metric="score_difference",
            value=outcome.largest,
            n=outcome.rows,
            method=_EXACT,
            note=_unless(outcome.largest),
        ),
    ]
    found += [_decisions(outcome, confidence) for confidence in confidences]
    distances = [item.difference for item in outcome.metrics]
    known = bool(distances) and None not in distances
    same = outcome.grade == BIT_IDENTICAL
    largest = max(distance for distance in distances if distance is not None) if known else 0.0 if same else None
    found.append(
        Measurement(
            metric="metric_difference", value=largest, n=outcome.rows, method=_EXACT, note=_unless(largest, same=same)
        )
    )
    return found


def _unless(value: float | None, *, same: bool = False) -> str:
    if same:
        return "the files are the same"
    return "" if value is not None else "the two models could not be compared"


def _decisions(outcome: Outcome, confidence: float) -> Measurement:
    """The share of decisions that differ, with Wilson's interval; the same bytes leave nothing to chance."""
    value: float | None = None
    low = high = value
    method = "wilson"
    if outcome.grade == BIT_IDENTICAL:
        value, low, high, method = 0.0, 0.0, 0.0, "same bytes"
    elif outcome.differing is not None and outcome.rows:
        ends = wilson(outcome.differing, outcome.rows, critical_value(confidence))
        value, low, high = outcome.differing / outcome.rows, float(ends[0]), float(ends[1])
    return Measurement(
        metric="decision_difference",
        value=value,
        low=low,
        high=high,
        n=outcome.rows,
        method=method,
        confidence=confidence,
        note=_unless(value),
    )


def series_of(outcome: Outcome, recipe: Recipe) -> list[Series]:
    """What was submitted beside what was built, the metrics of both, packages that differ, and what the script printed."""
    listed = [_sides(outcome, recipe)]
    if outcome.metrics:
        rows: tuple[Sequence[Any], ...] = tuple(
            (
                item.metric,
                item.group or "everyone",
                item.submitted,
                item.rebuilt,
                item.difference,
                item.difference is not None and item.difference <= recipe.metric_tolerance,
            )
            for item in outcome.metrics
        )
        listed.append(
            Series(
                name="reproduction_metrics",
                title="Metrics of the submitted and of the rebuilt model",
                columns=("metric", "group", "submitted", "rebuilt", "difference", "within"),
                rows=rows,
            )
        )
    if outcome.spread:
        listed.append(
            Series(
                name="reproduction_scores",
                title="How far the scores of the rebuilt model lie from the submitted one's",
                columns=("difference", "rows"),
                rows=tuple(outcome.spread),
            )
        )
    if outcome.packages is not None:
        differing = [row for row in outcome.packages if row.state in DIFFERENT]
        listed.append(
            Series(
                name="packages",
                title="Recorded packages that the rebuild did not see in the same version",
                columns=("package", "recorded", "running", "state"),
                rows=tuple((row.name, row.recorded, row.running or None, row.state) for row in differing),
            )
        )
    lines = outcome.first.log.splitlines()[-_LOG_LINES:]
    if lines:
        listed.append(
            Series(
                name="reproduction_log",
                title="The last lines that the training script printed",
                columns=("line",),
                rows=tuple((line,) for line in lines),
            )
        )
    return listed


def _sides(outcome: Outcome, recipe: Recipe) -> Series:
    first = outcome.first
    rows: list[tuple[Any, ...]] = [
        ("SHA-256 of the model", outcome.submitted_sha256, first.sha256),
        ("size in bytes", str(outcome.submitted_size), None if first.size is None else str(first.size)),
    ]
    if outcome.again:
        rows.append(("SHA-256 of a second rebuild", None, outcome.again))
    if recipe.predictions:
        digest = recipe.submitted.get(recipe.predictions)
        rows.append(("SHA-256 of the predictions", digest, first.predictions_sha256))
    rows += [
        ("seed", None if recipe.seed is None else str(recipe.seed), None),
        ("script", " ".join([recipe.script, *recipe.called_with]), None),
        ("exit code", None, None if first.exit_code is None else str(first.exit_code)),
        ("seconds", None, f"{first.seconds:.1f}"),
    ]
    return Series(
        name="reproduction",
        title="What was submitted, and what was built from it",
        columns=("what", "submitted", "rebuilt"),
        rows=tuple(rows),
    )


def spread_words(edges: Sequence[float], counts: np.ndarray[Any, Any]) -> list[tuple[str, int]]:
    """Rows by score difference, with words for each step."""
    words = [*(f"up to {edge:g}" for edge in edges), f"more than {edges[-1]:g}"]
    return [(word, int(count)) for word, count in zip(words, counts, strict=True)]
