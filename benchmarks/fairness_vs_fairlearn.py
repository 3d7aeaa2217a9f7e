"""Fairness from Parquet, without intervals and with all of them, against fairlearn's MetricFrame in memory, which has none.

Run: ``python benchmarks/fairness_vs_fairlearn.py [--rows N]``. fairlearn's frame is built over the same rows and groupings; exits 1 if
a value differs by more than 1e-12. The bar: at least 500 times faster at 10^6 rows without
intervals.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import bench
from fairness_case import OVER, RATES, ours, points, values

EXACT = 1e-12


def fairlearn_frames(path: Path) -> tuple[dict[tuple[str, tuple[str, ...]], float], float]:
    """Fairlearn's value of each rate of each group, and the seconds that its frames took."""
    import pandas as pd
    from fairlearn import metrics as fair
    from sklearn.metrics import accuracy_score, precision_score

    table = pd.read_parquet(path)
    own = {name: getattr(fair, name) for name in RATES[:4]}
    functions = own | {"accuracy_score": accuracy_score, "precision_score": precision_score}
    start = time.perf_counter()
    frames = [
        fair.MetricFrame(
            metrics=functions, y_true=table["y"], y_pred=table["p"], sensitive_features=table[over]
        ).by_group
        for over in OVER
    ]
    seconds = time.perf_counter() - start
    found = {
        (name, key if isinstance(key, tuple) else (key,)): float(value)
        for frame in frames
        for key, row in frame.iterrows()
        for name, value in row.items()
    }
    return found, seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=lambda text: int(float(text)), default=1_000_000)
    args = parser.parse_args()
    print(bench.machine("fairlearn", "scikit-learn", "pandas", "duckdb"))
    with tempfile.TemporaryDirectory() as folder:
        path = bench.write_decisions(Path(folder, "rows.parquet"), args.rows)
        small = bench.write_decisions(Path(folder, "small.parquet"), 2000)
        mine = bench.best(partial(ours, path), warm=partial(ours, small))
        bare = bench.best(partial(points, path), warm=partial(points, small))
        theirs, seconds = bench.run(partial(fairlearn_frames, path), warm=partial(fairlearn_frames, small)).value
    found = values(mine.value)
    worst = max(max(abs(found[key] - value), abs(bare.value[key] - value)) for key, value in theirs.items())
    shared = {"rows": args.rows, "fairlearn s": seconds, "values": len(theirs), "largest difference": worst}
    bench.table(
        [
            {"ours": what, "s": run.seconds, "MB": run.peak_mb, "times faster": seconds / run.seconds, **shared}
            for what, run in (("without intervals", bare), ("with all intervals", mine))
        ]
    )
    return 0 if worst <= EXACT else 1


if __name__ == "__main__":
    sys.exit(main())
