"""What another registry says of one model version, brought into one form and cleaned. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from registry.errors import InvalidInput

LONGEST_MODEL, LONGEST_VERSION = 300, 200
_TEXT, _ITEMS = 4000, 200
# No database can hold the first and the last; the others would break a line in every list.
_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class ExternalFact:
    """One version of one model elsewhere.

    Attributes
    ----------
    model, version
        What they are called there.
    facts
        ``description``, ``owner``, ``stage``, ``source``, ``run``, ``aliases`` (list), ``tags`` (mapping) …, as far
        as they were told; never anything that we found out.
    """

    model: str
    version: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str]:
        """By what it is found again."""
        return self.model, self.version


def external_fact(model: object, version: object, facts: Mapping[str, Any]) -> ExternalFact:
    """A fact with sound names and cleaned texts; empty facts left out.

    Raises
    ------
    InvalidInput
        If a name is no text, empty, too long, or has a control character in it.
    """
    return ExternalFact(
        _name(model, "model", LONGEST_MODEL), _name(version, "version", LONGEST_VERSION), cleaned(facts)
    )


def _name(given: object, what: str, longest: int) -> str:
    if not isinstance(given, str) or not given.strip():
        raise InvalidInput(f"the name of the {what} is empty, or no text", field=what)
    name = given.strip()
    if len(name) > longest:
        raise InvalidInput(f"the name of the {what} has more than {longest} characters", field=what)
    if _CONTROL.search(name):
        raise InvalidInput(f"the name of the {what} has a control character in it", field=what)
    return name


def cleaned(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Texts, lists and mappings of texts, shortened and freed of what no database holds; nothing else is kept."""
    kept: dict[str, Any] = {}
    for key, value in facts.items():
        if isinstance(value, str) and (text := _text(value)):
            kept[key] = text
        elif isinstance(value, (list, tuple)):
            if texts := [_text(item) for item in value[:_ITEMS] if isinstance(item, str) and item.strip()]:
                kept[key] = texts
        elif isinstance(value, Mapping):
            pairs = [(name, text) for name, text in value.items() if isinstance(name, str) and isinstance(text, str)]
            if pairs:
                kept[key] = {_text(name): _text(text) for name, text in sorted(pairs)[:_ITEMS]}
    return kept


def _text(text: str) -> str:
    return _UNSTORABLE.sub("\ufffd", text).strip()[:_TEXT]
