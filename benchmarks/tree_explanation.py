"""Shapley values of boosted trees: ours against shap's ``TreeExplainer``, in one run on the same data.

Run: ``python benchmarks/tree_explanation.py [--rows 1e3,1e4,1e5] [--trees 200] [--depth 6] [--background 100] [--times 1]
[--peer-rows 1e4] [--whole]``. Both modes, path-dependent and interventional; ours with one thread and with two, each time with the
reading of the Parquet file and the checking and grouping of the trees, the compiled loops taken from disk (compiling them for
the first time is told by itself). shap has the data in memory and its explainer built before the clock starts, and its background
is not cut to 100 rows. Above ``--peer-rows`` shap is not run. ``--whole`` times ``explain`` on a skops file too: the sandbox started, the
model loaded, trees read out of it, every row scored, and the sum of values held against the scores. Exits 1 if a value differs
by more than 1e-6.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import bench
import numpy as np

FEATURES, TRAINING, EXACT = 30, 6000, 1e-6
NAMES = tuple(f"x{place}" for place in range(FEATURES))


def write_rows(path: Path, rows: int, seed: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    values = np.random.default_rng(seed).normal(size=(FEATURES, rows)).astype(np.float32).astype(np.float64)
    pq.write_table(pa.table(dict(zip(NAMES, values, strict=True))), path)


def read_rows(path: Path) -> np.ndarray:
    """(features, rows)."""
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    return np.array([table.column(name).to_numpy() for name in NAMES])


def train(folder: Path, trees: int, depth: int) -> Any:
    """Boosted trees on noise and a few products, so that nearly every tree is full."""
    import skops.io
    from sklearn.ensemble import GradientBoostingRegressor

    draw = np.random.default_rng(7)
    rows = draw.normal(size=(TRAINING, FEATURES)).astype(np.float32)
    target = (
        rows[:, 0] * rows[:, 1] + np.sin(3 * rows[:, 2]) + rows[:, 3:9].sum(axis=1) / 3 + draw.normal(size=TRAINING)
    )
    model = GradientBoostingRegressor(n_estimators=trees, max_depth=depth, max_features=0.3, random_state=0)
    skops.io.dump(model.fit(rows, target), folder / "model.skops")
    return model


def loaded(folder: Path) -> Any:
    import skops.io

    path = folder / "model.skops"
    return skops.io.load(path, trusted=skops.io.get_untrusted_types(file=path))


def ensemble(folder: Path) -> Any:
    """The trees by our own reader, outside the sandbox: the file is our own."""
    from audits.inside.formats.skops_file import load
    from audits.inside.trees import trees_of
    from audits.scoring.model import TreeEnsemble
    from registry.execution import Interface

    interface = Interface(inputs=NAMES, task="regression").as_json()
    values, arrays = trees_of(load(folder / "model.skops", interface), interface)
    return TreeEnsemble(**arrays, **values)


def ours(folder: Path, rows: str, mode: str, threads: int) -> Any:
    """Returns (seconds, values, base): the trees lie in memory before the clock starts, as shap's explainer does."""
    from audits.explain.tree_values import tree_values

    trees, small = ensemble(folder), read_rows(folder / "background.parquet")
    tree_values(trees, small[:, :8], small if mode == "interventional" else None, threads=threads)
    began = time.perf_counter()
    background = read_rows(folder / "background.parquet") if mode == "interventional" else None
    found = tree_values(trees, read_rows(folder / rows), background, threads=threads)
    return time.perf_counter() - began, found.values, found.base


def theirs(folder: Path, rows: str, mode: str) -> Any:
    warnings.simplefilter("ignore")
    import shap

    model, background = loaded(folder), read_rows(folder / "background.parquet").T.copy()
    if mode == "interventional":
        masker = shap.maskers.Independent(background, max_samples=len(background))
        explainer = shap.TreeExplainer(model, masker, feature_perturbation="interventional")
    else:
        explainer = shap.TreeExplainer(model, feature_perturbation="tree_path_dependent")
    asked = read_rows(folder / rows).T.copy()
    began = time.perf_counter()
    values = explainer.shap_values(asked, check_additivity=False)
    return time.perf_counter() - began, values, float(np.ravel(explainer.expected_value)[0])


