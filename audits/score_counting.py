"""Counts rows by group, score and label on an engine: every distinct score where they are few, else bins. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from audits.exact_sums import ExactSum, whole_numbers
from audits.losses import EDGE, LossSums
from audits.prediction_errors import PredictionsError
from audits.score_table import Integers, ScoreTable

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

    from audits.engines.port import Engine, Value
    from audits.tensor import CountTensor

FEW_ROWS = 1 << 18
"""Up to this many rows every distinct score is kept."""

FEW_SCORES = 1 << 16
"""Above it, every distinct score is kept where there are no more than these, and no more than MOST_CELLS of group and score."""

MOST_CELLS = 1 << 20
_LEAST_BINS, _MOST_BINS = 1 << 7, 1 << 14
_LOOKED_AT = 1 << 17


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """What score counting reads: an engine, the table on it, expressions for its columns, and what is known of it.

    Attributes
    ----------
    by
        Name to column of whatever tells the groups and the label apart.
    label
        Whether the label is the positive class.
    place
        From such a grouped result, each row's group (an index into the tensor's keys) and label.
    score, weight
        Numbers; ``largest`` is the largest weight.
    """

    engine: Engine
    source: ibis.Table
    by: Mapping[str, Value]
    label: ibis.Value
    place: Callable[[pa.Table], tuple[Integers, Integers]]
    score: ibis.Value
    weight: ibis.Value | None
    largest: float
    tensor: CountTensor


def count_scores(scored: Scored) -> ScoreTable | None:
    """The score table over the groups of the tensor; ``None`` where cells of it were held back.

    Raises
    ------
    PredictionsError
        If it does not add up to the tensor: the data changed between two looks.
    """
    bins = _bins(scored)
    place = scored.score if bins is None else _bin_of(scored.score, bins)
    sums = _sums(scored)
    measures = {name: value for exact, of in sums.items() for name, value in exact.measures(of).items()}
    found = scored.engine.grouped({**scored.by, "score": place}, measures, of=scored.source)
    if found.suppressed:
        return None
    table = found.table
    group, label = scored.place(table)
    counted = {"counts": whole_numbers(table["n"]), **{exact.name: exact.of(table) for exact in sums}}
    values = table["score"].to_numpy()
    return _table(scored, bins, (group, label, values), counted)


def _sums(scored: Scored) -> dict[ExactSum, ibis.Value]:
    if scored.weight is None:
        return {ExactSum("score_mass", 1.0): scored.score}
    largest = scored.largest
    return {
        ExactSum("score_mass", largest): scored.weight * scored.score,
        ExactSum("mass", largest): scored.weight,
        ExactSum("squares", largest * largest): scored.weight * scored.weight,
    }


def _bins(scored: Scored) -> int | None:
    """How many bins the scores need; ``None`` where each distinct score can have a cell of its own."""
    rows, groups = scored.tensor.total, len(scored.tensor.keys)
    if rows <= FEW_ROWS or _distinct(scored, _LOOKED_AT) <= FEW_SCORES:
        distinct = 0 if rows <= FEW_ROWS else _distinct(scored, None)
        if distinct <= FEW_SCORES and distinct * groups <= MOST_CELLS:
            return None
    bins = _MOST_BINS
    while bins > _LEAST_BINS and bins * groups * 2 > MOST_CELLS:
        bins //= 2
    return bins


def _distinct(scored: Scored, rows: int | None) -> int:
    """Distinct scores: of some rows, which is quick and cannot be too many, or of all."""
    source = scored.source.mutate(_score=scored.score)
    if rows is not None:
        source = source.limit(rows)
    found = scored.engine.grouped((), {"distinct": source["_score"].nunique()}, of=source)
    return int(found.columns()["distinct"][0])


def _bin_of(score: ibis.Value, bins: int) -> ibis.Value:
    import ibis

    return ibis.least((score * float(bins)).floor().cast("int32"), ibis.literal(bins - 1, type="int32"))


def _table(
    scored: Scored, bins: int | None, rows: tuple[Integers, Integers, Any], counted: Mapping[str, Any]
) -> ScoreTable:
    group, label, values = rows
    if bins is None:
        scores, place = np.unique(values.astype(np.float64), return_inverse=True)
    else:
        scores, place = (np.arange(bins) + 0.5) / bins, values.astype(np.int64)
    flat = group * len(scores) + place
    occupied, cell = np.unique(flat, return_inverse=True)

    def by_label(values: Any) -> Any:
        table = np.zeros((len(occupied), 2), dtype=values.dtype)
        np.add.at(table, (cell, label), values)
        return table

    counts = by_label(counted["counts"])
    tensor = scored.tensor
    by_group = np.zeros((len(tensor.keys), 2), dtype=np.int64)
    np.add.at(by_group, occupied // len(scores), counts)
    if not np.array_equal(by_group, tensor.counts.reshape(-1, 2, 2).sum(axis=2)):
        raise PredictionsError("the data changed while they were counted; count them again", column="score")
    return ScoreTable(
        columns=tensor.columns,
        levels=tensor.levels,
        keys=tensor.keys,
        scores=scores,
        edges=None if bins is None else np.arange(bins + 1) / bins,
        group=occupied // len(scores),
        place=occupied % len(scores),
        counts=counts,
        score_mass=by_label(counted["score_mass"]).sum(axis=1),
        mass=by_label(counted["mass"]) if "mass" in counted else None,
        squares=by_label(counted["squares"]) if "squares" in counted else None,
    )


def sum_losses(scored: Scored) -> dict[str, LossSums]:
    """The sums of both losses over all rows, in one look at the data."""
    import ibis

    given = ibis.ifelse(scored.label, scored.score, 1.0 - scored.score)
    clipped = ibis.least(ibis.greatest(given, EDGE), 1.0 - EDGE)
    weight = ibis.literal(1.0) if scored.weight is None else scored.weight
    most = {"log_loss": -float(np.log(EDGE)), "brier_score_loss": 1.0}
    sums: dict[ExactSum, ibis.Value] = {}
    for name, loss in {"log_loss": -clipped.ln(), "brier_score_loss": (1.0 - given) * (1.0 - given)}.items():
        top, large = most[name] * 1.01, scored.largest
        sums[ExactSum(f"{name}_1", large * top)] = weight * loss
        sums[ExactSum(f"{name}_2", large * large * top)] = weight * weight * loss
        sums[ExactSum(f"{name}_3", large * large * top * top)] = weight * weight * loss * loss
    measures = {part: value for exact, of in sums.items() for part, value in exact.measures(of).items()}
    table = scored.engine.grouped((), measures, of=scored.source).table
    found = {exact.name: float(exact.of(table)[0]) for exact in sums}
    tensor = scored.tensor
    squares = tensor.weights if tensor.squares is None else tensor.squares
    return {
        name: LossSums(
            rows=tensor.total,
            weight=float(tensor.weights.sum()),
            weight_squares=float(squares.sum()),
            loss=found[f"{name}_1"],
            square_loss=found[f"{name}_2"],
            square_squares=found[f"{name}_3"],
        )
        for name in most
    }
