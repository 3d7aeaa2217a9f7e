"""Coverage of our intervals by simulation: how often they hold the truth, over sample size, prevalence and groups.

Run: ``python benchmarks/interval_coverage.py [--simulations N] [--full]``. The small grid takes about a minute; ``--full`` is the
grid of the design (n to 20,000, up to ten groups, 2,000 simulations).
"""

from __future__ import annotations

import argparse
import itertools
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from audits.auc import auc_interval, roc_auc
from audits.intervals import critical_value, f1_interval, koopman_ratio, newcombe_difference, wilson
from audits.paired import tango_difference
from audits.simultaneous import Family, largest_difference, smallest_ratio

CONFIDENCE = 0.95
GAIN, LOSS = 0.08, 0.05
ENOUGH_EVENTS = 10
Z = critical_value(CONFIDENCE)


@dataclass
class Cell:
    """One point of the grid: rows, largest rate, share of the smallest group, number of groups."""

    n: int
    rate: float
    smallest: float
    groups: int

    def sizes(self) -> np.ndarray:
        """Rows per group, the smallest first."""
        first = max(int(self.n * self.smallest), 1)
        rest = np.full(self.groups - 1, (self.n - first) // (self.groups - 1))
        return np.r_[first, rest]

    def rates(self) -> np.ndarray:
        """Groups whose rates rise evenly from 0.8 of the largest to it."""
        return self.rate * np.linspace(0.8, 1.0, self.groups)


def inside(low: npt.ArrayLike, high: npt.ArrayLike, truth: float) -> float:
    return float(np.mean((np.asarray(low) <= truth) & (truth <= np.asarray(high))))


def cover(cell: Cell, simulations: int, draw: np.random.Generator) -> dict[str, float]:
    sizes, rates = cell.sizes(), cell.rates()
    counts = draw.binomial(sizes, rates, (simulations, cell.groups))
    small, large = counts[:, 0], counts[:, -1]
    found = {
        "wilson": inside(*wilson(small, sizes[0], Z), rates[0]),
        "newcombe": inside(*newcombe_difference(small, sizes[0], large, sizes[-1], Z), rates[0] - rates[-1]),
        "koopman": inside(*koopman_ratio(small, sizes[0], large, sizes[-1], Z), rates[0] / rates[-1]),
    }
    ratio, gap = [], []
    for row in counts:
        family = Family(row / sizes, row.astype(float), sizes.astype(float))
        least = smallest_ratio(family, CONFIDENCE)
        ratio.append(least is None or least.low <= rates.min() / rates.max() <= least.high)
        widest = largest_difference([family], CONFIDENCE)
        gap.append(widest is not None and widest.low <= rates.max() - rates.min() <= widest.high)
    return found | {"ratio*": float(np.mean(ratio)), "gap*": float(np.mean(gap))}


def cover_whole_sample(n: int, rate: float, simulations: int, draw: np.random.Generator) -> dict[str, float]:
    """ROC AUC of two unit normals one apart, F1 of a random table, and a paired difference."""
    truth_auc = NormalDist().cdf(0.5**0.5)
    area, tango = [], []
    cells = np.array([0.6 * rate, 0.4 * rate, 0.3 * (1 - rate), 0.7 * (1 - rate)])
    tables = draw.multinomial(n, cells, simulations)
    f1 = inside(
        *f1_interval(tables[:, 0], tables[:, 1] + tables[:, 2], Z), 2 * cells[0] / (2 * cells[0] + cells[1] + cells[2])
    )
    for _ in range(simulations):
        label = np.zeros(n, dtype=np.int8)
        label[: max(int(n * rate), 2)] = 1
        low, high, _ = auc_interval(roc_auc(label, label + draw.standard_normal(n)), Z)
        area.append(low <= truth_auc <= high)
        b, c, _ = draw.multinomial(n, [GAIN, LOSS, 1 - GAIN - LOSS])
        low, high = tango_difference(b, c, n, Z)
        tango.append(low <= GAIN - LOSS <= high)
    return {"auc": float(np.mean(area)), "f1": f1, "tango": float(np.mean(tango))}


def show(title: str, found: dict[str, float]) -> None:
    print(f"{title:44}" + "  ".join(f"{name} {value:.3f}" for name, value in found.items()), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int)
    parser.add_argument("--full", action="store_true")
    args = parser.parse_args()
    simulations = args.simulations or (2000 if args.full else 400)
    sizes, groups = ([200, 2000, 20_000], [2, 5, 10]) if args.full else ([200, 2000], [2, 5])
    draw, low, family = np.random.default_rng(7), [], []
    for n, rate, smallest, k in itertools.product(sizes, [0.05, 0.2, 0.5], [0.02, 0.1, 0.5], groups):
        cell = Cell(n, rate, smallest, k)
        found = cover(cell, simulations, draw)
        show(f"n {n}, rate {rate}, smallest {smallest:.0%}, groups {k}", found)
        if n * smallest * rate * 0.8 >= ENOUGH_EVENTS:
            low += [value for name, value in found.items() if not name.endswith("*")]
        family += [value for name, value in found.items() if name.endswith("*")]
    for n, rate in itertools.product(sizes[:2], [0.05, 0.2, 0.5]):
        found = cover_whole_sample(n, rate, simulations, draw)
        show(f"n {n}, prevalence {rate}", found)
        low += list(found.values())
    print(f"\nsingle intervals with at least 10 expected events: mean {np.mean(low):.4f}, least {min(low):.4f}")
    print(f"simultaneous families (*): mean {np.mean(family):.4f}, least {min(family):.4f}")
    error = (0.95 * 0.05 / simulations) ** 0.5
    print(f"{simulations} simulations per cell: standard error {error:.4f}")
    return 0 if min(low) >= 0.925 - 3 * error and min(family) >= 0.94 - 3 * error else 1


if __name__ == "__main__":
    sys.exit(main())
