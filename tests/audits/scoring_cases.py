"""Small models of every format that is run, the rows that they read, and ways to ask them without a sandbox."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import pandas as pd
import pyarrow as pa
import skops.io

from audits.inside.operations import OPERATIONS, load
from audits.scoring.answers import Answers
from registry.execution import Interface

NAMES = ("income", "debt", "age", "years")


def numbers(rows=300, seed=7, missing=False):
    """(rows, 4) numbers; with ``missing``, every ninth is NaN."""
    block = np.random.default_rng(seed).normal(size=(rows, len(NAMES)))
    if missing:
        block.reshape(-1)[::9] = np.nan
    return block


def labels(block, *, noise=0.3):
    """yes and no, by the first two columns and some noise."""
    draw = np.random.default_rng(3)
    return np.where(np.nan_to_num(block[:, 0] - block[:, 1]) + noise * draw.normal(size=len(block)) > 0, "yes", "no")


def batch_of(block, names=NAMES):
    return pa.RecordBatch.from_arrays([pa.array(column) for column in np.asarray(block).T], names=list(names))


def applicants(rows=120):
    """A table with numbers, texts of a few kinds and free texts, some of each missing."""
    draw = np.random.default_rng(11)
    frame = pd.DataFrame(
        {
            "income": draw.normal(size=rows),
            "home": draw.choice(["rent", "own", "family"], rows),
            "purpose": draw.choice(["new car", "used car", "kitchen and bath", "debt"], rows),
        }
    ).astype({"home": object, "purpose": object})
    frame.loc[::7, "income"] = np.nan
    frame.loc[::5, "home"] = np.nan
    return frame


def saved(estimator, folder, name="model.skops"):
    path = folder / name
    skops.io.dump(estimator, path)
    return path


class InProcess:
    """A file behind the operations of the sandbox, in the test's own process."""

    def __init__(self, path, *, allowed=(), **interface):
        self.interface = Interface(**{"inputs": NAMES, **interface})
        kind = path.suffix[1:]
        setup = {
            "file": path.name,
            "format": kind,
            "interface": self.interface.as_json(),
            "allowed_types": list(allowed),
        }
        self.state, self.hello = load(setup, path.parent)

    def raw(self, batch, *, decisions=True):
        _values, batches = OPERATIONS["score"](self.state, {"decisions": decisions}, iter([batch]))
        (answer,) = batches
        values = [answer.column(n) for n in answer.schema.names if n.startswith("value:")]
        own = answer.column("decision").to_pylist() if "decision" in answer.schema.names else None
        return (np.column_stack(values) if values else None), own

    def answers(self, batch):
        values, own = self.raw(batch)
        return Answers("model", self.interface, self.hello["classes"]).batch(values, own, rows=batch.num_rows)

    def outputs(self, batch):
        _values, batches = OPERATIONS["outputs"](self.state, {}, iter([batch]))
        return next(batches).to_pydict()


@contextmanager
def in_process(path, **interface):
    yield InProcess(path, **interface)
