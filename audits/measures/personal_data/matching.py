"""Patterns over many texts at once, in time linear in their length: every match, with the value it stands in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from audits.measures.personal_data.texts import Bools, Ints, Texts, flat

_MARK = "\x1e"
BEFORE = r"^|[^0-9A-Za-z_]"
"""What may stand before a match: the beginning, or what is neither letter nor digit."""


@dataclass(frozen=True, slots=True)
class Found:
    """Matches of a pattern.

    Attributes
    ----------
    parents
        int64, the value that each match stands in.
    tokens
        Arrow texts, what matched.
    whole
        bool, whether the match is the whole value.
    """

    parents: Ints
    tokens: pa.Array
    whole: Bools

    def __len__(self) -> int:
        return len(self.tokens)

    def where(self, kept: Bools) -> Found:
        """Some of the matches."""
        return Found(self.parents[kept], self.tokens.filter(pa.array(kept)), self.whole[kept])

    @classmethod
    def nothing(cls) -> Found:
        """No match."""
        return cls(np.zeros(0, np.int64), pa.array([], pa.string()), np.zeros(0, np.bool_))


def either(*patterns: str) -> str:
    """The pattern that matches what one of them matches, the first first."""
    return "|".join(patterns)


def joined(*parts: Found) -> Found:
    """The matches of several searches."""
    kept = [part for part in parts if len(part)]
    if not kept:
        return Found.nothing()
    return Found(
        np.concatenate([part.parents for part in kept]),
        pa.concat_arrays([part.tokens for part in kept]),
        np.concatenate([part.whole for part in kept]),
    )


def whole_values(texts: Texts, chosen: Bools) -> Found:
    """The chosen values themselves, as matches."""
    return Found(np.flatnonzero(chosen), texts.strings.filter(pa.array(chosen)), np.ones(int(chosen.sum()), np.bool_))


def find(texts: Texts, pattern: str, among: Bools, *, before: str = BEFORE, after: str = r"\b") -> Found:
    r"""Every match of an RE2 pattern among some values.

    Parameters
    ----------
    pattern
        RE2 syntax without capturing groups. RE2 matches in linear time whatever the text.
    among
        bool, the values to look at: those that the cheap exclusion leaves.
    before, after
        Patterns of what must stand around a match and is no part of it. ``after`` must consume nothing.
    """
    chosen = np.flatnonzero(among)
    if not len(chosen):
        return Found.nothing()
    expression = f"({before})({pattern}){after}"
    strings = texts.strings.take(pa.array(chosen))
    hit = np.asarray(pc.match_substring_regex(strings, expression), dtype=np.bool_)
    if not hit.any():
        return Found.nothing()
    chosen, strings = chosen[hit], strings.filter(pa.array(hit))
    entire = matches(strings, f"^(?:{pattern})$")
    alone = Found(chosen[entire], strings.filter(pa.array(entire)), np.ones(int(entire.sum()), np.bool_))
    if entire.all():
        return alone
    return joined(alone, _taken_out(texts, chosen[~entire], strings.filter(pa.array(~entire)), expression))


def _taken_out(texts: Texts, chosen: Ints, strings: pa.Array, expression: str) -> Found:
    """The matches inside values that hold some: marked, then cut at the marks."""
    marked = pc.replace_substring_regex(strings, expression, rf"\1{_MARK}\2{_MARK}")
    split = pc.split_pattern(marked, _MARK)
    parts = split.flatten()
    owner = np.asarray(pc.list_parent_indices(split), dtype=np.int64)
    within = np.arange(len(parts)) - np.asarray(split.offsets, dtype=np.int64)[owner]
    inside = within % 2 == 1
    tokens = pa.concat_arrays([parts.filter(pa.array(inside))])
    parents = chosen[owner[inside]]
    _, starts = flat(tokens)
    return Found(parents, tokens, np.diff(starts) == texts.sizes[parents])


def matches(strings: pa.Array, pattern: str) -> Bools:
    """Which texts hold a match."""
    return np.asarray(pc.match_substring_regex(strings, pattern), dtype=np.bool_)
