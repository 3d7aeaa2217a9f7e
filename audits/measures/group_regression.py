"""How predicted numbers and their errors differ between groups: sums from the engine, means with limits. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from audits.engines.port import exactly
from audits.exact_sums import ExactSum
from audits.intervals import critical_value
from audits.measurement import Measurement
from audits.measures.group_sums import GroupSums, sum_by_group
from audits.measures.means import Means, squares_about
from audits.measures.pairs import Extreme, largest_gap, smallest_quotient
from audits.measures.regression.moments import checked_rows

if TYPE_CHECKING:
    import ibis

    from audits.engines.opening import Data
    from audits.engines.port import Engine, Value
    from audits.measures.regression.moments import Rows
    from audits.parameters import Parameters

_QUANTITIES = {"mean_prediction": "p", "mean_error": "e", "mean_absolute_error": "a"}
"""Metric to the quantity whose mean it is: the prediction, prediction − label, and the size of that."""

_TINY = 1e-300
_TOO_FEW = "undefined: fewer than two groups can be compared"


def regression_fairness(
    engine: Engine, data: Data, parameters: Parameters, over: Sequence[Sequence[str]]
) -> tuple[list[Measurement], list[str]]:
    """Mean prediction, mean error and mean absolute error per group, and their differences and ratio over groups.

    Returns
    -------
    measurements, warnings
        Overall (empty slice), then per set of columns its groups and what is compared over them.

    Raises
    ------
    InvalidInput
        If a column is not there, or label, prediction or weight hold what is no finite number.

    Notes
    -----
    Means of groups: Student's limits from the delta-method variance, which are Welch's for differences and carry over to the
    log scale for the ratio; Šidák's level over all pairs of groups.
    """
    columns = list(dict.fromkeys(column for group in over for column in group))
    checked = checked_rows(engine, data, parameters)
    counted = _count(checked, parameters, columns)
    measurements: list[Measurement] = []
    for group_columns in [(), *map(tuple, over)]:
        grouping = _Grouping.of(counted, group_columns, kish=parameters.weight is not None)
        for confidence in parameters.confidences:
            measurements += grouping.per_group(confidence)
        if group_columns:
            for minimum in parameters.minimum_groups:
                for confidence in parameters.confidences:
                    measurements += grouping.over_groups(minimum, confidence)
    return measurements, counted.sums.warnings()


@dataclass(frozen=True, slots=True)
class _Counted:
    """Sums by group, and the values that the quantities were centred on before summing."""

    sums: GroupSums
    centres: dict[str, float]


def _count(checked: Rows, parameters: Parameters, columns: Sequence[str]) -> _Counted:
    import ibis

    engine, heaviest = checked.engine, checked.largest_weight
    weight = None if parameters.weight is None else ibis._[parameters.weight].cast("float64")
    prediction, label = (ibis._[name].cast("float64") for name in (parameters.prediction, parameters.label))
    found = {"p": prediction, "e": prediction - label, "a": (prediction - label).abs()}
    ends = {f"{name}_{end}": getattr(value, end)() for name, value in found.items() for end in ("min", "max")}
    whole = {name: float(values[0]) for name, values in engine.grouped((), ends).columns().items()}
    centres = {name: (whole[f"{name}_min"] + whole[f"{name}_max"]) / 2 for name in found}
    exact: dict[str, ExactSum] = {}
    measures: dict[str, Value] = {}

    def add(name: str, value: ibis.Value, largest: float) -> None:
        exact[name] = ExactSum(name, max(largest, _TINY))
        measures.update(exact[name].measures(value))

    for name, value in found.items():
        x = value - exactly(centres[name])
        reach = max(abs(whole[f"{name}_{end}"] - centres[name]) for end in ("min", "max"))
        add(f"w{name}", x if weight is None else weight * x, heaviest * reach)
        add(f"ww{name}{name}", x * x if weight is None else weight * weight * x * x, heaviest**2 * reach**2)
        if weight is not None:
            add(f"ww{name}", weight * weight * x, heaviest**2 * reach)
    if weight is not None:
        add("w", weight, heaviest)
        add("ww", weight * weight, heaviest**2)
    sums = sum_by_group(engine, columns, measures, exact=exact, most_groups=parameters.max_groups)
    if weight is None:
        rows = sums.rows.astype(np.float64)
        sums = replace(
            sums, sums={**sums.sums, "w": rows, "ww": rows, **{f"ww{name}": sums.sums[f"w{name}"] for name in found}}
        )
    return _Counted(sums, centres)


@dataclass(frozen=True, eq=False, kw_only=True)
class _Grouping:
    """The groups of one set of columns, with the means of the three quantities."""

    columns: tuple[str, ...]
    slices: list[dict[str, str]]
    rows: npt.NDArray[np.int64]
    means: dict[str, Means]
    method: str
    held_back: str

    @classmethod
    def of(cls, counted: _Counted, columns: tuple[str, ...], *, kish: bool) -> _Grouping:
        sums = counted.sums
        slices, place = sums.margin(columns)

        def total(name: str) -> npt.NDArray[np.float64]:
            values = sums.rows.astype(np.float64) if name == "n" else sums.sums[name]
            found: npt.NDArray[np.float64] = np.bincount(place, weights=values, minlength=len(slices)).astype(
                np.float64
            )
            return found

        n, w, ww = total("n"), total("w"), total("ww")
        means = {}
        for metric, name in _QUANTITIES.items():
            centred = total(f"w{name}") / w
            about = squares_about(
                centred, squares=total(f"ww{name}{name}"), products=total(f"ww{name}"), weight_squares=ww
            )
            value = (centred + counted.centres[name]) * w
            means[metric] = Means.of_sums(rows=n, weight=w, weight_squares=ww, sum=value, squares=about)
        return cls(
            columns=columns,
            slices=slices,
            rows=n.astype(np.int64),
            means=means,
            method="-kish" if kish else "",
            held_back=sums.held_back,
        )

    def per_group(self, confidence: float) -> Iterator[Measurement]:
        """``count`` and the three means of every group."""
        limits = {metric: means.limits(critical_value(confidence)) for metric, means in self.means.items()}
        for i, where in enumerate(self.slices):
            n = None if self.held_back else int(self.rows[i])
            yield Measurement(
                metric="count", slice=where, value=n, low=n, high=n, n=n or 0, method="exact count",
                confidence=confidence, note=self.held_back,
            )  # fmt: skip
            for metric, (low, high) in limits.items():
                known = not self.held_back
                certain = known and bool(np.isfinite(low[i]))
                least = 0.0 if metric == "mean_absolute_error" else -np.inf
                yield Measurement(
                    metric=metric,
                    slice=where,
                    value=float(self.means[metric].value[i]) if known else None,
                    low=max(float(low[i]), least) if certain else None,
                    high=float(high[i]) if certain else None,
                    n=int(self.rows[i]),
                    method=f"student-t{self.method}",
                    confidence=confidence,
                    note=self.held_back or ("" if certain else "one row only: no interval can be given"),
                )

    def over_groups(self, minimum: float, confidence: float) -> Iterator[Measurement]:
        """The largest differences and the smallest ratio over the groups of at least ``minimum`` of the rows."""
        members = np.flatnonzero(self.rows / self.rows.sum() >= minimum)
        taken = {metric: means.take(members) for metric, means in self.means.items()}
        prediction, error, size = taken.values()
        found = {
            "mean_prediction_difference": largest_gap(prediction.value, prediction.difference_limits, confidence),
            "mean_error_difference": largest_gap(error.value, error.difference_limits, confidence),
            "mean_absolute_error_ratio": smallest_quotient(size.value, size.ratio_limits, confidence),
        }
        for (metric, extreme), means in zip(found.items(), taken.values(), strict=True):
            known = extreme if not self.held_back else None
            bounded = known is not None and bool(np.isfinite([known.low, known.high]).all())
            yield Measurement(
                metric=metric,
                value=known.value if known else None,
                low=known.low if known and bounded else None,
                high=known.high if known and bounded else None,
                n=int(self.rows[members].sum()),
                method=("log-welch-sidak" if metric.endswith("ratio") else "welch-sidak") + self.method,
                confidence=confidence,
                over=self.columns,
                minimum_group=minimum,
                note=self._note(extreme, members, means, minimum, bounded=bounded),
            )

    def _note(
        self, extreme: Extreme | None, members: npt.NDArray[np.intp], means: Means, minimum: float, *, bounded: bool
    ) -> str:
        if self.held_back:
            return self.held_back
        if extreme is None:
            return _TOO_FEW if len(members) < 2 else "undefined: no group has any error"  # noqa: PLR2004
        ends = [
            f"{name} {' × '.join(self.slices[members[i]].values())} ({means.value[i]:.4g}, n {self.rows[members[i]]})"
            for name, i in (("lowest", extreme.smallest), ("highest", extreme.largest))
        ]
        if not bounded:
            ends.append("a group of one row leaves no interval")
        if small := [i for i in range(len(self.rows)) if i not in set(members.tolist())]:
            names = ", ".join(" × ".join(self.slices[i].values()) for i in small[:10])
            ends.append(f"left out below {minimum:.2%} of rows: {names}")
        return "; ".join(ends)
