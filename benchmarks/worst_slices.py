"""The search for the worst slices over ten columns, against pandas grouping every column triple. The values must agree.

Run: ``python benchmarks/worst_slices.py [--rows 10000,100000,1000000] [--times 2] [--peer-rows 100000]``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bench

LEAST = 0.005
COLUMNS = [f"c{i}" for i in range(5)] + [f"x{i}" for i in range(5)]


def write_rows(path: Path, rows: int, *, seed: int = 11) -> Path:
    """Decisions over five columns of 3 to 7 names and five of numbers, wrong oftener in one planted triple."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    draw = np.random.default_rng(seed)
    columns: dict[str, Any] = {}
    for i in range(5):
        codes = draw.integers(0, 3 + i, rows)
        columns[f"c{i}"] = pa.DictionaryArray.from_arrays(pa.array(codes), [f"n{k}" for k in range(3 + i)]).cast(
            "string"
        )
        columns[f"x{i}"] = np.exp(draw.normal(size=rows))
        if i == 0:
            planted = codes == 1
        elif i == 1:
            planted &= codes == 2  # noqa: PLR2004 - one level
    planted &= columns["x0"] > 2  # noqa: PLR2004 - about the top quarter
    label = draw.integers(0, 2, rows)
    hit = draw.random(rows) < np.where(planted, 0.6, 0.9)
    pq.write_table(pa.table({**columns, "y": label, "p": np.where(hit, label, 1 - label)}), path)
    return path


def ours(path: Path) -> dict[str, Any]:
    """The whole evaluation, reading the file included."""
    from audits.evaluate import evaluate

    given = {"label": "y", "prediction": "p", "slices": COLUMNS, "minimum_groups": [LEAST]}
    report = evaluate("performance", [path], given)
    return next(m for m in report["measurements"] if m["metric"] == "worst_slice_accuracy_score")


def pandas_triples(path: Path) -> tuple[int, float]:
    """Accuracy of every slice of up to three columns by pandas: how many are large enough, and the lowest."""
    import numpy as np
    import pandas as pd

    frame = pd.read_parquet(path)
    for name in COLUMNS:
        if name.startswith("x"):
            cuts = np.quantile(frame[name], [0.2, 0.4, 0.6, 0.8], method="averaged_inverted_cdf")
            frame[name] = np.searchsorted(cuts, frame[name], side="right").astype(str)
        frame[name] = frame[name].astype("category")
    frame["right"] = frame["y"] == frame["p"]
    least, found = max(50, int(np.ceil(LEAST * len(frame)))), []
    for depth in (1, 2, 3):
        for chosen in combinations(COLUMNS, depth):
            table = frame.groupby(list(chosen), observed=True)["right"].agg(["size", "mean"])
            found.append(table[table["size"] >= least]["mean"])
    every = pd.concat(found)
    return len(every), float(every.min())


def check(measured: dict[str, Any], peer: tuple[int, float], path: Path) -> None:
    """Raise where the slice named has another accuracy, or another number of slices was looked at."""
    import pandas as pd

    frame = pd.read_parquet(path)
    for column, name in measured["slice"].items():
        if column.startswith("c"):
            frame = frame[frame[column] == name]
        elif name.endswith(" and above"):
            frame = frame[frame[column] >= float(name.removesuffix(" and above")) * (1 - 1e-5)]
    accuracy = float((frame["y"] == frame["p"]).mean())
    looked_at = int(measured["note"].split(" slices")[0].rsplit(" ", 1)[1].replace(",", ""))
    if looked_at != peer[0] or abs(accuracy - measured["value"]) > 1e-3 or peer[1] > measured["value"] + 1e-12:  # noqa: PLR2004
        raise SystemExit(f"disagreement: {measured} against {peer} and {accuracy}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default="10000,100000,1000000")
    parser.add_argument("--peer-rows", default="100000", help="rows at which pandas runs too and values are compared")
    parser.add_argument("--times", type=int, default=2)
    args = parser.parse_args()
    sizes, shared = ([int(part) for part in text.split(",")] for text in (args.rows, args.peer_rows))
    table, seconds = [], []
    with tempfile.TemporaryDirectory() as folder:
        warm = write_rows(Path(folder) / "warm.parquet", 1000)
        for rows in sizes:
            path = write_rows(Path(folder) / f"{rows}.parquet", rows)
            run = bench.best(partial(ours, path), warm=partial(ours, warm), times=args.times)
            line: dict[str, Any] = {
                "rows": rows,
                "ours s": run.seconds,
                "ours MB": run.peak_mb,
                "pandas s": "",
                "ratio": "",
            }
            if rows in shared:
                start = time.perf_counter()
                peer = pandas_triples(path)
                line["pandas s"] = time.perf_counter() - start
                line["ratio"] = line["pandas s"] / run.seconds
                check(run.value, peer, path)
            table.append(line)
            seconds.append(run.seconds)
    print(bench.machine("duckdb", "pandas"))
    bench.table(table)
    if len(sizes) > 1:
        print(f"growth (slope of log seconds over log rows): {bench.growth(sizes, seconds):.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
