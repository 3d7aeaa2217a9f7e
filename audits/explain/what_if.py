"""What a model says of one row and of the row changed: score, decision, contributions, reasons, nearest counterfactuals. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from audits.explain.asked_row import NUMBER, TEXT, typed
from audits.explain.feature_dictionary import NO_DICTIONARY, FeatureDictionary
from audits.scoring.model import Model
from registry.errors import InvalidInput

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

Progress: TypeAlias = "Callable[[float, str], None]"
Columns: TypeAlias = "dict[str, np.ndarray[Any, Any]]"

AT_LEAST, BELOW = "at least", "below"
"""Decisions of a model that predicts a number, with its threshold after them."""

_EXPLAINED, _SEARCHING = 0.15, 0.55
_MOST_EVALUATIONS = 500_000
"""Somebody waits: beyond this, orders of features are sampled, and the answer says with which error."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked of a model.

    Attributes
    ----------
    row, change
        Feature to value; what is different in the changed row.
    background
        Rows that absent features are drawn from: with the columns that the model reads.
    seen
        Rows whose values a counterfactual may take.
    sensitive
        Columns of people's characteristics: no counterfactual changes them, and a reason from one says so.
    counterfactual
        Whether the nearest changes of the decision are wanted.
    seed
        Of sampling, where contributions are sampled.
    """

    row: Mapping[str, Any]
    background: pa.Table
    seen: pa.Table
    change: Mapping[str, Any] = field(default_factory=dict)
    dictionary: FeatureDictionary = NO_DICTIONARY
    sensitive: Collection[str] = ()
    counterfactual: bool = True
    seed: int = 0


def answer(model: Model, question: Question, progress: Progress) -> dict[str, Any]:
    """Ask ``model``, and give all that is known of the answer as plain JSON.

    Raises
    ------
    InvalidInput
        If the background has no rows or lacks a feature, or a value is not of the feature's type.
    ModelFailed
        If the model fails.
    """
    from audits.explain.explanation import explain

    if not question.background.num_rows:
        raise InvalidInput("the background has no rows to compare with", field="background")
    asking = Asking(model, question.background)
    rows = [{**question.row}, *([{**question.row, **question.change}] if question.change else [])]
    taken = [asking.taken(row) for row in rows]
    progress(_EXPLAINED, "explaining")
    explained = explain(
        model,
        asking.of_rows(taken),
        asking.background,
        seed=question.seed,
        most_evaluations=_MOST_EVALUATIONS,
        progress=lambda share, note: progress(_EXPLAINED + share * (_SEARCHING - _EXPLAINED), note),
    )
    scores, decisions = asking.ask(asking.of_rows(taken))
    sides = [
        _side(model, question, asking, row, float(scores[place]), decisions[place], explained, place)
        for place, row in enumerate(rows)
    ]
    progress(_SEARCHING, "looking for the nearest change that changes the decision")
    return {
        "model": {"format": model.signature.format, "sandboxed": model.signature.sandboxed},
        "task": model.interface.task,
        "threshold": model.interface.threshold,
        "background_rows": question.background.num_rows,
        "method": explained.method,
        "scale": explained.scale,
        "base": float(explained.base),
        "additivity_error": float(explained.additivity_error),
        "asked": sides[0],
        "changed": sides[1] if question.change else None,
        "difference": _difference(*sides) if question.change else None,
        "counterfactuals": _counterfactuals(asking, question, taken[0], decisions[0], progress)
        if question.counterfactual
        else None,
    }


class Asking:
    """A model asked by columns: what is a number to it, and what it decides."""

    def __init__(self, model: Model, background: pa.Table) -> None:
        missing = [name for name in model.interface.inputs if name not in background.column_names]
        if missing:
            raise InvalidInput(
                f"the model reads {missing[0]!r}, and the background has no such column", field=missing[0]
            )
        self._model = model
        self.inputs = model.interface.inputs
        self.background = self.of_table(background)
        self.numbers = {name for name, column in self.background.items() if column.dtype.kind == "f"}

    def of_table(self, table: pa.Table) -> Columns:
        """The columns that the model reads."""
        from audits.explain.asking import arrays_of

        return arrays_of(table, self.inputs)

    def taken(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """A row as the model takes it."""
        return {name: typed(name, row[name], NUMBER if name in self.numbers else TEXT) for name in self.inputs}

    def of_rows(self, rows: Sequence[Mapping[str, Any]]) -> Columns:
        """Rows as columns."""
        import numpy as np

        found: dict[str, Any] = {}
        for name in self.inputs:
            found[name] = np.empty(len(rows), dtype=np.float64 if name in self.numbers else object)
            found[name][:] = [row[name] for row in rows]
        return found

    def ask(self, columns: Columns) -> tuple[np.ndarray[Any, Any], list[str | None]]:
        """Scores, and decisions in the model's words; ``None`` where it predicts a number and there is no threshold."""
        from audits.explain.asking import answers_of

        scores, told = answers_of(self._model, columns)
        if self._model.interface.task != "regression":
            return scores, [None if value is None else str(value) for value in told]
        threshold = self._model.interface.threshold
        if threshold is None:
            return scores, [None] * len(scores)
        return scores, [f"{AT_LEAST if score >= threshold else BELOW} {threshold:g}" for score in scores]

    def is_positive(self, decision: str | None) -> bool | None:
        """Whether it is the decision of a high score; ``None`` where decisions have no sides."""
        interface = self._model.interface
        if decision is None or interface.task == "multiclass":
            return None
        if interface.task == "regression":
            return decision.startswith(AT_LEAST)
        classes = self._model.signature.classes or interface.classes
        positive = interface.positive or (classes[-1] if classes else "")
        return decision == positive if positive else None


