"""What regression measures rest on: sums of errors and their powers over all rows, in three looks at the data. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audits.measures.checked_numbers import Range, Wanted, check_numbers, number, weight_column
from audits.measures.sums import SumSet

if TYPE_CHECKING:
    import ibis

    from audits.engines.opening import Data
    from audits.engines.port import Engine
    from audits.parameters import Parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Checked rows of labels and predictions that are numbers, on an engine.

    Attributes
    ----------
    rows
        How many.
    label, prediction, weight
        Their expressions; ``weight`` is ``None`` where every row counts one.
    ranges
        Least and largest of each.
    """

    engine: Engine
    rows: int
    label: ibis.Value
    prediction: ibis.Value
    weight: ibis.Value | None
    ranges: Mapping[str, Range]

    @property
    def error(self) -> ibis.Value:
        """Prediction minus label."""
        return self.prediction - self.label

    @property
    def weights(self) -> ibis.Value:
        """The weight of each row: 1 where there are none."""
        import ibis

        # A column even so: engines sum columns, not constants.
        return ibis.ifelse(self.label.isnull(), 0.0, 1.0) if self.weight is None else self.weight

    @property
    def largest_weight(self) -> float:
        """The largest weight."""
        return self.ranges["weight"].high if self.weight is not None else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Sums over all rows; ``e`` is the error, ``d`` the label minus its mean, ``w`` the weight.

    Attributes
    ----------
    sums
        ``w``, ``w2`` and, with either of these before it, ``_e``, ``_a`` (absolute error), ``_e2``, ``_e4``, ``_d2``, ``_d4``, ``_e2d2``.
    mean_label
        The weighted mean of the labels.
    low, high
        The least and the largest error.
    constant
        Whether all labels are equal.
    """

    rows: int
    sums: Mapping[str, float]
    mean_label: float
    low: float
    high: float
    constant: bool


def checked_rows(engine: Engine, data: Data, parameters: Parameters) -> Rows:
    """Check the columns of a regression.

    Raises
    ------
    PredictionsError
        If a label, prediction or weight is missing, no number, or not finite; or one column has two parts.
    """
    from audits.predictions import Roles

    roles = Roles(parameters.label, parameters.prediction, None, (), parameters.weight, None)
    roles.refuse_shared(data.name)
    wanted = {"label": Wanted(column=parameters.label), "prediction": Wanted(column=parameters.prediction)}
    if parameters.weight is not None:
        wanted["weight"] = weight_column(parameters.weight)
    rows, ranges = check_numbers(engine, data, wanted)
    return Rows(
        engine=engine,
        rows=rows,
        label=number(engine, parameters.label),
        prediction=number(engine, parameters.prediction),
        weight=None if parameters.weight is None else number(engine, parameters.weight),
        ranges=ranges,
    )


def moments_of(rows: Rows) -> Moments:
    """Sum the errors and their powers; labels are centred first, so that no digits are lost."""
    import ibis

    weight, most = rows.weights, rows.largest_weight
    first = SumSet(numbers={"w": (weight, most), "wy": (weight * rows.label, most * rows.ranges["label"].largest)})
    extremes = {"low": rows.error.min(), "high": rows.error.max()}
    table = rows.engine.grouped((), {**first.measures(), **extremes}).table
    looked = first.read(table)
    mean = float(looked["wy"][0] / looked["w"][0])
    low, high = (float(table[name][0].as_py()) for name in ("low", "high"))
    error, label = rows.error, rows.label - ibis.literal(repr(mean)).cast("float64")
    e, d = max(abs(low), abs(high)), rows.ranges["label"].largest + abs(mean)
    powers = {
        "": (rows.error.isnull().ifelse(0.0, 1.0), 1.0),
        "_e": (error, e),
        "_a": (error.abs(), e),
        "_e2": (error * error, e**2),
        "_e4": (error * error * error * error, e**4),
        "_d2": (label * label, d**2),
        "_d4": (label * label * label * label, d**4),
        "_e2d2": (error * error * label * label, e**2 * d**2),
    }
    weights = {"w": (weight, most)}
    if rows.weight is not None:
        weights["w2"] = (weight * weight, most**2)
    wanted = SumSet(
        numbers={
            prefix + name: (one * power, limit * bound)
            for prefix, (one, limit) in weights.items()
            for name, (power, bound) in powers.items()
        }
    )
    found = wanted.read(rows.engine.grouped((), wanted.measures()).table)
    sums = {name: float(values[0]) for name, values in found.items()}
    sums |= {f"w2{name}": sums[f"w{name}"] for name in powers if rows.weight is None}
    at = rows.ranges["label"]
    return Moments(rows=rows.rows, sums=sums, mean_label=mean, low=low, high=high, constant=at.low == at.high)
