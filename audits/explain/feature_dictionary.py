"""The feature dictionary: what each input of a model is called by people, and how it is told as a reason. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from audits.data_roles import FEATURE_DICTIONARY
from audits.wording import printable
from registry.errors import InvalidInput
from registry.safe_yaml import load_yaml

__all__ = [
    "ADVERSE",
    "FEATURE_DICTIONARY",
    "NO_DICTIONARY",
    "Feature",
    "FeatureDictionary",
    "Group",
    "parse_dictionary",
    "read_dictionary",
]

ADVERSE = ("lower", "higher")
"""The side of the score that is bad for the person whom the decision is about."""

_LONGEST = 200
_MOST_FEATURES = 5000
_TEXTS = ("name", "unit", "adverse_low", "adverse_high", "group")
_TRUTHS = ("hide", "immutable")
_ONLY = ("increase", "decrease")


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One input in words.

    Attributes
    ----------
    name, unit
        What people call it, and what its numbers count.
    adverse_low, adverse_high
        The reason in words where a value below, or above, what is usual counted against somebody; empty for none.
    group
        The group of :attr:`FeatureDictionary.groups` with which it is told as one reason; empty for none.
    hide
        Whether a reason from it is told without naming it.
    immutable, only
        For counterfactuals: never changed, or changed one way (``increase`` or ``decrease``) only.
    """

    name: str
    unit: str = ""
    adverse_low: str = ""
    adverse_high: str = ""
    group: str = ""
    hide: bool = False
    immutable: bool = False
    only: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Columns that are told as one, such as those of one category: its name, and the reason in words."""

    name: str
    adverse: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureDictionary:
    """What features are called.

    Attributes
    ----------
    features
        Column to its words; a column that is not there is called by its own name.
    groups
        Key of a group to its words.
    adverse
        The side of the score that is bad for the person: ``lower`` or ``higher``.
    """

    features: Mapping[str, Feature] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    adverse: str = ADVERSE[0]

    def feature(self, column: str) -> Feature:
        """The words of a column; its own name where the dictionary does not hold it."""
        return self.features.get(column) or Feature(name=column)

    def unknown(self, columns: Iterable[str]) -> list[str]:
        """Features of the dictionary that are not among ``columns``: most likely misspelt."""
        return sorted(set(self.features) - set(columns))


NO_DICTIONARY = FeatureDictionary()
"""Columns are called by their own names."""


def read_dictionary(data: bytes, *, what: str = "feature dictionary") -> FeatureDictionary:
    """Read a dictionary from YAML or JSON.

    Parameters
    ----------
    what
        How messages call the file.

    Raises
    ------
    InvalidInput
        If it is not such a document; the message names the place.
    """
    return parse_dictionary(load_yaml(data, what=what), what=what)


def parse_dictionary(document: Any, *, what: str = "feature dictionary") -> FeatureDictionary:
    """The dictionary that a parsed document means: ``{features: {...}, groups: {...}, adverse: lower}``.

    Raises
    ------
    InvalidInput
        Naming the key that is unknown, missing, or of the wrong type.
    """
    fields = _mapping(document, what, "", known=("features", "groups", "adverse"))
    adverse = fields.get("adverse", ADVERSE[0])
    if adverse not in ADVERSE:
        raise _wrong(what, "adverse", f"must be lower or higher, not {adverse!r}")
    groups = {
        key: _group(what, key, value) for key, value in _mapping(fields.get("groups", {}), what, "groups").items()
    }
    stated = _mapping(fields.get("features", {}), what, "features")
    if len(stated) > _MOST_FEATURES:
        raise _wrong(what, "features", f"holds {len(stated):,} features; at most {_MOST_FEATURES:,} are accepted")
    features = {column: _feature(what, column, value) for column, value in stated.items()}
    for column, feature in features.items():
        if feature.group and feature.group not in groups:
            raise _wrong(what, f"features.{column}.group", f"{feature.group!r} is not among groups: add it there")
    return FeatureDictionary(features=features, groups=groups, adverse=adverse)


def _feature(what: str, column: str, value: Any) -> Feature:
    path = f"features.{column}"
    fields = _mapping(value, what, path, known=(*_TEXTS, *_TRUTHS, "only"))
    for name in _TRUTHS:
        if not isinstance(fields.get(name, False), bool):
            raise _wrong(what, f"{path}.{name}", f"must be true or false, not {fields[name]!r}")
    only = fields.get("only", "")
    if only and only not in _ONLY:
        raise _wrong(what, f"{path}.only", f"must be increase or decrease, not {only!r}")
    texts = {name: _text(what, f"{path}.{name}", fields[name]) for name in _TEXTS if name in fields}
    truths = {name: fields[name] for name in _TRUTHS if name in fields}
    return Feature(**{"name": column, **texts, **truths, "only": only})


def _group(what: str, key: str, value: Any) -> Group:
    path = f"groups.{key}"
    fields = _mapping(value, what, path, known=("name", "adverse"))
    texts = {name: _text(what, f"{path}.{name}", text) for name, text in fields.items()}
    return Group(**{"name": key, **texts})


def _mapping(value: Any, what: str, path: str, *, known: tuple[str, ...] | None = None) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _wrong(what, path, f"must be a mapping, not {value!r:.80}")
    unknown = sorted(set(value) - set(known)) if known is not None else []
    if unknown:
        key = f"{path}.{unknown[0]}" if path else unknown[0]
        raise _wrong(what, key, f"is not known here; there are {', '.join(known or ())}")
    return value


def _text(what: str, path: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _wrong(what, path, f"must be a text, not {value!r:.80}")
    if len(value) > _LONGEST:
        raise _wrong(what, path, f"is {len(value)} characters long; at most {_LONGEST} are accepted")
    return " ".join(printable(value).split())


def _wrong(what: str, path: str, sentence: str) -> InvalidInput:
    place = f"{what}: {path}" if path else what
    return InvalidInput(f"{place} {sentence}", field=f"dictionary.{path}" if path else "dictionary")