def whole(folder: Path, rows: str) -> Any:
    """From files to checked values: (seconds in all, seconds of opening, additivity error)."""
    from audits.explain.explanation import explain
    from audits.scoring.opening import open_model
    from audits.scoring.source import ModelFile
    from registry.execution import Interface

    began = time.perf_counter()
    asked = dict(zip(NAMES, read_rows(folder / rows), strict=True))
    background = dict(zip(NAMES, read_rows(folder / "background.parquet"), strict=True))
    source = ModelFile(
        name="model.skops", path=folder / "model.skops", interface=Interface(inputs=NAMES, task="regression")
    )
    with open_model(source) as model:
        opened = time.perf_counter()
        found = explain(model, asked, background)
        done = time.perf_counter()
    return done - began, opened - began, found.additivity_error


def compiling(folder: Path, cache: str) -> float:
    """Seconds of the first values in a process that finds no compiled loops."""
    os.environ["NUMBA_CACHE_DIR"] = cache
    from audits.explain.tree_values import tree_values

    trees, rows = ensemble(folder), read_rows(folder / "background.parquet")
    began = time.perf_counter()
    tree_values(trees, rows[:, :8], rows)
    return time.perf_counter() - began


def quickest(fn: partial, times: int) -> Any:
    return min((bench.run(fn).value for _ in range(times)), key=lambda found: found[0])


def compare(folder: Path, size: int, mode: str, args: argparse.Namespace) -> dict[str, Any]:
    name = f"rows{size}.parquet"
    write_rows(folder / name, size, seed=size)
    one, values, base = quickest(partial(ours, folder, name, mode, 1), args.times)
    two, *_ = quickest(partial(ours, folder, name, mode, 2), args.times)
    row = {"mode": mode, "rows": size, "1 thread s": one, "2 threads s": two}
    if size > args.peer_rows:
        return row | dict.fromkeys(("shap s", "ratio 1", "ratio 2", "largest difference"), "")
    peer, expected, expectation = bench.run(partial(theirs, folder, name, mode)).value
    difference = max(float(np.abs(values - expected).max()), abs(base - expectation))
    return row | {"shap s": peer, "ratio 1": peer / one, "ratio 2": peer / two, "largest difference": difference}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default="1e3,1e4,1e5")
    parser.add_argument("--peer-rows", type=float, default=1e4)
    parser.add_argument("--trees", type=int, default=200)
    parser.add_argument("--depth", type=int, default=6)
    parser.add_argument("--background", type=int, default=100)
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--whole", action="store_true")
    args = parser.parse_args()
    sizes = [int(float(text)) for text in args.rows.split(",")]
    print(bench.machine("shap", "numba", "numpy", "scikit-learn"))
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        write_rows(folder / "background.parquet", args.background, seed=3)
        model = train(folder, args.trees, args.depth)
        leaves = np.mean([tree.tree_.n_leaves for tree in model.estimators_[:, 0]])
        print(
            f"{args.trees} trees of depth {args.depth} with {leaves:.1f} leaves on average; {args.background} rows of background"
        )
        print(f"compiling for the first time: {bench.run(partial(compiling, folder, made)).value:.1f} s")
        rows = [compare(folder, size, mode, args) for mode in ("path-dependent", "interventional") for size in sizes]
        bench.table(rows)
        for mode in ("path-dependent", "interventional"):
            seconds = [row["1 thread s"] for row in rows if row["mode"] == mode]
            if len(sizes) > 1:
                print(f"{mode}: growth (slope of log seconds over log rows) {bench.growth(sizes, seconds):.2f}")
        if args.whole:
            for size in sizes:
                took, opening, error = bench.run(partial(whole, folder, f"rows{size}.parquet")).value
                print(
                    f"explain, {size} rows, from files: {took:.2f} s, of which opening {opening:.2f}; additivity error {error:.1e}"
                )
    same = all(row["largest difference"] <= EXACT for row in rows if row["largest difference"] != "")
    print("the values agree" if same else "THE VALUES DIFFER")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
