"""Values made comparable: full-width digits, odd spaces and dashes, invisible characters, numbers written as 138.0."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from audits.measures.personal_data.texts import CONTROL, DIGIT, DOT, WIDE, Bools, characters

_REPLACED = (
    ("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]", ""),
    ("[\u2010-\u2015\u2212\u30fb]", "-"),
    ("[\u3000\u00a0\u2028\u2029]", " "),
    ("\u3002", "."),
)
"""What is invisible, and the many dashes and spaces."""

_OTHER_DIGITS = ("٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹", "०१२३४५६७८९")
"""Digits that NFKC leaves as they are: Arabic, Persian, Devanagari."""

_LONG_NUMBER = 7


def cleaned(strings: pa.Array) -> pa.Array:
    """The texts in one writing: NFKC, plain spaces, dashes and digits, no blanks around, ``13800138000.0`` as an integer."""
    kinds, digits, _ = characters(strings)
    strings = _replaced(strings, (kinds & CONTROL) != 0, _plain)
    strings = _replaced(strings, (kinds & WIDE) != 0, _narrow)
    strings = pc.utf8_trim_whitespace(strings)
    kinds, digits, _ = characters(strings)
    return _replaced(strings, (kinds == DIGIT | DOT) & (digits > _LONG_NUMBER), _whole)


def _replaced(strings: pa.Array, where: Bools, by: object) -> pa.Array:
    if not where.any():
        return strings
    assert callable(by)
    return pc.replace_with_mask(strings, pa.array(where), by(strings.filter(pa.array(where))))


def _plain(strings: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(strings, r"[\x00-\x1f\x7f]+", " ")


def _narrow(strings: pa.Array) -> pa.Array:
    strings = pc.utf8_normalize(strings, form="NFKC")
    for pattern, replacement in _REPLACED:
        strings = pc.replace_substring_regex(strings, pattern, replacement)
    for digits in _OTHER_DIGITS:
        if pc.any(pc.match_substring_regex(strings, f"[{digits}]")).as_py():
            for value, digit in enumerate(digits):
                strings = pc.replace_substring(strings, digit, str(value))
    return strings


def _whole(strings: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(strings, r"^([0-9]+)\.0+$", r"\1")


def filled(strings: pa.Array) -> Bools:
    """Which texts hold something."""
    return np.asarray(pc.greater(pc.binary_length(strings), 0), dtype=np.bool_)
