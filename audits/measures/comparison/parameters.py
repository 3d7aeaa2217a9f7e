"""The parameters of a comparison: those of predictions, how rows are paired, amounts, and how models are asked. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from audits.kinds.given import Given
from audits.parameters import Parameters, parse_parameters
from registry.amounts import AMOUNTS, Amounts, parse_amounts
from registry.errors import InvalidInput
from registry.execution import Interface

_OWN = ("key", "champion_key", "common_rows", AMOUNTS, "model", "champion_model")


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonParameters:
    """How two models are compared.

    Attributes
    ----------
    predictions
        Columns, confidences, sets of sensitive columns (``over``), seed; see :class:`audits.parameters.Parameters`.
    key, champion_key
        The columns that identify a row, in the challenger's predictions and in the champion's; without them rows are paired
        in their order.
    common_rows
        Whether rows that only one of the two has are left out; otherwise there must be none.
    amounts
        What the four outcomes of a decision are worth.
    model, champion_model
        How the models are asked, as JSON of :class:`registry.execution.Interface`, where the data do not say.
    """

    predictions: Parameters
    key: tuple[str, ...] = ()
    champion_key: tuple[str, ...] = ()
    common_rows: bool = False
    amounts: Amounts | None = None
    model: Mapping[str, Any] = field(default_factory=dict)
    champion_model: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sets(self) -> tuple[tuple[str, ...], ...]:
        """The sets of columns by whose groups is looked: those asked for, or else every sensitive column by itself."""
        asked = self.predictions
        sizes = range(1, len(asked.sensitive) + 1) if asked.intersections else [1]
        return asked.over or tuple(group for size in sizes for group in combinations(asked.sensitive, size))

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns of groups, each once."""
        return tuple(dict.fromkeys(column for group in self.sets for column in group))

    def as_json(self) -> dict[str, Any]:
        """Plain JSON, all defaults spelled out."""
        return {
            **self.predictions.as_json(),
            "key": list(self.key),
            "champion_key": list(self.champion_key),
            "common_rows": self.common_rows,
            AMOUNTS: self.amounts.as_json() if self.amounts else None,
            "model": dict(self.model),
            "champion_model": dict(self.champion_model),
        }


def parse_comparison(given: Mapping[str, Any]) -> ComparisonParameters:
    """Check the parameters of a comparison.

    Raises
    ------
    InvalidInput
        Naming the parameter that is unknown, missing, of the wrong type or out of range.
    """
    own = Given({name: given[name] for name in _OWN if name in given}, "comparison", _OWN)
    predictions = parse_parameters({k: v for k, v in given.items() if k not in _OWN}, "comparison")
    key = own.texts("key")
    champion_key = own.texts("champion_key") or key
    if len(champion_key) != len(key):
        message = f"champion_key names {len(champion_key)} columns where key names {len(key)}: each pairs with the one in its place"
        raise InvalidInput(message, field="champion_key")
    if own.flag("common_rows") and not key:
        raise InvalidInput("common_rows needs a key, by which rows are recognised", field="common_rows")
    stated = given.get(AMOUNTS)
    return ComparisonParameters(
        predictions=predictions,
        key=key,
        champion_key=champion_key,
        common_rows=own.flag("common_rows"),
        amounts=parse_amounts(stated) if stated is not None else None,
        model=_interface(given, "model"),
        champion_model=_interface(given, "champion_model"),
    )


def _interface(given: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = given.get(name)
    if value is None or value == {}:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidInput(f"{name} must be a mapping that says how the model is asked, not {value!r}", field=name)
    return Interface.from_json(value).as_json()
