"""How often each group is given each class, and how often rightly: counts from the engine, compared over groups. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from audits.exact_sums import ExactSum
from audits.intervals import Bounds, Floats, critical_value, koopman_ratio, newcombe_difference, wilson
from audits.kinds.given import refuse_shared
from audits.measurement import Measurement
from audits.measures.checked_numbers import check_numbers, weight_column
from audits.measures.group_sums import GroupSums, sum_by_group
from audits.measures.multiclass.confusion import class_name
from audits.measures.pairs import Extreme, Pairs, largest_gap, smallest_quotient
from audits.prediction_errors import PredictionsError
from registry.errors import InvalidInput

if TYPE_CHECKING:
    from audits.engines.opening import Data
    from audits.engines.port import Engine, Value
    from audits.parameters import Parameters

CLASS = "class"
_MOST_CLASSES = 100
_TOO_FEW = "undefined: fewer than two groups can be compared"


def multiclass_fairness(
    engine: Engine, data: Data, parameters: Parameters, over: Sequence[Sequence[str]]
) -> tuple[list[Measurement], list[str]]:
    """Selection rates by group and class, accuracy by group, and their worst differences and ratio over groups.

    Returns
    -------
    measurements, warnings
        ``selection_rate`` has the slice ``{column: group, "class": class}``; the aggregates range over all classes, so their
        value is that of the class that is worst, and their limits hold for all classes at once (Šidák).

    Raises
    ------
    InvalidInput
        If a column is not there, is called ``class``, or holds more than 100 classes.
    PredictionsError
        If labels or predictions are missing.
    """
    columns = list(dict.fromkeys(column for group in over for column in group))
    if CLASS in columns:
        raise InvalidInput(f"a sensitive column cannot be called {CLASS!r} here: rename it", field="sensitive")
    counted = _count(engine, data, parameters, columns)
    measurements: list[Measurement] = []
    for group_columns in [(), *map(tuple, over)]:
        grouping = _Grouping.of(counted, group_columns)
        for confidence in parameters.confidences:
            measurements += grouping.per_group(confidence)
        if group_columns:
            for minimum in parameters.minimum_groups:
                for confidence in parameters.confidences:
                    measurements += grouping.over_groups(minimum, confidence)
    return measurements, counted.sums.warnings()


@dataclass(frozen=True, eq=False, kw_only=True)
class _Counted:
    """Cells of group, label and prediction, with the classes of both."""

    sums: GroupSums
    classes: tuple[str, ...]
    label: npt.NDArray[np.intp]
    prediction: npt.NDArray[np.intp]
    weighted: bool


def _count(engine: Engine, data: Data, parameters: Parameters, columns: Sequence[str]) -> _Counted:
    import ibis

    label, prediction, weight = parameters.label, parameters.prediction, parameters.weight
    refuse_shared(
        [("label", label), ("prediction", prediction), ("weight", weight), *(("sensitive", c) for c in columns)]
    )
    engine.require(label, prediction, *([weight] if weight else []), field="label")
    measures: dict[str, Value] = {}
    exact: dict[str, ExactSum] = {}
    if weight:
        _, ranges = check_numbers(engine, data, {"weight": weight_column(weight)})
        w, most = ibis._[weight].cast("float64"), ranges["weight"].high
        exact = {"w": ExactSum("w", most), "ww": ExactSum("ww", most**2)}
        measures = {**exact["w"].measures(w), **exact["ww"].measures(w * w)}
    sums = sum_by_group(
        engine,
        columns,
        measures,
        further={"label": label, "prediction": prediction},
        exact=exact,
        written=(label, prediction),
        most_groups=parameters.max_groups,
    )
    texts = {part: _texts(sums, part, column) for part, column in (("label", label), ("prediction", prediction))}
    classes = sorted({*texts["label"], *texts["prediction"]})
    if len(classes) > _MOST_CLASSES:
        raise InvalidInput(
            f"labels and predictions hold {len(classes)} classes; at most {_MOST_CLASSES} can be compared",
            field="label",
        )
    place = {name: i for i, name in enumerate(classes)}
    codes = [np.array([place[text] for text in texts[part]], dtype=np.intp) for part in texts]
    return _Counted(
        sums=sums,
        classes=tuple(classes),
        label=codes[0],
        prediction=codes[1],
        weighted=weight is not None,
    )


def _texts(sums: GroupSums, part: str, column: str) -> list[str]:
    names = [class_name(value) for value in sums.further[part]]
    blank = np.array([not name for name in names], dtype=np.bool_)
    if blank.any():
        rows = int(sums.rows[blank].sum())
        raise PredictionsError(f"column {column!r}: {rows:,} rows are empty; every row needs a class", column=column)
    return names


@dataclass(frozen=True, eq=False, kw_only=True)
class _Grouping:
    """The groups of one set of columns: (G, C) given each class, (G,) right, (G,) in all, as effective rows."""

    columns: tuple[str, ...]
    slices: list[dict[str, str]]
    classes: tuple[str, ...]
    rows: npt.NDArray[np.int64]
    given: Floats
    right: Floats
    size: Floats
    method: str
    held_back: str

    @classmethod
    def of(cls, counted: _Counted, columns: tuple[str, ...]) -> _Grouping:
        sums = counted.sums
        slices, place = sums.margin(columns)
        k, c = len(slices), len(counted.classes)
        rows = np.bincount(place, weights=sums.rows, minlength=k)
        mass = sums.sums["w"] if counted.weighted else sums.rows.astype(np.float64)
        squares = sums.sums["ww"] if counted.weighted else mass
        whole = np.bincount(place, weights=mass, minlength=k)
        scale = whole / np.bincount(place, weights=squares, minlength=k)
        given = np.bincount(place * c + counted.prediction, weights=mass, minlength=k * c).reshape(k, c)
        right = np.bincount(place, weights=mass * (counted.label == counted.prediction), minlength=k)
        return cls(
            columns=columns,
            slices=slices,
            classes=counted.classes,
            rows=rows.astype(np.int64),
            given=given * scale[:, None],
            right=right * scale,
            size=whole * scale,
            method="-kish" if counted.weighted else "",
            held_back=sums.held_back,
        )

    def per_group(self, confidence: float) -> Iterator[Measurement]:
        """``count``, ``accuracy_score`` and the ``selection_rate`` of each class, of every group."""
        z = critical_value(confidence)
        for i, where in enumerate(self.slices):
            n = None if self.held_back else int(self.rows[i])
            yield Measurement(
                metric="count", slice=where, value=n, low=n, high=n, n=n or 0, method="exact count",
                confidence=confidence, note=self.held_back,
            )  # fmt: skip
            yield self._rate("accuracy_score", where, self.right[i], i, z, confidence)
            for j, name in enumerate(self.classes):
                yield self._rate("selection_rate", {**where, CLASS: name}, self.given[i, j], i, z, confidence)

    def _rate(
        self, metric: str, where: dict[str, str], part: float, i: int, z: float, confidence: float
    ) -> Measurement:
        low, high = (float(np.asarray(limit)) for limit in wilson(part, self.size[i], z))
        known = not self.held_back
        return Measurement(
            metric=metric,
            slice=where,
            value=float(part / self.size[i]) if known else None,
            low=low if known else None,
            high=high if known else None,
            n=int(self.rows[i]),
            method=f"wilson{self.method}",
            confidence=confidence,
            note=self.held_back,
        )

    def over_groups(self, minimum: float, confidence: float) -> Iterator[Measurement]:
        """The worst class's parity difference and ratio, and the difference in accuracy."""
        members = np.flatnonzero(self.rows / self.rows.sum() >= minimum)
        size, families = self.size[members], len(self.classes)
        gaps: list[tuple[int, Extreme]] = []
        ratios: list[tuple[int, Extreme]] = []
        for j in range(families):
            part = self.given[members, j]
            gap = largest_gap(part / size, _differences(part, size), confidence, families=families)
            ratio = smallest_quotient(part / size, _ratios(part, size), confidence, families=families)
            gaps += [(j, gap)] if gap else []
            ratios += [(j, ratio)] if ratio else []
        right = self.right[members]
        accuracy = largest_gap(right / size, _differences(right, size), confidence)
        alone = [(-1, accuracy)] if accuracy else []
        worst_gap = max(gaps, key=lambda found: found[1].value, default=None)
        worst_ratio = min(ratios, key=lambda found: found[1].value, default=None)
        for metric, worst, low, high, method in (
            ("demographic_parity_difference", worst_gap, *_ends(gaps, max), "newcombe-sidak"),
            ("demographic_parity_ratio", worst_ratio, *_ends(ratios, min), "koopman-sidak"),
            ("accuracy_score_difference", alone[0] if alone else None, *_ends(alone, max), "newcombe-sidak"),
        ):
            known = worst if not self.held_back else None
            yield Measurement(
                metric=metric,
                value=known[1].value if known else None,
                low=low if known else None,
                high=min(high, 1.0) if known and high is not None else None,
                n=int(self.rows[members].sum()),
                method=method + self.method,
                confidence=confidence,
                over=self.columns,
                minimum_group=minimum,
                note=self._note(worst, members, minimum),
            )

    def _note(self, worst: tuple[int, Extreme] | None, members: npt.NDArray[np.intp], minimum: float) -> str:
        if self.held_back:
            return self.held_back
        if worst is None:
            return _TOO_FEW
        at, extreme = worst
        names = [" × ".join(self.slices[members[i]].values()) for i in (extreme.smallest, extreme.largest)]
        told = [f"class {self.classes[at]}" if at >= 0 else "accuracy", f"lowest {names[0]}, highest {names[1]}"]
        if small := [i for i in range(len(self.rows)) if i not in set(members.tolist())]:
            left_out = ", ".join(" × ".join(self.slices[i].values()) for i in small[:10])
            told.append(f"left out below {minimum:.2%} of rows: {left_out}")
        return "; ".join(told)


def _ends(found: list[tuple[int, Extreme]], worst: Any) -> tuple[float | None, float | None]:
    """Limits of the worst of several extremes whose limits hold together."""
    if not found:
        return None, None
    return worst(extreme.low for _, extreme in found), worst(extreme.high for _, extreme in found)


def _differences(part: Floats, size: Floats) -> Any:
    def limits(one: Pairs, two: Pairs, z: float) -> Bounds:
        return newcombe_difference(part[one], size[one], part[two], size[two], z)

    return limits


def _ratios(part: Floats, size: Floats) -> Any:
    def limits(one: Pairs, two: Pairs, z: float) -> Bounds:
        return koopman_ratio(part[one], size[one], part[two], size[two], z)

    return limits
