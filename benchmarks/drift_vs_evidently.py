"""Drift of 33 columns: ours, from Parquet and with intervals, against Evidently's preset of data drift.

Run: ``python benchmarks/drift_vs_evidently.py --peer-python PATH [--rows N] [--peer-rows M] [--growth]``. ``PATH`` is an
interpreter that has Evidently (``python -m venv`` and ``pip install evidently "pandas<3"``: it fails to import under
pandas 3). Ours is timed with the reference read, and with the sketch of it that an earlier report kept; Evidently reads
both files into memory before its clock starts. Its preset measures one distance per column, the normed Wasserstein
distance of numbers and the Jensen–Shannon distance of categories, which must agree with ours; ours measures five, with
intervals, corrected p-values and correlations. The classifier, which Evidently's preset has none of, is switched off.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

from bench import best, growth, machine

NUMBERS, WHOLE, CATEGORIES = 20, 5, 8
MOVED = 0.05
AGREES = 2e-3
"""Largest accepted difference of a distance, beyond the error that we state: ours are from 1,024 quantile bins."""


def write_rows(path: Path, rows: int, *, seed: int, shift: float) -> Path:
    """Twenty columns of numbers of several shapes, five of whole numbers, eight of categories."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    draw = np.random.default_rng(seed)
    columns: dict[str, Any] = {}
    for i in range(NUMBERS):
        plain = draw.standard_normal(rows) + shift * (i % 4)
        columns[f"number{i}"] = np.exp(plain / 2) if i % 5 == 0 else plain * (i + 1)
    for i in range(WHOLE):
        columns[f"whole{i}"] = draw.integers(0, 10 ** (i + 1), rows) + (i if shift else 0)
    for i in range(CATEGORIES):
        levels = 3 + 5 * i
        shares = np.linspace(1, 1 + shift * 10, levels)
        place = draw.choice(levels, rows, p=shares / shares.sum()).astype(np.int32)
        names = pa.array([f"level{j}" for j in range(levels)])
        columns[f"category{i}"] = pa.DictionaryArray.from_arrays(pa.array(place), names).cast(pa.string())
    pq.write_table(pa.table(columns), path, row_group_size=1 << 17)
    return path


def ours(reference: Path, current: Path, sketch: Path | None = None) -> dict[str, Any]:
    """One report; with a sketch the reference is not read."""
    from audits.evaluate import evaluate

    kept = None if sketch is None else json.loads(sketch.read_text(encoding="utf-8"))
    return evaluate("drift", [reference, current], {"classifier": False, "reference_sketch": kept})


def peer(reference: str, current: str) -> None:
    """What runs in the peer's interpreter: seconds, and the value of each column, as JSON."""
    import pandas as pd
    from evidently import Report
    from evidently.presets import DataDriftPreset

    first, second = pd.read_parquet(reference), pd.read_parquet(current)
    start = time.perf_counter()
    found = Report([DataDriftPreset()]).run(current_data=second, reference_data=first).dict()
    seconds = time.perf_counter() - start
    values = {
        metric["config"]["column"]: [metric["config"]["method"], float(metric["value"])]
        for metric in found["metrics"]
        if "column" in metric["config"]
    }
    print(json.dumps({"seconds": seconds, "values": values}))


def run_peer(python: str, reference: Path, current: Path) -> dict[str, Any]:
    """Evidently's answer, from a process of its own."""
    words = [python, __file__, "--as-peer", str(reference), str(current)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"the peer failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def disagreement(report: dict[str, Any], values: dict[str, list[Any]]) -> tuple[float, int]:
    """Largest difference of a distance, and how many were compared.

    Numbers of few distinct values Evidently takes for categories; those distances are of other bins, and left out.
    """
    found = {(m["metric"], m["slice"].get("column")): m for m in report["measurements"]}
    worst, compared = 0.0, 0
    for column, (method, value) in values.items():
        if method.startswith("Wasserstein"):
            difference = found["wasserstein_distance", column]["value"] - value
        elif method.startswith("Jensen") and column.startswith("category"):
            # Evidently takes the natural logarithm.
            difference = found["jensen_shannon_distance", column]["value"] - value / math.sqrt(math.log(2))
        elif column.startswith("whole"):
            continue
        else:
            raise SystemExit(f"{column}: {method} is not compared here")
        worst, compared = max(worst, abs(difference)), compared + 1
    return worst, compared


def paths(folder: Path, rows: int) -> tuple[Path, Path]:
    """The two data sets of that many rows."""
    return (
        write_rows(folder / f"reference{rows}.parquet", rows, seed=1, shift=0.0),
        write_rows(folder / f"current{rows}.parquet", rows, seed=2, shift=MOVED),
    )


def timed(folder: Path, rows: int, times: int) -> tuple[tuple[Path, Path], Any, Any]:
    """Seconds and memory of ours with the reference read, and with its sketch."""
    files = paths(folder, rows)
    small = paths(folder, 2000)
    full = best(partial(ours, *files), warm=partial(ours, *small), times=times)
    sketch = folder / f"sketch{rows}.json"
    sketch.write_text(json.dumps(full.value["sketch"]), encoding="utf-8")
    kept = best(partial(ours, *files, sketch), warm=partial(ours, *small), times=times)
    print(
        f"ours, {rows:,} rows: {full.seconds:.2f} s, {full.peak_mb:.0f} MB above the start with the reference read; "
        f"{kept.seconds:.2f} s, {kept.peak_mb:.0f} MB against its sketch of {sketch.stat().st_size / 1e6:.1f} MB"
    )
    return files, full, kept


def main() -> int:
    if sys.argv[1:2] == ["--as-peer"]:
        peer(*sys.argv[2:4])
        return 0
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--peer-rows", type=int, help="of the first so many rows, in files of their own; else all")
    parser.add_argument("--peer-python", help="interpreter that has Evidently; without it only ours is measured")
    parser.add_argument("--growth", action="store_true", help="also from 10,000 rows by tens up to the rows asked for")
    parser.add_argument("--times", type=int, default=2, help="runs of ours, of which the quickest counts")
    args = parser.parse_args()
    print(machine("duckdb", "pandas", "scipy"))
    code = 0
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        if args.growth:
            sizes = [10**k for k in range(4, 8) if 10**k <= args.rows]
            runs = [timed(folder, rows, args.times) for rows in sizes]
            for what, place in (("the reference read", 1), ("its sketch", 2)):
                seconds = [run[place].seconds for run in runs]
                if len(sizes) > 1:
                    print(f"growth with {what}: slope {growth(sizes, seconds):.2f}")
        files, full, kept = timed(folder, args.rows, args.times)
        if args.peer_python:
            peer_rows = args.peer_rows or args.rows
            small = files if peer_rows == args.rows else paths(folder, peer_rows)
            report = full.value if peer_rows == args.rows else ours(*small)
            answer = run_peer(args.peer_python, *small)
            seconds = answer["seconds"] * args.rows / peer_rows
            worst, compared = disagreement(report, answer["values"])
            code = int(worst > AGREES)
            print(
                f"Evidently, {peer_rows:,} rows in memory: {answer['seconds']:.2f} s; for {args.rows:,}: {seconds:.2f} s"
            )
            print(f"ratio {seconds / kept.seconds:.1f} against the sketch, {seconds / full.seconds:.1f} with both read")
            print(f"largest difference of {compared} distances {worst:.1e}; accepted {AGREES:.0e}")
    return code


if __name__ == "__main__":
    sys.exit(main())
