"""The parameters of an explanation, checked and with their defaults. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from audits.explain.feature_dictionary import ADVERSE
from audits.kinds.given import Given
from audits.parameters import TASKS
from registry.errors import InvalidInput
from registry.execution import Interface

ROWS, BACKGROUND_ROWS, MOST_PAIRS, MOST_CURVES, REPEATS = 500, 100, 10, 6, 5
_MOST_ROWS, _MOST_BACKGROUND, _MOST_REPEATS, _MOST_CURVES = 20_000, 5_000, 50, 12
FEATURE = "feature"
"""The key of slices that name a feature; no column of groups may be called so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplanationParameters:
    """How a model is to be explained.

    Attributes
    ----------
    model
        How it is asked, as JSON, where the input does not say so itself.
    label, positive, task
        Column of what happened, and which class counts as positive; without a label nothing is lost by shuffling.
    sensitive
        Columns of groups.
    key
        Columns that identify a row: by their digest rows are drawn.
    rows, background_rows
        How many rows are explained, and against how many.
    interactions
        Most pairs of features that are told; 0 for none.
    dependence
        Most features whose curve is drawn; 0 for none.
    stability_repeats
        Other backgrounds against which the explanation is repeated; 0 for none.
    permutation_repeats
        How often each feature is shuffled; 0 for not at all.
    adverse
        The side of the score that is bad for the person (``lower`` or ``higher``); the dictionary's where empty.
    confidences
        Coverages of the intervals.
    seed
        Of whatever is drawn at random.
    """

    model: Mapping[str, Any] = field(default_factory=dict)
    label: str | None = None
    positive: str | None = None
    task: str = "binary"
    sensitive: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    rows: int = ROWS
    background_rows: int = BACKGROUND_ROWS
    interactions: int = MOST_PAIRS
    dependence: int = MOST_CURVES
    stability_repeats: int = REPEATS
    permutation_repeats: int = REPEATS
    adverse: str = ""
    confidences: tuple[float, ...] = (0.95,)
    seed: int = 0

    def as_json(self) -> dict[str, Any]:
        """Plain JSON, with tuples as lists."""
        plain = {name: getattr(self, name) for name in self.__slots__}
        lists = {name: list(value) for name, value in plain.items() if isinstance(value, tuple)}
        return {**plain, **lists, "model": dict(self.model)}


def parse_explanation(given: Mapping[str, Any]) -> ExplanationParameters:
    """Check parameters that came as JSON.

    Raises
    ------
    InvalidInput
        Naming the parameter that is unknown, of the wrong type or out of range.
    """
    values = Given(given, "explanation", ExplanationParameters.__slots__)
    model = given.get("model") or {}
    if not isinstance(model, Mapping):
        raise InvalidInput(f"model must be an object, not {model!r}", field="model")
    if model:
        Interface.from_json(model)
    task, adverse = given.get("task") or TASKS[0], given.get("adverse") or ""
    if task not in TASKS:
        raise InvalidInput(f"task must be one of {', '.join(TASKS)}, not {task!r}", field="task")
    if adverse and adverse not in ADVERSE:
        raise InvalidInput(f"adverse must be lower or higher, not {adverse!r}", field="adverse")
    sensitive = values.texts("sensitive")
    if FEATURE in sensitive:
        raise InvalidInput("a column of groups cannot be called 'feature': call it something else", field="sensitive")
    return ExplanationParameters(
        model=dict(model),
        label=values.text("label"),
        positive=values.text("positive"),
        task=str(task),
        sensitive=sensitive,
        key=values.texts("key"),
        rows=_whole(values, "rows", ROWS, 2, _MOST_ROWS),
        background_rows=_whole(values, "background_rows", BACKGROUND_ROWS, 2, _MOST_BACKGROUND),
        interactions=_whole(values, "interactions", MOST_PAIRS, 0, 100),
        dependence=_whole(values, "dependence", MOST_CURVES, 0, _MOST_CURVES),
        stability_repeats=_whole(values, "stability_repeats", REPEATS, 0, _MOST_REPEATS),
        permutation_repeats=_whole(values, "permutation_repeats", REPEATS, 0, _MOST_REPEATS),
        adverse=str(adverse),
        confidences=values.confidences(),
        seed=values.whole("seed", 0),
    )


def _whole(values: Given, name: str, default: int, least: int, most: int) -> int:
    number = values.whole(name, default, least=least)
    if number > most:
        raise InvalidInput(f"{name} must be at most {most:,}, not {number:,}", field=name)
    return number
