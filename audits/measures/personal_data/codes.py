"""Codes of fixed length in values: taken out once, then checked by length over matrices of characters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from audits.measures.personal_data.detector import Hits
from audits.measures.personal_data.identity import CODES
from audits.measures.personal_data.matching import Found, either, find, joined, whole_values
from audits.measures.personal_data.national_ids import NATIONAL_IDS, Code
from audits.measures.personal_data.payment import CARD
from audits.measures.personal_data.texts import (
    DASH,
    DIGIT,
    DOT,
    LOWER,
    PLUS,
    SLASH,
    SPACE,
    UPPER,
    WIDE,
    Bools,
    Ints,
    Texts,
    characters,
    matrix,
)

ALL_CODES: tuple[Code, ...] = (CARD, *CODES, *NATIONAL_IDS)

_SEPARATORS = "[ ./+-]"
_LEAST_DIGITS = 5
_LONGEST = 28
_WITHIN = either(
    r"[0-9]{4}(?:[ -][0-9]{4}){3}",
    r"[0-9]{4}[ -][0-9]{6}[ -][0-9]{4,5}",
    r"[0-9] [0-9]{2} [0-9]{2} [0-9][0-9AB] [0-9]{3} [0-9]{3} [0-9]{2}",
    r"[0-9]{6}[-+][0-9]{3}[0-9A-Y]",
    r"[A-Z]{2} [0-9]{2} [0-9]{2} [0-9]{2} [A-D]",
    r"[0-9]{2,8}[ ./-][0-9]{2,7}(?:[ ./-][0-9]{2,4}){0,3}",
    r"[0-9]{7,8}[ -][A-Z]{1,2}",
    r"[XYZ]-[0-9]{7}-[A-Z]",
    r"[A-Za-z]{0,6}[0-9][0-9A-Za-z]{6,18}",
)
"""How codes stand in running text: grouped as on cards and papers, or in one piece."""

_BEFORE = r"^|[^0-9A-Za-z_./+@-]"
_NUMERIC = DIGIT | SPACE | DASH | DOT | SLASH | PLUS


@dataclass(frozen=True, slots=True)
class _Tokens:
    found: Found
    compact: pa.Array
    sizes: Ints
    raw_sizes: Ints
    """Codes as they stand and without separators, with the sizes of both."""


def find_codes(texts: Texts, wanted: frozenset[str]) -> Iterator[Hits]:
    """Cards and identity numbers, whole or within texts.

    Parameters
    ----------
    wanted
        Keys of the detectors to try.
    """
    tokens = _tokens(texts)
    if not len(tokens.found):
        return
    for signed in (False, True):
        sizes = tokens.raw_sizes if signed else tokens.sizes
        strings = pc.ascii_upper(tokens.found.tokens) if signed else tokens.compact
        detectors = [code for code in ALL_CODES if code.signed == signed and code.key in wanted]
        for length in sorted({length for code in detectors for length in code.lengths}):
            chosen = np.flatnonzero(sizes == length)
            if not len(chosen):
                continue
            numbers = matrix(strings, chosen, length)
            for code in detectors:
                if length in code.lengths:
                    form, passed = code.check(numbers)
                    if form.any():
                        kept = np.zeros(len(sizes), np.bool_)
                        kept[chosen[form]] = True
                        yield Hits(code, tokens.found.where(kept), passed[form])


def _tokens(texts: Texts) -> _Tokens:
    enough = texts.digits >= _LEAST_DIGITS
    alone = enough & texts.only(_NUMERIC | UPPER | LOWER) & (texts.sizes <= _LONGEST)
    within = enough & ~texts.only(DIGIT) & ~texts.only(DIGIT | UPPER) & ~texts.only(DIGIT | DOT) & ~_short(texts)
    found = joined(whole_values(texts, alone), _inside(texts, within))
    kinds, digits, raw_sizes = characters(found.tokens)
    keep = (digits >= _LEAST_DIGITS) & ((kinds & WIDE) == 0)
    if not keep.all():
        found, kinds, raw_sizes = found.where(keep), kinds[keep], raw_sizes[keep]
    separated = (kinds & ~(DIGIT | UPPER)) != 0
    compact = found.tokens
    if separated.any():
        plain = pc.ascii_upper(pc.replace_substring_regex(compact.filter(pa.array(separated)), _SEPARATORS, ""))
        compact = pc.replace_with_mask(compact, pa.array(separated), plain)
    _, _, sizes = characters(compact)
    return _Tokens(found, compact, sizes, raw_sizes)


def _short(texts: Texts) -> Bools:
    """Values too short to hold a code beside anything else."""
    return np.asarray((texts.digits < 6) & (texts.sizes < 16))  # noqa: PLR2004 - the shortest codes


def _inside(texts: Texts, among: Bools) -> Found:
    found = find(texts, _WITHIN, among, before=_BEFORE)
    return found.where(~found.whole)
