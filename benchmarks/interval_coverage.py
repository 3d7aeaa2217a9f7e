"""Coverage of our intervals by simulation: how often they hold the truth, over sample size, prevalence and groups.

Run: ``python benchmarks/interval_coverage.py [--simulations N] [--processes P]``. The grid is n in {200, 2,000, 20,000} ×
largest rate in {.05, .2, .5} × smallest group in {2 %, 10 %, 50 %} × groups in {2, 5, 10}; the rates of the groups rise evenly
from 0.8 of the largest to it. Exits 1 if a bar is missed: singles (with at least 10 expected events in each group compared) on
average 94–96.5 %, none below 92.5 %; simultaneous families (*) never below 94 %. Simulated shares vary: a cell below a bar is
simulated anew with ten times as many draws and another seed, and that share counts; both are printed.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from statistics import NormalDist

import bench
import numpy as np
import numpy.typing as npt

from audits.auc import auc_interval, roc_auc
from audits.intervals import critical_value, f1_interval, koopman_ratio, newcombe_difference, wilson
from audits.max_t import Bootstrap
from audits.paired import tango_difference
from audits.rates import SELECTION_RATE
from audits.simultaneous import Family, largest_difference, smallest_ratio
from audits.tensor import CountTensor

CONFIDENCE = 0.95
GAIN, LOSS = 0.08, 0.05
ENOUGH_EVENTS = 10
SINGLES, FAMILIES = ("wilson", "newcombe", "koopman"), ("ratio*", "gap*")
MEAN, LEAST, FAMILY = (0.94, 0.965), 0.925, 0.94
Z = critical_value(CONFIDENCE)


@dataclass(frozen=True)
class Cell:
    """One point of the grid: rows, largest rate, share of the smallest group, number of groups."""

    n: int
    rate: float
    smallest: float
    groups: int

    def sizes(self) -> npt.NDArray[np.int64]:
        """Rows per group, the smallest first."""
        first = max(int(self.n * self.smallest), 1)
        return np.r_[first, np.full(self.groups - 1, (self.n - first) // (self.groups - 1))]

    def rates(self) -> npt.NDArray[np.float64]:
        """Groups whose rates rise evenly from 0.8 of the largest to it."""
        return self.rate * np.linspace(0.8, 1.0, self.groups)

    def events(self) -> float:
        """The fewest expected events of the two groups that single intervals are about."""
        expected = self.sizes() * self.rates()
        return float(min(expected[0], expected[-1]))


def inside(low: npt.ArrayLike, high: npt.ArrayLike, truth: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    return (np.asarray(low) <= truth) & (truth <= np.asarray(high))


def tensor_of(hits: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64]) -> CountTensor:
    """Groups of which that many were selected, all of label 0."""
    counts = np.zeros((len(sizes), 4), dtype=np.int64)
    counts[:, 0], counts[:, 1] = sizes - hits, hits
    names = tuple(f"{i:02d}" for i in range(len(sizes)))
    return CountTensor(columns=("g",), levels=(names,), keys=np.arange(len(sizes))[:, None], counts=counts)


def cover_groups(cell: Cell, simulations: int, seed: int = 0) -> dict[str, float]:
    """Shares of simulations that hold the truth: of one group, of two, of the extreme over all, and of all pairs at once."""
    again = [seed] if seed else []
    draw = np.random.default_rng([cell.n, round(cell.rate * 100), round(cell.smallest * 100), cell.groups, *again])
    sizes, rates = cell.sizes(), cell.rates()
    counts = draw.binomial(sizes, rates, (simulations, cell.groups))
    small, large = counts[:, 0], counts[:, -1]
    found = {
        "wilson": inside(*wilson(small, sizes[0], Z), rates[0]),
        "newcombe": inside(*newcombe_difference(small, sizes[0], large, sizes[-1], Z), rates[0] - rates[-1]),
        "koopman": inside(*koopman_ratio(small, sizes[0], large, sizes[-1], Z), rates[0] / rates[-1]),
    }
    held = np.array([_hold(hits, sizes, rates) for hits in counts])
    named = dict(zip(("ratio*", "gap*", "all ratios", "all gaps"), held.T, strict=True))
    return {name: float(np.mean(value)) for name, value in {**found, **named}.items()}


def _hold(hits: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64], rates: npt.NDArray[np.float64]) -> list[bool]:
    groups = list(range(len(sizes)))
    bootstrap = Bootstrap(tensor_of(hits, sizes), groups, seed=0)
    family = Family(hits / sizes, hits.astype(np.float64), sizes.astype(np.float64))
    of_ratio, of_gap = (
        bootstrap.critical([SELECTION_RATE], [groups], CONFIDENCE, relative=relative).z for relative in (True, False)
    )
    least, widest = smallest_ratio([family], of_ratio), largest_difference([family], of_gap)
    one, two = np.triu_indices(len(sizes), 1)
    pairs = (hits[one], sizes[one], hits[two], sizes[two])
    return [
        least is None or least.low <= rates.min() / rates.max() <= least.high,
        widest is not None and widest.low <= rates.max() - rates.min() <= widest.high,
        bool(inside(*koopman_ratio(*pairs, of_ratio), rates[one] / rates[two]).all()),
        bool(inside(*newcombe_difference(*pairs, of_gap), rates[one] - rates[two]).all()),
    ]


def cover_sample(point: tuple[int, float], simulations: int) -> dict[str, float]:
    """ROC AUC of two unit normals one apart, F1 of a random table, and a paired difference."""
    n, rate = point
    draw = np.random.default_rng([n, round(rate * 100)])
    truth = NormalDist().cdf(0.5**0.5)
    cells = np.array([0.6 * rate, 0.4 * rate, 0.3 * (1 - rate), 0.7 * (1 - rate)])
    tables = draw.multinomial(n, cells, simulations)
    limits = f1_interval(tables[:, 0], tables[:, 1] + tables[:, 2], Z)
    f1 = inside(*limits, 2 * cells[0] / (2 * cells[0] + cells[1] + cells[2]))
    area, tango = [], []
    label = np.zeros(n, dtype=np.int8)
    label[: max(int(n * rate), 2)] = 1
    for _ in range(simulations):
        low, high, _ = auc_interval(roc_auc(label, label + draw.standard_normal(n)), Z)
        area.append(low <= truth <= high)
        b, c, _ = draw.multinomial(n, [GAIN, LOSS, 1 - GAIN - LOSS])
        low, high = tango_difference(b, c, n, Z)
        tango.append(low <= GAIN - LOSS <= high)
    return {"auc": float(np.mean(area)), "f1": float(np.mean(f1)), "tango": float(np.mean(tango))}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=2000)
    parser.add_argument("--processes", type=int, default=2)
    args = parser.parse_args()
    started = time.perf_counter()
    sizes, rates = (200, 2000, 20_000), (0.05, 0.2, 0.5)
    cells = [Cell(*at) for at in itertools.product(sizes, rates, (0.02, 0.1, 0.5), (2, 5, 10))]
    points = list(itertools.product(sizes[:2], rates))
    with get_context("spawn").Pool(args.processes) as pool:
        groups = pool.map(partial(cover_groups, simulations=args.simulations), cells, chunksize=1)
        samples = pool.map(partial(cover_sample, simulations=args.simulations), points, chunksize=1)
        doubtful = [index for index, cell in enumerate(cells) if is_doubtful(cell, groups[index])]
        more = partial(cover_groups, simulations=10 * args.simulations, seed=1)
        again = dict(zip(doubtful, pool.map(more, [cells[index] for index in doubtful], chunksize=1), strict=True))
    print(bench.machine("numpy", "scipy"))
    rows = [
        {"n": c.n, "rate": c.rate, "smallest": c.smallest, "groups": c.groups, "events": c.events(), **found}
        for c, found in zip(cells, groups, strict=True)
    ]
    bench.table(rows)
    bench.table([{"n": n, "prevalence": rate, **found} for (n, rate), found in zip(points, samples, strict=True)])
    print(
        f"{args.simulations} simulations per cell: standard error {(0.95 * 0.05 / args.simulations) ** 0.5:.4f}; "
        f"{time.perf_counter() - started:.0f} s"
    )
    for index, found in again.items():
        print(f"{cells[index]}: below a bar; with {10 * args.simulations} simulations {found}")
        rows[index] |= found
    return judge(rows, samples)


def is_doubtful(cell: Cell, found: dict[str, float]) -> bool:
    """Whether a share of the first pass lies below its bar."""
    single = min(found[name] for name in SINGLES)
    return min(found[name] for name in FAMILIES) < FAMILY or (cell.events() >= ENOUGH_EVENTS and single < LEAST)


def judge(rows: list[dict[str, float]], samples: list[dict[str, float]]) -> int:
    """Print means and worst cells; 1 if a bar is missed."""
    singles = [(row[name], f"{name} {row}") for row in rows if row["events"] >= ENOUGH_EVENTS for name in SINGLES]
    singles += [(value, f"{name} {sample}") for sample in samples for name, value in sample.items()]
    families = [(row[name], f"{name} {row}") for row in rows for name in FAMILIES]
    pairs = [row[name] for row in rows for name in ("all ratios", "all gaps") if row["events"] >= ENOUGH_EVENTS]
    mean = float(np.mean([value for value, _ in singles]))
    print(f"singles: mean {mean:.4f}, least {min(singles)[0]:.4f} ({min(singles)[1]})")
    print(
        f"families (*): mean {np.mean([v for v, _ in families]):.4f}, least {min(families)[0]:.4f} ({min(families)[1]})"
    )
    print(f"all pairs at once, with at least 10 expected events: mean {np.mean(pairs):.4f}, least {min(pairs):.4f}")
    return 0 if MEAN[0] <= mean <= MEAN[1] and min(singles)[0] >= LEAST and min(families)[0] >= FAMILY else 1


if __name__ == "__main__":
    sys.exit(main())
