"""Fairness of a million rows: ours, from Parquet and with intervals, against fairlearn's MetricFrame without.

Run: ``python benchmarks/fairness_vs_fairlearn.py [--rows N] [--peer-rows M]``. fairlearn is timed on the first ``M`` rows and
scaled in proportion (it is linear in rows); the values are compared on those rows.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
POSITIVES, RIGHT, EXACT = 0.4, 0.8, 1e-12
COLUMNS = ["sex", "race", "age"]
PARAMETERS = {"label": "y", "prediction": "p", "sensitive": COLUMNS}
OVER = [["sex"], ["race"], ["age"], COLUMNS]


def write_rows(path: Path, rows: int) -> None:
    """Random decisions in groups of 2, 5 and 8."""
    import pandas as pd

    draw = np.random.default_rng(42)
    frame = {
        name: np.array([f"{name}{i}" for i in range(levels)])[draw.integers(0, levels, rows)]
        for name, levels in zip(COLUMNS, (2, 5, 8), strict=True)
    }
    label = (draw.random(rows) < POSITIVES).astype(np.int8)
    frame |= {"y": label, "p": np.where(draw.random(rows) < RIGHT, label, 1 - label).astype(np.int8)}
    pd.DataFrame(frame).to_parquet(path, index=False)


class Memory(threading.Thread):
    """The most resident memory seen while it runs, sampled every few milliseconds."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.done = threading.Event()
        self.most = self.before = self.now()

    @staticmethod
    def now() -> int:
        """Resident bytes of this process."""
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * resource.getpagesize()

    def run(self) -> None:
        """Sample until stopped."""
        while not self.done.wait(0.005):
            self.most = max(self.most, self.now())

    def stop(self) -> float:
        """Megabytes above the start."""
        self.done.set()
        self.join()
        return (self.most - self.before) / 1e6


def ours(path: Path) -> tuple[dict, float, float]:
    from audits.evaluate import evaluate

    memory = Memory()
    memory.start()
    start = time.perf_counter()
    report = evaluate("fairness", [path], PARAMETERS | {"over": OVER})
    return report, time.perf_counter() - start, memory.stop()


def fairlearn_frames(path: Path) -> tuple[list, float]:
    import pandas as pd
    from fairlearn import metrics as fair
    from sklearn.metrics import accuracy_score

    table = pd.read_parquet(path)
    functions = {
        "selection_rate": fair.selection_rate,
        "true_positive_rate": fair.true_positive_rate,
        "false_positive_rate": fair.false_positive_rate,
        "false_negative_rate": fair.false_negative_rate,
        "accuracy_score": accuracy_score,
        "count": fair.count,
    }
    start = time.perf_counter()
    frames = [
        fair.MetricFrame(metrics=functions, y_true=table["y"], y_pred=table["p"], sensitive_features=table[over])
        for over in OVER
    ]
    return frames, time.perf_counter() - start


def largest_difference(report: dict, frames: list) -> float:
    found = {(m["metric"], tuple(m["slice"].values())): m["value"] for m in report["measurements"] if not m["over"]}
    worst = 0.0
    for frame in frames:
        for key, row in frame.by_group.iterrows():
            for name, value in row.items():
                worst = max(worst, abs(found[name, key if isinstance(key, tuple) else (key,)] - value))
    return worst


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--peer-rows", type=int, default=1_000_000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        path, small = Path(directory, "rows.parquet"), Path(directory, "peer.parquet")
        write_rows(path, args.rows)
        write_rows(small, args.peer_rows)
        ours(small)  # imports
        _, seconds, megabytes = ours(path)
        report, _, _ = ours(small)
        frames, peer_seconds = fairlearn_frames(small)
    scaled = peer_seconds * args.rows / args.peer_rows
    difference = largest_difference(report, frames)
    print(f"ours, {args.rows:,} rows from Parquet, with intervals: {seconds:.3f} s, {megabytes:.0f} MB above the start")
    print(f"fairlearn, {args.peer_rows:,} rows in memory, no intervals: {peer_seconds:.2f} s; scaled {scaled:.2f} s")
    print(f"ratio {scaled / seconds:.1f}; largest difference of a value {difference:.1e}")
    return 0 if difference <= EXACT else 1


if __name__ == "__main__":
    sys.exit(main())
