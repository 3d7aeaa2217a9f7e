"""Reading JSON-LD as people write it: one word for each property, however its document abbreviates it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from registry.croissant import CONTEXT, CROISSANT, OURS, RAI, TEXT_OF

_SPACES = (
    (RAI, "rai:"),
    (CROISSANT, "cr:"),
    (OURS, "cs:"),
    ("https://schema.org/", ""),
    ("http://schema.org/", ""),
    ("http://purl.org/dc/terms/", "dct:"),
    ("https://purl.org/dc/terms/", "dct:"),
)
_OF_RAI = frozenset(term.removeprefix("rai:") for term in TEXT_OF.values() if term.startswith("rai:")) | {
    "dataCollection"
}
_DEEP = 8


class Words:
    """The properties of a document by one word each: ``name`` of schema.org, ``cr:``, ``rai:``, ``dct:`` and ``cs:``."""

    def __init__(self, context: object) -> None:
        """Take prefixes and abbreviations from a document's ``@context``; what it does not say is as Croissant has it."""
        self._context: dict[str, Any] = dict(CONTEXT)
        for part in context if isinstance(context, list) else [context]:
            if isinstance(part, Mapping):
                self._context |= part

    def word(self, key: str) -> str:
        """The one word for a property."""
        iri = self._iri(key)
        for space, prefix in _SPACES:
            if iri.startswith(space):
                rest = iri.removeprefix(space)
                # Early documents put the responsible-AI words into Croissant's own namespace.
                return f"rai:{rest}" if prefix == "cr:" and rest in _OF_RAI else prefix + rest
        return iri

    def _iri(self, key: str) -> str:
        text = key
        for _ in range(_DEEP):
            known = self._context.get(text)
            known = known.get("@id") if isinstance(known, Mapping) else known
            if isinstance(known, str) and known != text and not text.startswith("@"):
                text = known
                continue
            prefix, colon, rest = text.partition(":")
            space = self._context.get(prefix)
            if colon and isinstance(space, str) and not rest.startswith("//"):
                return space + rest
            break
        if ":" in text or text.startswith("@"):
            return text
        vocabulary = self._context.get("@vocab")
        return (vocabulary if isinstance(vocabulary, str) else "https://schema.org/") + text

    def node(self, value: object) -> dict[str, Any]:
        """A mapping with its properties by word; empty for anything else."""
        if not isinstance(value, Mapping):
            return {}
        return {key if key.startswith("@") else self.word(key): item for key, item in value.items()}


def texts(value: object) -> list[str]:
    """The texts in a value: plain, in a list, marked with a language, or one for each language (then English, or the first)."""
    if isinstance(value, bool) or value is None:
        return []
    if isinstance(value, str):
        return [value] if value.strip() else []
    if isinstance(value, int | float):
        return [str(value)]
    if isinstance(value, list):
        return [text for item in value for text in texts(item)]
    return list(_of_mapping(value)) if isinstance(value, Mapping) else []


def _of_mapping(value: Mapping[str, Any]) -> Iterator[str]:
    if isinstance(value.get("@value"), str):
        yield value["@value"]
    elif isinstance(value.get("@id"), str):
        yield value["@id"]
    else:
        tongues = {key: item for key, item in value.items() if isinstance(item, str)}
        if tongues:
            yield tongues.get("en", next(iter(tongues.values())))


def text(value: object) -> str:
    """All texts of a value as one, a blank line between them."""
    return "\n\n".join(texts(value))


def items(value: object) -> list[object]:
    """A value as a list: JSON-LD writes a list of one as the one."""
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]
