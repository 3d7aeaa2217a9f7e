"""The form of a what-if: one field per feature, in people's words, and what was typed into it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext as _

from audits.explain.asked_row import NUMBER, TEXT
from audits.explain.feature_dictionary import NO_DICTIONARY, FeatureDictionary
from audits.explain.reason_codes import value_words
from audits.models import WhatIf
from audits.services.explanations import ranges_of
from audits.services.what_ifs import dictionary_of
from registry.errors import InvalidInput
from registry.execution import interface_of
from registry.models import ModelVersion

_WHOLE = re.compile(r"[+-]?[0-9]{1,15}")
_STEPS = 100
_USUAL = {"low": "q05", "high": "q95", "median": "median"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureField:
    """One input of the model.

    Attributes
    ----------
    id, key
        Name of the form's field; the part of it that messages point at.
    kind
        ``number``, ``text``, or empty where it is not known.
    choices
        Values that it was seen with, where they are few.
    low, high, step
        Of the slider; empty where there is none.
    before
        The value in the row that was asked first, where the form changes one.
    """

    id: str
    name: str
    title: str
    unit: str
    hint: str
    kind: str
    text: str
    choices: tuple[str, ...] = ()
    low: str = ""
    high: str = ""
    step: str = ""
    before: str = ""
    is_changed: bool = False
    is_sensitive: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyField:
    """One column of the key by which a row of the test data is named."""

    id: str
    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIfForm:
    """The whole form. ``base`` is the question whose row it changes; ``dictionary_error`` says why columns have no names."""

    fields: tuple[FeatureField, ...]
    keys: tuple[KeyField, ...]
    base: WhatIf | None = None
    error: str = ""
    dictionary_error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What the form means: exactly one of row and key, and the change of a row that was asked before."""

    row: dict[str, Any] | None
    key: dict[str, Any] | None
    change: dict[str, Any]


def words_of(version: ModelVersion) -> tuple[FeatureDictionary, str]:
    """The feature dictionary, and why it cannot be used."""
    try:
        return dictionary_of(version), ""
    except InvalidInput as error:
        return NO_DICTIONARY, error.message


def what_if_form(
    version: ModelVersion,
    *,
    base: WhatIf | None = None,
    typed: Mapping[str, str] | None = None,
    error: InvalidInput | None = None,
) -> WhatIfForm:
    """The form, filled with what was typed, else with the rows of ``base``, else with what is usual."""
    dictionary, problem = words_of(version)
    ranges, schema = ranges_of(version), version.facts["schema"]
    first = asked_row(base) if base else {}
    now = {**first, **(base.change if base else {})}
    fields = []
    for place, name in enumerate(_features(version)):
        found, stated = ranges.get(name, {}), dictionary.feature(name)
        text = _shown(now[name]) if name in now else _shown(_usual(found))
        before = _shown(first[name]) if name in first else ""
        field = FeatureField(
            id=f"f{place}",
            name=name,
            title=stated.name,
            unit=stated.unit,
            hint=_hint(name, stated.name, found),
            kind=found.get("type", ""),
            text=typed.get(f"f{place}", "") if typed is not None else text,
            before=before,
            is_changed=bool(first) and text != before,
            is_sensitive=name in schema.get("sensitive", ()),
            error=_error(error, name),
        )
        fields.append(_limited(field, found))
    keys = tuple(
        KeyField(id=f"k{place}", name=name, text=typed.get(f"k{place}", "") if typed is not None else "")
        for place, name in enumerate(schema.get("key", ()))
    )
    pointed = any(field.error for field in fields)
    said = "" if error is None or pointed else error.message
    return WhatIfForm(fields=tuple(fields), keys=keys, base=base, error=said, dictionary_error=problem)


