"""Values made comparable: full-width digits, odd spaces and dashes, invisible characters, numbers written as 138.0."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from audits.measures.personal_data.texts import CONTROL, DIGIT, DOT, SPACE, WIDE, Bools, Ints, Texts, flat

_REPLACED = (
    ("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]", ""),
    ("[\u2010-\u2015\u2212\u30fb]", "-"),
    ("[\u3000\u00a0\u2028\u2029]", " "),
    ("\u3002", "."),
)
"""What is invisible, and the many dashes and spaces."""

_OTHER_DIGITS = ("٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹", "०१२३४५६७८९")
"""Digits that NFKC leaves as they are: Arabic, Persian, Devanagari."""

_LONG_NUMBER, _BLANK = 7, 32


def cleaned(strings: pa.Array, rows: Ints) -> Texts:
    """The texts in one writing: NFKC, plain spaces, dashes and digits, no blanks around, ``13800138000.0`` as an integer.

    Parameters
    ----------
    strings
        Distinct values.
    rows
        int64, rows per value.

    Returns
    -------
    Texts
        Those that hold something. Two that differ in writing only stay two.
    """
    texts = Texts.of(strings, rows)
    odd = ((texts.kinds & (CONTROL | WIDE)) != 0) | _blank_around(texts)
    odd |= (texts.kinds == DIGIT | DOT) & (texts.digits > _LONG_NUMBER)
    if odd.any():
        texts = Texts.of(_replaced(texts.strings, odd, _plain), rows)
    filled = texts.sizes > 0
    return texts if filled.all() else Texts.of(texts.strings.filter(pa.array(filled)), rows[filled])


def _blank_around(texts: Texts) -> Bools:
    blank = np.zeros(len(texts), np.bool_)
    spaced = np.flatnonzero(((texts.kinds & SPACE) != 0) & (texts.sizes > 0))
    if len(spaced):
        data, starts = flat(texts.strings)
        blank[spaced] = (data[starts[spaced]] == _BLANK) | (data[starts[spaced + 1] - 1] == _BLANK)
    return blank


def _replaced(strings: pa.Array, where: Bools, by: Callable[[pa.Array], pa.Array]) -> pa.Array:
    return pc.replace_with_mask(strings, pa.array(where), by(strings.filter(pa.array(where))))


def _plain(strings: pa.Array) -> pa.Array:
    strings = pc.replace_substring_regex(strings, r"[\x00-\x1f\x7f]+", " ")
    strings = pc.utf8_normalize(strings, form="NFKC")
    for pattern, replacement in _REPLACED:
        strings = pc.replace_substring_regex(strings, pattern, replacement)
    for digits in _OTHER_DIGITS:
        if pc.any(pc.match_substring_regex(strings, f"[{digits}]")).as_py():
            for value, digit in enumerate(digits):
                strings = pc.replace_substring(strings, digit, str(value))
    return pc.replace_substring_regex(pc.utf8_trim_whitespace(strings), rf"^([0-9]{{{_LONG_NUMBER},}})\.0+$", r"\1")
