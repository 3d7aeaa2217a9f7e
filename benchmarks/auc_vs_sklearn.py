"""ROC AUC with intervals per group from Parquet, against scikit-learn's ``roc_auc_score`` per group in memory, without.

Run: ``python benchmarks/auc_vs_sklearn.py [--rows 1e7]``. Groups are those of each column and of their intersection. Exits 1 if a value is
off by more than the bound that stands in its note. The bar: at least 20 times faster at 10^7 rows.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import bench
from fairness_case import OVER

ROUNDING = 1e-12


def ours(path: Path) -> dict[tuple[str, ...], tuple[float, float]]:
    """Group names to the area and its stated bound: score counting, areas and intervals, and nothing else."""
    from audits.counted import count_predictions
    from audits.engines.opening import Data, open_data
    from audits.fairness import measure_areas
    from audits.parameters import Parameters

    data = Data(name="rows", path=path)
    parameters = Parameters(label="y", prediction="p", score="s")
    with open_data(data) as engine:
        counted = count_predictions(engine, parameters, list(bench.COLUMNS), data=data, losses=False)
    found = {}
    for over in OVER:
        for m in measure_areas(counted, over, confidences=(0.95,)):
            stated = re.search(r"±(\S+?),", m.note)
            found[tuple(m.slice[c] for c in over)] = (float(m.value), float(stated[1]) if stated else 0.0)
    return found


def scikit_learn(path: Path) -> tuple[dict[tuple[str, ...], float], float]:
    """Group names to the area, and the seconds that took once the rows were in memory and grouped."""
    import pandas as pd
    from sklearn.metrics import roc_auc_score

    table = pd.read_parquet(path)
    found, seconds = {}, 0.0
    for over in OVER:
        for key, rows in table.groupby(over, observed=True):
            start = time.perf_counter()
            found[key] = float(roc_auc_score(rows["y"], rows["s"]))
            seconds += time.perf_counter() - start
    return found, seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default="1e7")
    args = parser.parse_args()
    sizes = [int(float(text)) for text in args.rows.split(",")]
    print(bench.machine("scikit-learn", "duckdb", "numpy"))
    rows, right = [], True
    with tempfile.TemporaryDirectory() as folder:
        small = bench.write_decisions(Path(folder, "small.parquet"), 20_000, score=True)
        for size in sizes:
            path = bench.write_decisions(Path(folder, "rows.parquet"), size, score=True)
            mine = bench.best(partial(ours, path), warm=partial(ours, small))
            theirs, seconds = bench.run(partial(scikit_learn, path), warm=partial(scikit_learn, small)).value
            errors = {key: abs(mine.value[key][0] - value) for key, value in theirs.items()}
            # The note states the bound with two digits.
            right = right and all(error <= mine.value[key][1] * 1.05 + ROUNDING for key, error in errors.items())
            rows.append(
                {
                    "rows": size,
                    "ours s": mine.seconds,
                    "ours MB": mine.peak_mb,
                    "scikit-learn s": seconds,
                    "times faster": seconds / mine.seconds,
                    "areas": len(theirs),
                    "largest error": max(errors.values()),
                    "largest bound": max(bound for _, bound in mine.value.values()),
                }
            )
    bench.table(rows)
    if len(sizes) > 1:
        print(f"growth: slope {bench.growth(sizes, [float(row['ours s']) for row in rows]):.3f}")
    print("every area lies within its stated bound" if right else "AN AREA IS OUTSIDE ITS BOUND")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
