"""Fairness from Parquet and with intervals, against aequitas' crosstab of rows in memory and without.

Run: ``python benchmarks/fairness_vs_aequitas.py --peer-python PYTHON [--rows N]`` with the interpreter of an environment that has
aequitas (``pip install --no-deps aequitas``, then pandas<3, pyarrow, seaborn, altair and scikit-learn are enough: what it asks for
otherwise takes gigabytes). Exits 1 if a count or rate differs. The bar: at least 15 times faster at 10^7 rows.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import bench
from fairness_case import ours, values

EXACT = 1e-12
NAMES = {
    "tpr": "true_positive_rate",
    "fpr": "false_positive_rate",
    "fnr": "false_negative_rate",
    "accuracy": "accuracy_score",
    "precision": "precision_score",
    "group_size": "count",
    "tp": "tp",
    "fp": "fp",
    "tn": "tn",
    "fn": "fn",
}

PEER = """
import json, sys, time
import pandas as pd
from importlib.metadata import version
from aequitas.group import Group

columns = ["sex", "race", "age"]
frame = pd.read_parquet(sys.argv[1]).rename(columns={"p": "score", "y": "label_value"})
frame["crossed"] = frame["sex"] + "|" + frame["race"] + "|" + frame["age"]
start = time.perf_counter()
table, _ = Group().get_crosstabs(frame, attr_cols=[*columns, "crossed"])
seconds = time.perf_counter() - start
print(json.dumps({"seconds": seconds, "version": version("aequitas"), "rows": json.loads(table.to_json(orient="records", double_precision=15))}))
"""


def crosstab(python: str, path: Path) -> dict:
    done = subprocess.run([python, "-W", "ignore", "-c", PEER, str(path)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def largest_difference(report: dict, rows: list[dict]) -> float:
    found = values(report)
    worst = 0.0
    for row in rows:
        group = tuple(row["attribute_value"].split("|"))
        for theirs, metric in NAMES.items():
            worst = max(worst, abs(found[metric, group] - row[theirs]))
    return worst


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=lambda text: int(float(text)), default=10_000_000)
    parser.add_argument("--peer-python", required=True)
    args = parser.parse_args()
    print(bench.machine("duckdb", "numpy"))
    with tempfile.TemporaryDirectory() as folder:
        path = bench.write_decisions(Path(folder, "rows.parquet"), args.rows)
        small = bench.write_decisions(Path(folder, "small.parquet"), 2000)
        mine = bench.best(partial(ours, path), warm=partial(ours, small))
        theirs = crosstab(args.peer_python, path)
    worst = largest_difference(mine.value, theirs["rows"])
    bench.table(
        [
            {
                "rows": args.rows,
                "ours s": mine.seconds,
                "ours MB": mine.peak_mb,
                f"aequitas {theirs['version']} s": theirs["seconds"],
                "times faster": theirs["seconds"] / mine.seconds,
                "largest difference": worst,
            }
        ]
    )
    return 0 if worst <= EXACT else 1


if __name__ == "__main__":
    sys.exit(main())