def plain(value: Any) -> Any:
    """A value read from data as JSON has it."""
    if value is None or isinstance(value, bool | int | str):
        return value
    try:
        number = float(value)
    except (TypeError, ValueError):
        return str(value)
    return number if math.isfinite(number) else None


def _side(
    model: Model,
    question: Question,
    asking: Asking,
    row: Mapping[str, Any],
    score: float,
    decision: str | None,
    explained: Any,
    place: int,
) -> dict[str, Any]:
    """All about one of the two rows."""
    from audits.explain.ranges import typical_of
    from audits.explain.reason_codes import reason_codes

    contributions = dict(zip(explained.features, map(float, explained.values[place]), strict=True))
    errors = explained.standard_error
    positive = asking.is_positive(decision)
    reasons = reason_codes(
        contributions,
        row,
        question.dictionary,
        sensitive=question.sensitive,
        typical=typical_of(asking.of_table(question.seen)),
    )
    return {
        "row": {name: plain(row[name]) for name in model.interface.inputs},
        "score": score,
        "decision": decision,
        "adverse": None if positive is None else positive == (question.dictionary.adverse == "higher"),
        "contributions": contributions,
        "standard_errors": None
        if errors is None
        else dict(zip(explained.features, map(float, errors[place]), strict=True)),
        "reasons": [reason.as_json() for reason in reasons],
    }


def _difference(asked: Mapping[str, Any], changed: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "score": changed["score"] - asked["score"],
        "decision": changed["decision"] != asked["decision"],
        "contributions": {
            name: changed["contributions"][name] - value for name, value in asked["contributions"].items()
        },
    }


def _counterfactuals(
    asking: Asking, question: Question, row: dict[str, Any], decision: str | None, progress: Progress
) -> dict[str, Any]:
    """The nearest changes of the asked row, and how far was looked."""
    from audits.explain.counterfactual import changeable, nearest

    if decision is None:
        return {"found": [], "tried": 0, "features": 0, "most_features": 0, "no_decision": True}
    stated = {name: question.dictionary.feature(name) for name in asking.inputs}
    fixed = {name for name in asking.inputs if stated[name].immutable or name in question.sensitive}
    found = nearest(
        asking.ask,
        row,
        changeable(
            asking.of_table(question.seen),
            numbers=asking.numbers,
            fixed=fixed,
            only={name: feature.only for name, feature in stated.items() if feature.only},
        ),
        progress=lambda share, note: progress(_SEARCHING + share * (1 - _SEARCHING), note),
    )
    return {
        "found": [
            {
                "changes": [
                    {"feature": name, "before": plain(row[name]), "after": plain(value)}
                    for name, value in item.changes.items()
                ],
                "distance": item.distance,
                "score": item.score,
                "decision": item.decision,
            }
            for item in found.found
        ],
        "tried": found.tried,
        "features": found.features,
        "most_features": found.most_features,
        "no_decision": False,
    }
