"""Cells that are safe to open in a spreadsheet: nothing that people wrote is run as a formula. Pure."""

from __future__ import annotations

import re
import unicodedata

_STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
# XLSX is XML 1.0, which has no place for these.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_LONGEST = 32_000


def safe_cell(value: str | float | None) -> str | float:
    """``value`` as it may stand in a cell of CSV or XLSX.

    A text that a spreadsheet could take for a formula, once it has trimmed it and folded wide and look-alike signs, gets
    an apostrophe in front. Numbers, also written ones such as ``-3.5e2``, stay as they are.
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        return value
    text = _UNWRITABLE.sub("\ufffd", value)[:_LONGEST]
    folded = unicodedata.normalize("NFKC", text).strip("\u200b\ufeff\u00ad \t\r\n\v\f").strip()
    if _NUMBER.fullmatch(folded):
        return text
    if text.startswith(("\t", "\r", "\n")) or folded.startswith(_STARTS_FORMULA):
        return f"'{text}"
    return text
