"""A lender whose model is known by its formula, so that every contribution can be worked out by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.audits.model_cases import FunctionModel

INPUTS = ("income", "debt", "age", "purpose")


def applicants(n: int = 400, seed: int = 0) -> dict[str, Any]:
    """Columns of applicants: two races, of which incomes vary in the one and debts in the other."""
    draw = np.random.default_rng(seed)
    race = np.where(draw.random(n) < 0.6, "green", "purple")
    green = race == "green"
    income = np.where(green, draw.normal(0.0, 2.0, n), draw.normal(0.0, 0.4, n)).round(3)
    debt = np.where(green, draw.normal(0.0, 0.4, n), draw.normal(0.0, 2.0, n)).round(3)
    columns = {
        "id": np.arange(n),
        "income": income,
        "debt": debt,
        "age": draw.integers(18, 80, n).astype(float),
        "purpose": draw.choice(["home", "car"], n),
        "race": race,
    }
    columns["repaid"] = (score(columns) + draw.normal(0.0, 0.1, n) > 0.5).astype(int)
    return columns


def score(columns: Any) -> np.ndarray:
    """Linear, so that a contribution is the weight times the distance from the background's mean."""
    home = np.asarray(columns["purpose"]) == "home"
    return 0.5 + 0.08 * columns["income"] - 0.04 * columns["debt"] + 0.02 * home


def lender(function: Any = score, *, inputs: tuple[str, ...] = INPUTS, threshold: float = 0.5) -> FunctionModel:
    """The model."""
    return FunctionModel(function, inputs, threshold=threshold, texts=("purpose",))


def written(folder: Path, columns: dict[str, Any], name: str = "test.parquet") -> Path:
    """Columns as a Parquet file."""
    pq.write_table(pa.table(columns), folder / name)
    return folder / name
