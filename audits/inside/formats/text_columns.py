"""Which columns of a fitted scikit-learn estimator are numbers and which are texts, as far as it shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

NUMBER, TEXT, UNKNOWN = "number", "text", "unknown"
_BY_NAME = {
    **dict.fromkeys(("CountVectorizer", "TfidfVectorizer", "HashingVectorizer"), TEXT),
    "FunctionTransformer": UNKNOWN,
}


def kinds_of(estimator: Any, names: Sequence[str]) -> dict[str, str]:
    """Column to ``number``, ``text`` or ``unknown``, by the first transformer that takes it."""
    steps = getattr(estimator, "steps", None)
    if steps:
        first = [step for _name, step in steps if step not in (None, "passthrough")]
        return kinds_of(first[0], names) if first else dict.fromkeys(names, UNKNOWN)
    if hasattr(estimator, "transformers_"):
        return _of_parts(estimator, names)
    if (known := _BY_NAME.get(type(estimator).__name__)) is not None:
        return dict.fromkeys(names, known)
    categories = getattr(estimator, "categories_", None)
    if categories is not None and len(categories) == len(names):
        return {name: _stored(values) for name, values in zip(names, categories, strict=True)}
    statistics = getattr(estimator, "statistics_", None)
    if statistics is not None and len(statistics) == len(names):
        return {name: _stored(statistics[place : place + 1]) for place, name in enumerate(names)}
    # What is none of these does arithmetic on its inputs, unless it was fitted on objects by itself.
    return dict.fromkeys(names, NUMBER)


def _of_parts(estimator: Any, names: Sequence[str]) -> dict[str, str]:
    """Of a column transformer: each part tells of the columns that it takes."""
    found: dict[str, str] = {}
    for _name, part, columns in estimator.transformers_:
        taken = [columns] if isinstance(columns, str | int) else _chosen(columns, names)
        called = [names[place] if isinstance(place, int) else str(place) for place in taken]
        unseen = part in ("drop", "passthrough", None)
        kinds = dict.fromkeys(called, UNKNOWN) if unseen else kinds_of(part, called)
        for name, kind in kinds.items():
            if found.get(name, UNKNOWN) == UNKNOWN:
                found[name] = kind
    return {name: found.get(name, UNKNOWN) for name in names}


def _chosen(columns: Any, names: Sequence[str]) -> list[Any]:
    if isinstance(columns, slice):
        return list(range(len(names)))[columns] if not isinstance(columns.start, str) else list(names)
    plain = columns.tolist() if hasattr(columns, "tolist") else list(columns)
    if plain and all(isinstance(item, bool) for item in plain):
        return [place for place, taken in enumerate(plain) if taken]
    return plain


def _stored(values: Any) -> str:
    kind = getattr(values, "dtype", None)
    if kind is None or kind.kind in "OUST":
        return TEXT if any(isinstance(value, str) for value in values) else UNKNOWN
    return NUMBER
