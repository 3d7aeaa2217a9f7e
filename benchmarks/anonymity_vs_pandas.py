"""Anonymity of a table: ours, from Parquet, against pandas ``groupby`` on the same file.

Run: ``python benchmarks/anonymity_vs_pandas.py [--rows 1e4,1e5,1e6,1e7] [--quasi 9] [--times 1] [--search] [--no-peer]``. Both read
the file and compute k-anonymity, sample uniqueness, average risk, distinct and entropy l-diversity, and t-closeness (equal
distance) of one sensitive column; exits 1 if the values differ. Two peers: ``groupby`` as it is usually written (the bar: at
least 5 times faster at 10^7 rows), and ``tuned``, pandas and NumPy as well as we know how. With ``--search`` the search for
identifying columns, which neither has, is timed too.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import bench
import numpy as np

LEVELS = (2, 5, 8, 12, 7, 6, 18, 3, 2)
CONDITIONS, SENSITIVE, EXACT, PART = 20, "condition", 1e-9, 1 << 20


def write_rows(path: Path, rows: int, quasi: Sequence[str]) -> Path:
    """Columns of text of unequal frequencies, as census answers are, and a condition that they tell a little about."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    draw = np.random.default_rng(11)
    schema = pa.schema([(name, pa.string()) for name in [*quasi, SENSITIVE]])
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, rows, PART):
            n = min(PART, rows - start)
            columns = [texts(f"answer {place}", drawn(draw, levels, n)) for place, levels in zip_levels(quasi)]
            columns.append(texts("condition", draw.integers(0, CONDITIONS, n)))
            writer.write_table(pa.table(columns, schema=schema))
    return path


def zip_levels(quasi: Sequence[str]) -> list[tuple[int, int]]:
    return list(enumerate(LEVELS[: len(quasi)]))


def drawn(draw: np.random.Generator, levels: int, rows: int) -> np.ndarray:
    weights = 1.0 / np.arange(1, levels + 1) ** 1.3
    return draw.choice(levels, rows, p=weights / weights.sum())


def texts(name: str, codes: np.ndarray) -> Any:
    import pyarrow as pa

    values = [f"{name} {code}" for code in range(int(codes.max()) + 1)]
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int8)), values).cast(pa.string())


def ours(path: Path, quasi: Sequence[str], *, identify: bool) -> dict[str, float]:
    from audits.evaluate import evaluate

    parameters = {"quasi": list(quasi), "sensitive": [SENSITIVE], "identify": identify}
    report = evaluate("anonymity", [path], parameters)
    return {m["metric"]: m["value"] for m in report["measurements"] if not m["slice"]}


def pandas_groupby(path: Path, quasi: Sequence[str]) -> dict[str, float]:
    """As it is usually written: one ``groupby``, and what it offers."""
    import pandas as pd

    table = pd.read_parquet(path)
    groups = table.groupby(list(quasi), sort=False, observed=True, dropna=False)
    sizes = groups.size()
    share = groups[SENSITIVE].value_counts(normalize=True)
    levels = list(range(len(quasi)))
    overall = table[SENSITIVE].value_counts(normalize=True)
    excess = (share - overall.loc[share.index.get_level_values(SENSITIVE)].to_numpy()).clip(lower=0)
    entropy = (-share * np.log(share)).groupby(level=levels, sort=False).sum()
    return {
        "k_anonymity": float(sizes.min()),
        "sample_uniqueness": float((sizes == 1).sum() / len(table)),
        "average_reidentification_risk": len(sizes) / len(table),
        "l_diversity_distinct": float(groups[SENSITIVE].nunique().min()),
        "l_diversity_entropy": math.exp(max(entropy.min(), 0.0)),
        "t_closeness": float(excess.groupby(level=levels, sort=False).sum().max()),
    }


def pandas_tuned(path: Path, quasi: Sequence[str]) -> dict[str, float]:
    """As well as we know how: classes numbered once, the rest on whole numbers in NumPy."""
    import pandas as pd

    table = pd.read_parquet(path)
    rows = len(table)
    number = table.groupby(list(quasi), sort=False, observed=True, dropna=False).ngroup().to_numpy()
    code, _ = pd.factorize(table[SENSITIVE])
    sizes, overall = np.bincount(number), np.bincount(code) / rows
    pairs = pd.DataFrame({"number": number, "code": code}).groupby(["number", "code"], sort=False).size()
    place = pairs.index.get_level_values(0).to_numpy()
    share = pairs.to_numpy(dtype=float) / sizes[place]
    entropy = -np.bincount(place, weights=share * np.log(share))
    excess = np.maximum(share - overall[pairs.index.get_level_values(1).to_numpy()], 0)
    return {
        "k_anonymity": float(sizes.min()),
        "sample_uniqueness": float((sizes == 1).sum() / rows),
        "average_reidentification_risk": len(sizes) / rows,
        "l_diversity_distinct": float(np.bincount(place).min()),
        "l_diversity_entropy": math.exp(max(entropy.min(), 0.0)),
        "t_closeness": float(np.bincount(place, weights=excess).max()),
    }


PEERS = {"groupby": pandas_groupby, "tuned": pandas_tuned}


def compare(path: Path, small: Path, quasi: Sequence[str], args: argparse.Namespace) -> tuple[dict[str, Any], bool]:
    alone = {"identify": False}
    mine = bench.best(partial(ours, path, quasi, **alone), warm=partial(ours, small, quasi, **alone), times=args.times)
    row = {"ours s": mine.seconds, "ours MB": mine.peak_mb}
    if args.search:
        both = {"identify": True}
        found = bench.run(partial(ours, path, quasi, **both), warm=partial(ours, small, quasi, **both))
        row |= {"with search s": found.seconds, "with search MB": found.peak_mb}
    if args.no_peer:
        return row, True
    difference = 0.0
    for name, peer in PEERS.items():
        theirs = bench.best(partial(peer, path, quasi), warm=partial(peer, small, quasi), times=args.times)
        difference = max([difference, *(abs(mine.value[key] - value) for key, value in theirs.value.items())])
        ratio = theirs.seconds / mine.seconds
        row |= {f"{name} s": theirs.seconds, f"{name} MB": theirs.peak_mb, f"{name} ratio": ratio}
    return row | {"largest difference": difference, "k": mine.value["k_anonymity"]}, difference <= EXACT


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default="1e4,1e5,1e6")
    parser.add_argument("--quasi", type=int, default=len(LEVELS), choices=range(1, len(LEVELS) + 1))
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--search", action="store_true", help="time the search for identifying columns too")
    parser.add_argument("--no-peer", action="store_true")
    args = parser.parse_args()
    sizes = [int(float(text)) for text in args.rows.split(",")]
    quasi = [f"q{place}" for place in range(args.quasi)]
    print(bench.machine("duckdb", "ibis-framework", "pandas", "numpy"))
    rows, same = [], True
    with tempfile.TemporaryDirectory() as folder:
        small = write_rows(Path(folder, "small.parquet"), 2000, quasi)
        for size in sizes:
            row, agrees = compare(write_rows(Path(folder, "rows.parquet"), size, quasi), small, quasi, args)
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
