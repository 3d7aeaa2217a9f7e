"""Fairness with simultaneous intervals against the limit: a bare ``GROUP BY`` of the same columns of the same file in DuckDB.

Run: ``python benchmarks/fairness_vs_duckdb.py [--rows 1e4,1e5,1e6,1e7]``. Ours reads, digests and checks the file, and gives six
rates with intervals for each group, and nine ratios and differences with intervals from 1,000 replicates. Exits 1 if the counts
differ. The bars: within 3 times at 10^7 rows, at most 300 MB above the start and flat, slope at most 1.05.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from functools import partial
from pathlib import Path

import bench
from fairness_case import after_counting, ours, values

QUERY = "SELECT sex, race, age, y, p, count(*) FROM read_parquet(?) GROUP BY ALL"
CELLS = {(0, 0): "tn", (0, 1): "fp", (1, 0): "fn", (1, 1): "tp"}


def bare(path: Path) -> list[tuple]:
    import duckdb

    with duckdb.connect() as connection:
        return connection.execute(QUERY, [str(path)]).fetchall()


def agree(report: dict, rows: list[tuple]) -> bool:
    found = values(report)
    return all(found[CELLS[label, decision], tuple(group)] == n for *group, label, decision, n in rows)


def compare(path: Path, small: Path, times: int) -> tuple[dict[str, object], bool]:
    limit = bench.best(partial(bare, path), warm=partial(bare, small), times=times)
    mine = bench.best(partial(ours, path), warm=partial(ours, small), times=times)
    after = bench.run(partial(after_counting, path), warm=partial(after_counting, small)).value
    row = {
        "group by s": limit.seconds,
        "ours s": mine.seconds,
        "times": mine.seconds / limit.seconds,
        "after counting s": after,
        "ours MB": mine.peak_mb,
    }
    return row, agree(mine.value, limit.value)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default="1e4,1e5,1e6,1e7")
    parser.add_argument("--times", type=int, default=3)
    args = parser.parse_args()
    sizes = [int(float(text)) for text in args.rows.split(",")]
    print(bench.machine("duckdb", "ibis-framework", "numpy"))
    rows, same = [], True
    with tempfile.TemporaryDirectory() as folder:
        small = bench.write_decisions(Path(folder, "small.parquet"), 2000)
        for size in sizes:
            row, agrees = compare(bench.write_decisions(Path(folder, "rows.parquet"), size), small, args.times)
            rows.append({"rows": size, **row})
            same = same and agrees
    bench.table(rows)
    if len(sizes) > 1:
        print(f"growth: slope {bench.growth(sizes, [float(row['ours s']) for row in rows]):.3f}")
    print("every count agrees" if same else "COUNTS DIFFER")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
