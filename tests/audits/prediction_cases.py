"""Predictions of small invented lenders, as files and as arrays, for the tests of measurement."""

from __future__ import annotations

import numpy as np

from audits.predictions import Predictions

HEADER = "race,sex,repaid,approved,score"
ROWS = [
    "black,f,1,1,0.9",
    "black,f,1,0,0.4",
    "black,m,0,0,0.2",
    "black,m,0,1,0.6",
    "white,f,1,1,0.8",
    "white,f,0,1,0.7",
    "white,m,1,1,0.95",
    "white,m,0,0,0.1",
    "white,m,1,1,0.65",
    "white,m,0,0,0.3",
]
COLUMNS = {"label": "repaid", "prediction": "approved", "score": "score"}


def csv_text(rows=ROWS, header=HEADER) -> str:
    return "\n".join([header, *rows]) + "\n"


def write(directory, data, name="predictions.csv"):
    path = directory / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def lender(seed=0, n=400, *, races=("asian", "black", "white"), sexes=("f", "m"), weighted=False) -> Predictions:
    """Random rows in which every race and sex has both labels."""
    draw = np.random.default_rng(seed)
    race, sex = draw.integers(0, len(races), n), draw.integers(0, len(sexes), n)
    label = (draw.random(n) < 0.5).astype(np.int8)
    crossed = np.array([(r, s, y) for r in range(len(races)) for s in range(len(sexes)) for y in (0, 1)])
    race[: len(crossed)], sex[: len(crossed)], label[: len(crossed)] = crossed.T
    score = np.round(np.clip(0.35 * label + 0.08 * race + draw.random(n) * 0.5, 0, 1), 2)
    return Predictions(
        label=label,
        prediction=(score > 0.5).astype(np.int8),
        score=score,
        sensitive={"race": (race.astype(np.int32), races), "sex": (sex.astype(np.int32), sexes)},
        weight=draw.uniform(0.2, 3.0, n) if weighted else None,
        unknown={"race": 0, "sex": 0},
    )


def find(measurements, metric, *, over=(), confidence=0.95, minimum_group=0.0, **where):
    """The one measurement of that metric, slice and set of columns."""
    found = [
        m
        for m in measurements
        if m.metric == metric
        and dict(m.slice) == where
        and m.over == tuple(over)
        and m.confidence == confidence
        and m.minimum_group == minimum_group
    ]
    assert len(found) == 1, f"{len(found)} measurements of {metric} {where} {over}"
    return found[0]
