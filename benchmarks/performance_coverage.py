"""Coverage of the intervals of calibration, average precision, correlation, several classes, regression and slices.

Run: ``python benchmarks/performance_coverage.py [--simulations N]``: one line per interval and sample size, nominally 0.95.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from audits.intervals import critical_value, wilson
from audits.measures.calibration import calibration_error_interval, recalibration, reliability_by_mass
from audits.measures.multiclass.confusion import Confusion
from audits.measures.multiclass.metrics import confusion_measurements
from audits.measures.regression.metrics import estimates_of, replicates
from audits.measures.regression.moments import Moments
from audits.measures.slices.metrics import Estimates
from audits.measures.thresholds import average_precision, average_precision_interval, matthews
from audits.score_table import ScoreBins

Z = critical_value(0.95)
SIZES = (200, 2000)
Hits = Iterator[tuple[str, bool]]


def scores(n: int, slope: float, draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray, ScoreBins]:
    logit = np.sort(1.2 * draw.standard_normal(n) - 0.3)
    score, chance = 1 / (1 + np.exp(-logit)), 1 / (1 + np.exp(-slope * logit))
    label = draw.random(n) < chance
    both = np.stack([~label, label], axis=1).astype(float)
    cells = ScoreBins(score=score, low=score, high=score, counts=both.astype(np.int64), weights=both, squares=both)
    return chance, score, cells


def of_scores(n: int, seed: int, truth: dict[str, float]) -> Hits:
    draw = np.random.default_rng(seed)
    for slope in (1.0, 0.6):
        chance, score, cells = scores(n, slope, draw)
        bins = reliability_by_mass(cells)
        gap = np.abs(np.add.reduceat(chance - score, np.r_[0, np.cumsum(bins.rows)[:-1]])).sum() / n
        low, high = calibration_error_interval(bins, 0.95, seed=seed, replicates=300)
        yield f"expected_calibration_error, slope {slope}", low <= gap <= high
        line = recalibration(cells)
        if line is not None:
            yield "calibration_slope", abs(line.slope - slope) <= Z * line.slope_error
    _, _, cells = scores(n, 2.0, draw)
    low, high = average_precision_interval(average_precision(cells), cells.counts[:, 1].sum(), Z)
    yield "average_precision_score", low <= truth["average_precision_score"] <= high


CHANCES = np.array([[0.4, 0.06, 0.04], [0.05, 0.2, 0.05], [0.02, 0.04, 0.14]])


def table_of(counts: np.ndarray) -> Confusion:
    mass, none = counts.astype(float), ((), (), ())
    return Confusion(
        classes=("a", "b", "c"), values=none, predicted=none, counts=counts.astype(np.int64), mass=mass, squares=mass
    )


def of_classes(n: int, seed: int, truth: dict[str, float]) -> Hits:
    counts = np.random.default_rng(seed).multinomial(n, CHANCES.ravel()).reshape(3, 3)
    for m in confusion_measurements(table_of(counts), [0.95]):
        if not m.slice and m.metric != "count" and m.low is not None and m.high is not None:
            yield f"{m.metric} of three classes", m.low <= truth[m.metric] <= m.high
    two = np.random.default_rng(seed).multinomial(n, [0.8, 0.05, 0.05, 0.1]).reshape(2, 2).astype(float)
    found = matthews(two, two, Z)
    if found is not None:
        yield "matthews_corrcoef of two", found[1] <= truth["matthews"] <= found[2]


def houses(n: int, draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    prediction = draw.standard_normal(n) * 2
    return prediction + draw.standard_normal(n) * np.exp(0.3 * draw.standard_normal(n)), prediction


def moments_of(label: np.ndarray, prediction: np.ndarray) -> Moments:
    error, about = prediction - label, label - label.mean()
    powers = {
        "": np.ones(len(label)), "_e": error, "_a": np.abs(error), "_e2": error**2, "_e4": error**4, "_d2": about**2,
        "_d4": about**4, "_e2d2": error**2 * about**2,
    }  # fmt: skip
    sums = {f"{w}{name}": float(values.sum()) for w in ("w", "w2") for name, values in powers.items()}
    return Moments(rows=len(label), sums=sums, mean_label=float(label.mean()), low=-1.0, high=1.0, constant=False)


def of_numbers(n: int, seed: int, truth: dict[str, float]) -> Hits:
    label, prediction = houses(n, np.random.default_rng(seed))
    for name, found in estimates_of(moments_of(label, prediction)).items():
        assert found.limits is not None
        low, high = found.limits(Z)
        yield f"{name} (large sample)", low <= truth[name] <= high
    if n <= 200:  # noqa: PLR2004 - where the bootstrap is used
        ones = np.ones(n)
        for name, values in replicates(label, prediction, ones, ones.astype(np.int64), seed=seed).items():
            low, high = np.quantile(values, [0.025, 0.975])
            yield f"{name} (bootstrap)", bool(low <= truth[name] <= high)
    errors = np.sort(np.abs(np.random.default_rng(seed).standard_normal(n)))
    at = [min(int(np.ceil(limit * n)) - 1, n - 1) for limit in np.ravel(wilson(n / 2, n, Z))]
    yield "median_absolute_error", bool(errors[at[0]] <= 0.674489750196 <= errors[at[1]])  # noqa: PLR2004 - the quartile


def of_slices(n: int, seed: int, truth: dict[str, float]) -> Hits:
    """The slices of three columns of four levels; all are 85 % right."""
    draw = np.random.default_rng(seed)
    right = draw.random(n) < 0.85  # noqa: PLR2004 - the truth
    levels = draw.integers(0, 4, (3, n))
    sums = []
    for columns in ([0], [1], [2], [0, 1], [0, 2], [1, 2], [0, 1, 2]):
        code = np.ravel_multi_index([levels[c] for c in columns], [4] * len(columns))
        size = np.bincount(code, minlength=4 ** len(columns))
        sums.append(np.stack([np.bincount(code, weights=right, minlength=len(size)), size], axis=1)[size >= 20])  # noqa: PLR2004
    part, of = np.concatenate(sums).T
    low, high = Estimates(rows=of, value=part / of, size=of).limits(critical_value(0.95, len(of)))
    yield "worst_slice_accuracy_score (simultaneous)", bool(low.min() <= 0.85 <= high.min())  # noqa: PLR2004


def truths() -> dict[str, float]:
    draw = np.random.default_rng(12345)
    found = {m.metric: m.value for m in confusion_measurements(table_of(CHANCES * 1e9), [0.95]) if not m.slice}
    found |= {name: e.value for name, e in estimates_of(moments_of(*houses(2_000_000, draw))).items()}
    table = np.array([[0.8, 0.05], [0.05, 0.1]])
    correlation = matthews(table, table, Z)
    assert correlation is not None
    found |= {"matthews": correlation[0]}
    _, _, cells = scores(1_000_000, 2.0, draw)
    return {**found, "average_precision_score": average_precision(cells).value}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=500)
    args = parser.parse_args()
    truth, families = truths(), (of_scores, of_classes, of_numbers, of_slices)
    covered: list[float] = []
    for n in SIZES:
        for family in families:
            hits: dict[str, list[bool]] = {}
            each: Callable[[int, int, dict[str, float]], Hits] = family
            for seed in range(args.simulations):
                for name, hit in each(n, seed, truth):
                    hits.setdefault(name, []).append(bool(hit))
            for name, values in hits.items():
                print(f"n {n:5}  {name:48} {np.mean(values):.3f}", flush=True)
                covered.append(float(np.mean(values)))
    error = (0.95 * 0.05 / args.simulations) ** 0.5
    print(f"mean {np.mean(covered):.4f}, least {min(covered):.4f}; standard error of a line {error:.4f}")
    return 0 if min(covered) >= 0.9 - 3 * error else 1


if __name__ == "__main__":
    sys.exit(main())
