"""What the four outcomes of a decision are worth, as a use case states it. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from registry.errors import InvalidInput

AMOUNTS = "amounts"
"""The key under which a use case keeps them among its details."""

OUTCOMES = ("true_positive", "false_positive", "true_negative", "false_negative")
_LARGEST = 1e12
_CURRENCY = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """Amounts per decision: a benefit above 0, a cost below.

    Attributes
    ----------
    true_positive, false_positive
        What a positive decision brings where the positive outcome comes true, and where it does not.
    true_negative, false_negative
        Likewise for a negative decision.
    currency
        Three capital letters, such as ``EUR``.
    """

    true_positive: float
    false_positive: float
    true_negative: float
    false_negative: float
    currency: str

    def as_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)


def parse_amounts(value: object, field: str = AMOUNTS) -> Amounts:
    """Check amounts that came as JSON.

    Raises
    ------
    InvalidInput
        Naming what is missing, unknown, no finite number, or no currency.
    """
    if not isinstance(value, Mapping):
        raise InvalidInput(f"{field} is a mapping with {', '.join(OUTCOMES)} and currency", field=field)
    known = (*OUTCOMES, "currency")
    for key in sorted(map(str, value)):
        if key not in known:
            raise InvalidInput(f"{field} knows no {key[:40]!r}; it has {', '.join(known)}", field=field)
    for key in known:
        if key not in value:
            raise InvalidInput(
                f"{field}.{key} is missing: name all four outcomes and the currency", field=f"{field}.{key}"
            )
    currency = value["currency"]
    if not isinstance(currency, str) or not _CURRENCY.fullmatch(currency):
        raise InvalidInput(f"{field}.currency is three capital letters, such as EUR", field=f"{field}.currency")
    numbers = {key: _amount(value[key], f"{field}.{key}") for key in OUTCOMES}
    if numbers["true_positive"] == numbers["false_negative"] and numbers["true_negative"] == numbers["false_positive"]:
        message = (
            f"{field}: every decision is worth the same, so no two models could differ; state what tells them apart"
        )
        raise InvalidInput(message, field=field)
    return Amounts(**numbers, currency=currency)


def _amount(value: object, field: str) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(float(value)) or abs(float(value)) > _LARGEST:  # type: ignore[arg-type]
        raise InvalidInput(
            f"{field} is a number of at most {_LARGEST:,.0f} either way, not {value!r}"[:200], field=field
        )
    return float(value)  # type: ignore[arg-type]
