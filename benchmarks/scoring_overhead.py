"""What the sandbox costs: scores of a model behind its walls, against the same estimator called in this process.

Run: ``python benchmarks/scoring_overhead.py [--rows 1e3,1e4,1e5,1e6] [--columns 30] [--times 3]``. For a cheap estimator (logistic
regression, where everything is overhead) and a usual one (200 trees of depth 6), from skops and from ONNX: seconds of
``scores`` (a matrix of numbers in, an array out) and of ``score`` (Arrow batches in and out, with decisions), with one
sandbox and with two, beside ``predict_proba`` or onnxruntime in process; microseconds per row above it; and the cold start. Exits
1 where the scores differ by more than 1e-12 (skops) or 0 (ONNX against ONNX).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bench
import numpy as np

EXACT, MICRO = 1e-12, 1e6


def models(folder: Path, columns: int) -> dict[str, tuple[Path, Callable[[np.ndarray], np.ndarray]]]:
    """Name to file and to what scores in process."""
    import onnxruntime
    import skops.io
    from skl2onnx import to_onnx
    from sklearn.ensemble import GradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression

    draw = np.random.default_rng(5)
    block = draw.normal(size=(4000, columns))
    label = (block[:, 0] + block[:, 1] * block[:, 2] > 0).astype(int)
    found: dict[str, Any] = {}
    trees = GradientBoostingClassifier(n_estimators=200, max_depth=6, subsample=0.5, random_state=0)
    for name, estimator in (("logistic", LogisticRegression()), ("200 trees", trees)):
        estimator.fit(block, label)
        path = folder / f"{name}.skops".replace(" ", "-")
        skops.io.dump(estimator, path)
        found[f"{name}, skops"] = (path, lambda rows, it=estimator: it.predict_proba(rows)[:, 1])
        path = path.with_suffix(".onnx")
        path.write_bytes(
            to_onnx(estimator, block[:1].astype(np.float32), options={"zipmap": False}).SerializeToString()
        )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
        feed = session.get_inputs()[0].name
        found[f"{name}, onnx"] = (
            path,
            lambda rows, it=session, feed=feed: it.run(None, {feed: rows.astype(np.float32)})[1][:, 1],
        )
    return found


def quickest(fn: Callable[[], Any], times: int) -> tuple[float, Any]:
    seconds, value = float("inf"), None
    for _ in range(times):
        began = time.perf_counter()
        value = fn()
        seconds = min(seconds, time.perf_counter() - began)
    return seconds, value


def measured(
    name: str, path: Path, plain: Callable[[np.ndarray], np.ndarray], args: argparse.Namespace
) -> list[dict[str, Any]]:
    import pyarrow as pa

    from audits.scoring.opening import open_model
    from audits.scoring.source import ModelFile
    from registry.execution import Interface

    inputs = tuple(f"x{place}" for place in range(args.columns))
    source = ModelFile(name=path.name, path=path, interface=Interface(inputs=inputs))
    rows_of = [int(float(text)) for text in args.rows.split(",")]
    draw = np.random.default_rng(6)
    found = []
    for processes in (1, 2):
        with open_model(source, processes=processes) as model:
            for rows in rows_of:
                block = draw.normal(size=(rows, args.columns))
                columns = dict(zip(inputs, block.T.copy(), strict=True))
                batch = pa.RecordBatch.from_pydict(columns)
                here, expected = quickest(lambda block=block: plain(block), args.times)
                scores, got = quickest(lambda columns=columns: model.scores(columns), args.times)
                score, _ = quickest(lambda batch=batch: list(model.score(iter([batch]))), args.times)
                found.append(
                    {
                        "model": name,
                        "sandboxes": processes,
                        "rows": rows,
                        "in process s": here,
                        "scores s": scores,
                        "score s": score,
                        "above, µs/row": (scores - here) / rows * MICRO,
                        "ratio": scores / here,
                        "difference": float(np.abs(got - expected).max()),
                        "cold start s": model.signature.load_seconds,
                    }
                )
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="1e3,1e4,1e5,1e6")
    parser.add_argument("--columns", type=int, default=30)
    parser.add_argument("--times", type=int, default=3)
    args = parser.parse_args()
    print(bench.machine("scikit-learn", "skops", "onnxruntime", "pyarrow"))
    with tempfile.TemporaryDirectory() as folder:
        rows = []
        for name, (path, plain) in models(Path(folder), args.columns).items():
            rows += measured(name, path, plain, args)
    bench.table(rows)
    return int(any(row["difference"] > EXACT for row in rows))


if __name__ == "__main__":
    sys.exit(main())
