"""The parameters of ``evaluate robustness``, checked. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from audits.kinds.given import Given
from audits.robustness.expectations import Expectation, parse_expectations
from registry.errors import InvalidInput

ROWS, _MOST_ROWS = 5000, 100_000
NOISE, MISSING, OUT_OF_RANGE, UNITS = (1, 5, 10), (5, 20), (1, 10), (1000,)
_MOST = {"noise": 1000, "missing": 100, "out_of_range": 1_000_000, "units": 1_000_000_000}
_KNOWN = (
    "model", "key", "seed", "rows", "label", "positive", "task", "sensitive", "features", "confidences", "noise", "missing",
    "out_of_range", "units", "declared_expectations",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class RobustnessParameters:
    """What is done to the inputs, and what is looked at.

    Attributes
    ----------
    label, positive, task
        The column of true outcomes, where accuracy is to be compared; the positive class; ``binary``, ``multiclass`` or
        ``regression``.
    sensitive
        Columns of groups, for the slice that suffers most.
    features
        The inputs that are perturbed; empty for all.
    rows, key, seed
        How many rows are drawn, by which key and seed; the seed is also that of the noise.
    noise
        Percents of a feature's interquartile range.
    missing
        Percents of the cells that become missing.
    out_of_range
        How many interquartile ranges beyond the smallest and largest value.
    units
        Factors by which a number is off that was given in another unit.
    expectations
        What the manifest promises of the model.
    model
        How the model is asked, on the command line.
    """

    label: str | None = None
    positive: str | None = None
    task: str = "binary"
    sensitive: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    rows: int = ROWS
    key: tuple[str, ...] = ()
    seed: int = 0
    confidences: tuple[float, ...] = (0.95,)
    noise: tuple[int, ...] = NOISE
    missing: tuple[int, ...] = MISSING
    out_of_range: tuple[int, ...] = OUT_OF_RANGE
    units: tuple[int, ...] = UNITS
    expectations: tuple[Expectation, ...] = ()
    model: Mapping[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain JSON."""
        lists = ("sensitive", "features", "key", "confidences", "noise", "missing", "out_of_range", "units")
        plain = asdict(self) | {name: list(getattr(self, name)) for name in lists}
        del plain["expectations"]
        return plain | {"declared_expectations": [item.as_json() for item in self.expectations]}


def parse_robustness(values: Mapping[str, Any]) -> RobustnessParameters:
    """Check parameters that came as JSON.

    Raises
    ------
    InvalidInput
        Naming the parameter that is unknown, of the wrong type or out of range.
    """
    given = Given(values, "robustness", _KNOWN)
    task = given.text("task") or "binary"
    if task not in ("binary", "multiclass", "regression"):
        raise InvalidInput(f"task must be binary, multiclass or regression, not {task!r}", field="task")
    rows = given.whole("rows", ROWS, least=1)
    if rows > _MOST_ROWS:
        raise InvalidInput(f"rows must be at most {_MOST_ROWS:,}, not {rows:,}", field="rows")
    return RobustnessParameters(
        label=given.text("label"),
        positive=given.text("positive"),
        task=task,
        sensitive=given.texts("sensitive"),
        features=given.texts("features"),
        rows=rows,
        key=given.texts("key"),
        seed=given.whole("seed", 0),
        confidences=given.confidences(),
        noise=_wholes(values, "noise", NOISE),
        missing=_wholes(values, "missing", MISSING),
        out_of_range=_wholes(values, "out_of_range", OUT_OF_RANGE),
        units=_wholes(values, "units", UNITS),
        expectations=parse_expectations(values.get("declared_expectations") or []),
        model=values.get("model"),
    )


def _wholes(values: Mapping[str, Any], name: str, default: tuple[int, ...]) -> tuple[int, ...]:
    stated, most = values.get(name, default), _MOST[name]
    if not isinstance(stated, list | tuple):
        raise InvalidInput(f"{name} must be a list of whole numbers, not {stated!r}", field=name)
    for value in stated:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
            raise InvalidInput(f"{name} must be whole numbers from 0 to {most:,}, not {value!r}", field=name)
    return tuple(sorted(set(stated)))
