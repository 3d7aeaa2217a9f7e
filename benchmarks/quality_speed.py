"""Data quality of a mixed table: ours, from Parquet, against pandas computing the same, and how both grow.

Run: ``python benchmarks/quality_speed.py [--rows 1e4,1e5,1e6] [--times 1] [--no-peer]``. Both read the file and give, for 12 columns,
completeness, distinct values and ends; duplicates of rows and of the key; how well each column knows the label (exact AUC, Cramér's V
corrected for chance); and which rows of a test file are in it. Ours also gives intervals and near twins (timed apart as ``with near``).
Exits 1 if the values differ.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import bench
import numpy as np

EXACT, PART, TEST_SHARE = 1e-9, 1 << 20, 10
NUMBERS, TEXTS, LABEL, KEY = ("a", "b", "c", "d", "e"), ("s", "t", "u", "v", "w"), "y", "id"


def write_rows(path: Path, rows: int, *, seed: int, first: int = 0) -> Path:
    """Numbers (some missing), texts of 3 to 1,000 values, a label that one of each knows something of, and a key."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    draw = np.random.default_rng(seed)
    writer = None
    for start in range(0, rows, PART):
        n = min(PART, rows - start)
        label = draw.integers(0, 2, n)
        columns: dict[str, Any] = {KEY: np.arange(first + start, first + start + n)}
        for place, name in enumerate(NUMBERS):
            values = np.round(draw.normal(size=n) + (label if place == 0 else 0), 2)
            columns[name] = pa.array(values, mask=draw.random(n) < place / 50)
        for place, name in enumerate(TEXTS):
            levels = (3, 10, 50, 200, 1000)[place]
            codes = (draw.integers(0, levels, n) + (label if place == 0 else 0)) % levels
            names = [f"{name} {code}" for code in range(levels)]
            columns[name] = pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int16)), names).cast(pa.string())
        part = pa.table({**columns, LABEL: label})
        writer = writer or pq.ParquetWriter(path, part.schema)
        writer.write_table(part)
    if writer is None:
        raise ValueError("no rows to write")
    writer.close()
    return path


def ours(path: Path, test: Path, *, near_rows: int) -> dict[str, float]:
    from audits.evaluate import evaluate

    report = evaluate("quality", [path, test], {"label": LABEL, "key": [KEY], "near_rows": near_rows})
    return {".".join([m["metric"], *m["slice"].values()]): m["value"] for m in report["measurements"]}


def pandas_way(path: Path, test: Path) -> dict[str, float]:
    import pandas as pd

    table, other = pd.read_parquet(path), pd.read_parquet(test)
    found: dict[str, float] = {}
    for name in table:
        found[f"completeness.{name}"] = float(table[name].notna().mean())
        found[f"uniqueness.{name}"] = table[name].nunique() / int(table[name].notna().sum())
    found["duplicate_rate"] = float(table.duplicated().mean())
    found[f"duplicate_rate.{KEY}"] = float(table.duplicated(KEY).mean())
    for name in (KEY, *NUMBERS):
        found[f"label_leakage.{name}"] = max(somers(table, name), cramers(table[name].isna(), table[LABEL]))
    for name in TEXTS:
        found[f"label_leakage.{name}"] = cramers(table[name], table[LABEL])
    both = other.merge(table.drop_duplicates(), how="left", on=list(table), indicator=True)
    found["train_test_overlap_rate"] = float((both["_merge"] == "both").mean())
    return found


def somers(table: Any, name: str) -> float:
    from sklearn.metrics import roc_auc_score

    there = table[name].notna()
    return abs(2 * float(roc_auc_score(table[LABEL][there], table[name][there])) - 1)


def cramers(column: Any, label: Any) -> float:
    import pandas as pd

    counts = pd.crosstab(column, label).to_numpy(dtype=float)
    n, (r, c) = counts.sum(), counts.shape
    if min(r, c) == 1:
        return 0.0
    phi = (counts**2 / np.outer(counts.sum(axis=1), counts.sum(axis=0))).sum() - 1
    excess = max(0.0, phi - (r - 1) * (c - 1) / (n - 1))
    return math.sqrt(excess / (min(side - (side - 1) ** 2 / (n - 1) for side in (r, c)) - 1))


def compare(
    files: tuple[Path, Path], small: tuple[Path, Path], args: argparse.Namespace
) -> tuple[dict[str, Any], bool]:
    mine = bench.best(partial(ours, *files, near_rows=0), warm=partial(ours, *small, near_rows=0), times=args.times)
    near = bench.run(partial(ours, *files, near_rows=10_000), warm=partial(ours, *small, near_rows=10_000))
    row = {"ours s": mine.seconds, "ours MB": mine.peak_mb, "with near s": near.seconds, "with near MB": near.peak_mb}
    if args.no_peer:
        return row, True
    theirs = bench.best(partial(pandas_way, *files), warm=partial(pandas_way, *small), times=args.times)
    difference = max(abs(mine.value[name] - value) for name, value in theirs.value.items())
    row |= {"pandas s": theirs.seconds, "pandas MB": theirs.peak_mb, "ratio": theirs.seconds / mine.seconds}
    return row | {"values": len(theirs.value), "largest difference": difference}, difference <= EXACT


def pair(folder: str, name: str, rows: int) -> tuple[Path, Path]:
    """A table, and a test file of a tenth of it, half of which are its rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = write_rows(Path(folder, f"{name}.parquet"), rows, seed=5)
    fresh = write_rows(Path(folder, f"{name}.fresh.parquet"), rows // TEST_SHARE, seed=6, first=rows)
    half = rows // TEST_SHARE // 2
    known, new = (next(pq.ParquetFile(file).iter_batches(half)) for file in (path, fresh))
    test = Path(folder, f"{name}.test.parquet")
    pq.write_table(pa.concat_tables([pa.Table.from_batches([part]) for part in (known, new)]), test)
    return path, test


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default="1e4,1e5")
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--no-peer", action="store_true")
    args = parser.parse_args()
    sizes = [int(float(text)) for text in args.rows.split(",")]
    print(bench.machine("duckdb", "ibis-framework", "pandas", "scikit-learn", "numpy"))
    rows, same = [], True
    with tempfile.TemporaryDirectory() as folder:
        small = pair(folder, "small", 2000)
        for size in sizes:
            row, agrees = compare(pair(folder, "rows", size), small, args)
            rows.append({"rows": size, **row})
            same &= agrees
    bench.table(rows)
    if len(sizes) > 1:
        print(
            f"growth (slope of log seconds over log rows): {bench.growth(sizes, [row['ours s'] for row in rows]):.2f}"
        )
    print("the values agree" if same else "THE VALUES DIFFER")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
