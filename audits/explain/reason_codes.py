"""Reason codes: what pushed a score most towards the adverse side, in plain words. Pure.

The principal reasons of an adverse decision are those features whose contributions move the score most to the side that is
bad for the person, in that order; four at most are told, as is the usage in credit (Regulation B, official interpretation
of § 1002.9(b)(2): more than four are unlikely to help the applicant).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from numbers import Real
from typing import Any

from audits.explain.feature_dictionary import ADVERSE, NO_DICTIONARY, FeatureDictionary
from audits.wording import MINUS
from registry.errors import InvalidInput

MOST = 4
NO_REASON = "No feature pushed the score towards the adverse side."
"""What is said where :func:`reason_codes` finds none."""

NOT_NAMED = "A consideration that is not named here counted against."
SENSITIVE = "(a sensitive attribute)"

_NOTHING = 1e-9
"""Contributions smaller than this share of all of them together are noise of the arithmetic, and no reason."""

_PLACES = 12
"""Significant digits by which contributions are put in order: what differs by less is a tie."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason.

    Attributes
    ----------
    features
        The columns that it sums; empty where the dictionary hides it.
    name
        What people call it.
    text
        The reason as a sentence or a part of one.
    headline
        The same without the value: what may stand where nobody's values may.
    value
        The input as it was, with its unit; empty for groups of columns and where hidden.
    contribution
        What it adds to the score, on the scale that was explained; always towards the adverse side.
    share
        Its part of everything that pushed towards that side, in (0, 1].
    sensitive
        Whether a sensitive column is in it; the text then says so.
    hidden
        Whether the dictionary says that it must not be named.
    """

    features: tuple[str, ...]
    name: str
    text: str
    headline: str
    value: str
    contribution: float
    share: float
    sensitive: bool = False
    hidden: bool = False

    def as_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {**asdict(self), "features": list(self.features)}


def reason_codes(
    values: Mapping[str, float],
    inputs: Mapping[str, Any],
    dictionary: FeatureDictionary = NO_DICTIONARY,
    *,
    adverse: str = "",
    most: int = MOST,
    sensitive: Collection[str] = (),
    typical: Mapping[str, Any] | None = None,
) -> tuple[Reason, ...]:
    """The features that pushed one score most towards the adverse side.

    Parameters
    ----------
    values
        Column to its contribution (Shapley value), in the model's order.
    inputs
        The row: column to its value.
    dictionary
        Names, and groups whose contributions add up before they are compared.
    adverse
        The side of the score that is bad for the person, ``lower`` or ``higher``; the dictionary's where it is empty.
    most
        Reasons at most.
    sensitive
        Columns that may only be told as what they are.
    typical
        Column to a usual value, such as the background's median, by which an input is called low or high; without it no
        reason says that something is low or high.

    Returns
    -------
    tuple of Reason
        The strongest first; those that contribute equally in the order of ``values``. Empty where nothing pushed that way:
        :data:`NO_REASON`.

    Raises
    ------
    InvalidInput
        If ``adverse`` is neither side, ``most`` is below 1, or a contribution is no finite number.
    """
    side = adverse or dictionary.adverse
    if side not in ADVERSE:
        raise InvalidInput(f"adverse must be lower or higher, not {adverse!r}", field="adverse")
    if most < 1:
        raise InvalidInput(f"at least one reason must be asked for, not {most}", field="most")
    wrong = next((column for column, value in values.items() if not math.isfinite(value)), None)
    if wrong is not None:
        raise InvalidInput(f"the contribution of {wrong!r} is no finite number", field="values")
    sign = -1.0 if side == ADVERSE[0] else 1.0
    told = _together(values, dictionary)
    pushes = {key: sign * math.fsum(values[column] for column in columns) for key, columns in told.items()}
    least = _NOTHING * math.fsum(abs(value) for value in values.values())
    towards = {key: push for key, push in pushes.items() if push > least}
    total = math.fsum(towards.values())
    # Python's sort is stable: equal pushes stay in the order of the model's columns.
    ranked = sorted(towards, key=lambda key: -float(f"{towards[key]:.{_PLACES}g}"))[:most]
    return tuple(
        _reason(told[key], key, sign * towards[key], towards[key] / total, inputs, dictionary, sensitive, typical or {})
        for key in ranked
    )


def _together(values: Mapping[str, float], dictionary: FeatureDictionary) -> dict[tuple[str, str], tuple[str, ...]]:
    """The columns of each thing that is told as one: groups, and the columns that are in none."""
    told: dict[tuple[str, str], tuple[str, ...]] = {}
    for column in values:
        group = dictionary.feature(column).group
        key = ("group", group) if group else ("feature", column)
        told[key] = (*told.get(key, ()), column)
    return told


def _reason(
    columns: tuple[str, ...],
    key: tuple[str, str],
    contribution: float,
    share: float,
    inputs: Mapping[str, Any],
    dictionary: FeatureDictionary,
    sensitive: Collection[str],
    typical: Mapping[str, Any],
) -> Reason:
    numbers: dict[str, Any] = {"contribution": contribution, "share": share}
    touched = any(column in sensitive for column in columns)
    # What is sensitive is never hidden: leaving it out is what must not happen.
    if not touched and any(dictionary.feature(column).hide for column in columns):
        return Reason(
            features=(), name="not named", text=NOT_NAMED, headline=NOT_NAMED, value="", hidden=True, **numbers
        )
    kind, name = key
    if kind == "group":
        group = dictionary.groups[name]
        called, value = group.name, ""
        headline = text = group.adverse or f"{called} counted against"
    else:
        feature = dictionary.feature(name)
        given = inputs.get(name)
        called, value = feature.name, value_words(given, feature.unit)
        words = _side_words(feature.adverse_low, feature.adverse_high, given, typical.get(name))
        headline, text = words or f"{called} counted against", words or f"{called} ({value}) counted against"
    if touched:
        headline, text = f"{headline} {SENSITIVE}", f"{text} {SENSITIVE}"
    return Reason(
        features=columns, name=called, text=text, headline=headline, value=value, sensitive=touched, **numbers
    )


def _side_words(low: str, high: str, given: Any, usual: Any) -> str:
    """The dictionary's words for a value below or above the usual; empty where it is neither, or cannot be told."""
    if not _is_number(given) or not _is_number(usual) or given == usual:
        return ""
    return low if given < usual else high


def value_words(value: Any, unit: str = "") -> str:
    """An input for people: ``1,234.5 euros``; ``not given`` where it is missing."""
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return "not given"
    if isinstance(value, bool) or not _is_number(value):
        text = str(value)
    else:
        text = (f"{value:,.0f}" if float(value).is_integer() else f"{value:,.6g}").replace("-", MINUS)
    return f"{text} {unit}" if unit else text


def _is_number(value: Any) -> bool:
    """Whether it is a finite number: Python's or numpy's."""
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(float(value))