def typed_of(version: ModelVersion, posted: Mapping[str, str], base: WhatIf | None) -> Typed:
    """What a posted form asks: a row by its key where one is typed, else the values; of ``base``'s row only what is changed.

    Raises
    ------
    InvalidInput
        Naming a feature that is no number, or that the form lacks.
    """
    key = {
        name: posted.get(f"k{place}", "").strip() for place, name in enumerate(version.facts["schema"].get("key", ()))
    }
    if base is None and any(key.values()):
        return Typed(row=None, key=key, change={})
    ranges = ranges_of(version)
    values: dict[str, Any] = {}
    for place, name in enumerate(_features(version)):
        if f"f{place}" not in posted:
            raise InvalidInput(_("The form has no field for %(name)s.") % {"name": name}, field=f"row.{name}")
        values[name] = _value(name, posted[f"f{place}"].strip(), ranges.get(name, {}).get("type", ""))
    if base is None:
        return Typed(row=values, key=None, change={})
    first = asked_row(base)
    # By what is shown: a number that was not touched keeps the digits that a form does not show.
    change = {name: value for name, value in values.items() if posted_text(value) != _shown(first.get(name))}
    return Typed(row=first, key=None, change=change)


def asked_row(what_if: WhatIf) -> dict[str, Any]:
    """The row that was asked about: as given, or as a worker looked it up; empty while it has not."""
    if what_if.row:
        return dict(what_if.row)
    return dict(what_if.result["asked"]["row"]) if what_if.result else {}


def posted_text(value: Any) -> str:
    """How a value that was typed would be shown."""
    return _shown(value)


def _features(version: ModelVersion) -> tuple[str, ...]:
    try:
        return interface_of(version.facts).inputs
    except InvalidInput:
        return ()


def _value(name: str, text: str, kind: str) -> Any:
    if text == "":
        return None
    if kind == TEXT:
        return text
    if _WHOLE.fullmatch(text):
        return int(text)
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if math.isfinite(value):
        return value
    if kind == NUMBER:
        raise InvalidInput(_("%(text)s is not a number.") % {"text": text[:60]}, field=f"row.{name}")
    return text


def _shown(value: Any) -> str:
    """A value as it stands in an input."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value:.0f}" if float(value).is_integer() and abs(value) < 1e15 else f"{value:.8g}"  # noqa: PLR2004 - digits of a double
    return str(value)


def _usual(found: Mapping[str, Any]) -> Any:
    """The median of a number; of anything else the value that occurs most."""
    if found.get("median") is not None:
        return found["median"]
    return next(iter(found.get("values") or ()), None)


def _hint(name: str, title: str, found: Mapping[str, Any]) -> str:
    """The column's own name where people call it otherwise, and what is usual."""
    said = [name] if title != name else []
    if found.get("type") == NUMBER and found.get("values"):
        said.append(_("occurs as %(values)s") % {"values": ", ".join(value_words(value) for value in found["values"])})
    elif found.get("median") is not None:
        where = {key: value_words(found[quantile]) for key, quantile in _USUAL.items()}
        said.append(_("usually %(low)s to %(high)s, median %(median)s") % where)
    return " · ".join(said)


def _limited(field: FeatureField, found: Mapping[str, Any]) -> FeatureField:
    """With the choices of a text, or the limits of a slider, whose steps are a power of ten."""
    if found.get("type") == TEXT:
        seen = [str(value) for value in found.get("values") or ()]
        more = [text for text in (field.text, field.before) if text and text not in seen]
        return replace(field, choices=tuple(dict.fromkeys([*seen, *more])))
    low, high = found.get("low"), found.get("high")
    if low is None or high is None or not high > low:
        return field
    edges = [found[name] for name in ("low", "q05", "median", "q95", "high")]
    whole = all(float(edge).is_integer() for edge in edges)
    power = math.floor(math.log10((high - low) / _STEPS))
    power = max(power, 0) if whole else power
    step = 10.0**power
    places = max(0, -power)
    low_end, high_end = math.floor(low / step) * step, math.ceil(high / step) * step
    return replace(field, low=f"{low_end:.{places}f}", high=f"{high_end:.{places}f}", step=f"{step:.{places}f}")


def _error(error: InvalidInput | None, name: str) -> str:
    return error.message if error is not None and error.field in (f"row.{name}", f"change.{name}") else ""
