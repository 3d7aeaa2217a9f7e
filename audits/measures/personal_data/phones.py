"""Telephone numbers: international, Chinese, North American, with a trunk zero; and what only looks like one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from audits.measures.personal_data.checksums import digits_of, number
from audits.measures.personal_data.detector import Detector, Hits
from audits.measures.personal_data.matching import Found, find, matches, whole_values
from audits.measures.personal_data.texts import (
    BRACKET,
    DASH,
    DIGIT,
    DOT,
    PLUS,
    SLASH,
    SPACE,
    Bools,
    Ints,
    Texts,
    characters,
    matrix,
)


def _phone(key: str, form: str, prior: float, **more: object) -> Detector:
    return Detector(key=key, entity="phone", form=form, prior=prior, **more)  # type: ignore[arg-type]


INTERNATIONAL = _phone("phone_international", "written with + or 00 and 8 to 15 digits", 0.9)
CN_MOBILE = _phone("phone_cn", "Chinese mobile number of 11 digits", 0.72, country="CN", chance=0.8, most=4.0)
CN_WRITTEN = _phone(
    "phone_cn_written", "Chinese number written with 86, in groups or with its area code", 0.9, country="CN"
)
NANP_WRITTEN = _phone("phone_us_written", "North American number written in groups", 0.92, country="US")
NANP_11 = _phone("phone_us_11", "North American number of 11 digits from 1", 0.4, country="US", chance=0.8, most=4.0)
NANP_10 = _phone("phone_us_10", "North American number of 10 digits", 0.15, country="US", chance=0.64, most=2.0)
TRUNK = _phone("phone_trunk", "number written in groups from a trunk zero", 0.75)
TRUNK_BARE = _phone("phone_trunk_bare", "10 or 11 digits from a trunk zero", 0.25, chance=0.5, most=2.0)
NAMED = _phone("phone_named", "7 to 15 digits as telephone numbers are written", 0.3, named=True)
DETECTORS = (INTERNATIONAL, CN_MOBILE, CN_WRITTEN, NANP_WRITTEN, NANP_11, NANP_10, TRUNK, TRUNK_BARE, NAMED)

_EXTENSION = r"(?:[ ,;]{0,2}(?:ext\.?|extension|x|#|转|分机)[ .:]?[0-9]{1,6})?"
_BEFORE = r"^|[^0-9A-Za-z_.+/@-]"
_SEGMENT = r"1(?:3[0-9]|4[5-9]|5[0-35-9]|6[2567]|7[0-8]|8[0-9]|9[0-35-9])"
_AFTER_NO_DIGIT = r"^|[^0-9A-Za-z_.+/@ -]|[^0-9 ] "
_REST = r"[1-9](?:[ ()./-]{0,2}[0-9]){7,14}"
_PLUS = rf"\+{_REST}{_EXTENSION}"
_ZEROS = rf"00[ -]?{_REST}{_EXTENSION}"
_NANP = rf"(?:\+?1[ .-]?)?(?:\([2-9][0-9]{{2}}\)[ .-]?|[2-9][0-9]{{2}}[ .-])[2-9][0-9]{{2}}[ .-][0-9]{{4}}{_EXTENSION}"
_CN = (
    rf"(?:(?:0086|\+?86)[ -]?{_SEGMENT}[ -]?[0-9]{{4}}[ -]?[0-9]{{4}}|{_SEGMENT}[ -][0-9]{{4}}[ -][0-9]{{4}}"
    rf"|(?:0[0-9]{{2,3}}|\(0[0-9]{{2,3}}\))[ -]?[2-9][0-9]{{6,7}}{_EXTENSION})"
)
_TRUNK = rf"\(?0[1-9][0-9]{{0,3}}\)?[ ./-][0-9]{{2,8}}(?:[ ./-][0-9]{{2,4}}){{0,4}}{_EXTENSION}"
_NAMED = rf"\+?\(?[0-9](?:[ ()./-]{{0,2}}[0-9]){{6,14}}{_EXTENSION}"
_GOES_ON = r"(?:-[0-9-]*[A-Za-z][0-9A-Za-z-]*)?"
_DATE = r"^[0-9]{1,2}[./ -][0-9]{1,2}[./ -](?:[0-9]{4}|[0-9]{2})\b|^[0-9]{4}[./ -][0-9]{1,2}[./ -][0-9]{1,2}\b"
_FOUR_PARTS = r"^[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}$"
_SOCIAL = r"^[0-9]{3}-[0-9]{2}-[0-9]{4}$"
_PUNCTUATED = DIGIT | SPACE | DASH | DOT | PLUS | SLASH | BRACKET
_LEAST, _MOST = 7, 15
_CN_SEGMENTS = np.array(
    [
        *(*range(130, 140), *range(145, 150), *range(150, 154), *range(155, 160), 162, 165, 166, 167),
        *(*range(170, 179), *range(180, 190), *range(190, 194), *range(195, 200)),
    ]
)


def find_phones(texts: Texts, *, named: bool) -> Iterator[Hits]:
    """Telephone numbers, whole or within texts.

    Parameters
    ----------
    named
        Whether the column's name says that these are telephone numbers, so that any plausible writing will do.
    """
    yield from _bare(texts)
    written = (texts.digits >= _LEAST) & ~texts.only(DIGIT) | _from_00(texts)
    plus = written & ((texts.kinds & PLUS) != 0)
    yield _all(INTERNATIONAL, _plausible(_search(texts, _PLUS, plus), 8))
    ten = written & (texts.digits >= 10)  # noqa: PLR2004 - a number with its area
    yield _all(INTERNATIONAL, _plausible(_search(texts, _ZEROS, ten, before=_AFTER_NO_DIGIT), 10))
    yield _all(CN_WRITTEN, _plausible(_search(texts, _CN, ten), 10))
    yield _all(NANP_WRITTEN, _plausible(_search(texts, _NANP, ten), 10))
    within = ten & ~texts.only(_PUNCTUATED)
    yield from _eleven(find(texts, r"1[0-9]{10}", within, before=_BEFORE))
    nine = written & (texts.digits >= 9)  # noqa: PLR2004 - the shortest with a trunk zero
    yield _all(TRUNK, _plausible(_search(texts, _TRUNK, nine, before=_AFTER_NO_DIGIT), 9, 11))
    if named:
        yield _all(NAMED, _plausible(_search(texts, _NAMED, texts.digits >= _LEAST), _LEAST))


def _from_00(texts: Texts) -> Bools:
    """Values of digits alone that begin with 00, as international numbers may."""
    long = texts.only(DIGIT) & (texts.digits >= 12)  # noqa: PLR2004 - 00, a country, a number
    return long & matches(texts.strings, "^00[1-9]") if long.any() else long


def _search(texts: Texts, pattern: str, among: Bools, *, before: str = _BEFORE) -> Found:
    """Matches that do not go on as part of a longer code, such as a UUID."""
    found = find(texts, f"(?:{pattern}){_GOES_ON}", among, before=before)
    return found.where(~matches(found.tokens, r"-[0-9]*[A-Za-z]|[A-Za-z]-")) if len(found) else found


def _all(detector: Detector, found: Found) -> Hits:
    return Hits(detector, found, np.ones(len(found), np.bool_))


def _plausible(found: Found, least: int, most: int = _MOST + 6) -> Found:
    """Without what has too few or too many digits, is a date, four parts of an address, or a social security number."""
    if not len(found):
        return found
    _, digits, _ = characters(found.tokens)
    kept = (digits >= least) & (digits <= most) & ~matches(found.tokens, f"{_DATE}|{_FOUR_PARTS}|{_SOCIAL}")
    return found.where(kept)


def _bare(texts: Texts) -> Iterator[Hits]:
    """Values that are nothing but digits: what they are, only the column can tell."""
    plain = texts.only(DIGIT)
    ten, eleven = plain & (texts.sizes == 10), plain & (texts.sizes == 11)  # noqa: PLR2004 - digits
    found = whole_values(texts, ten)
    digits = _digits(found, 10)
    lead = digits[:, 0] >= 2 if len(digits) else np.zeros(0, np.bool_)  # noqa: PLR2004 - no area begins with 0 or 1
    yield Hits(NANP_10, found, lead & _north_american(digits))
    for size in (ten, eleven):
        found = whole_values(texts, size)
        digits = _digits(found, int(texts.sizes[size][0]) if size.any() else 10)
        zero = digits[:, 0] == 0
        yield Hits(TRUNK_BARE, found.where(zero), digits[zero][:, 1] != 0)
    yield from _eleven(whole_values(texts, eleven))
    long = plain & (texts.sizes == 13)  # noqa: PLR2004 - with the code of the country
    found = whole_values(texts, long)
    digits = _digits(found, 13)
    chinese = (number(digits, 0, 2) == 86) & np.isin(number(digits, 2, 5), _CN_SEGMENTS)  # noqa: PLR2004 - code of China
    yield Hits(CN_MOBILE, found.where(number(digits, 0, 3) == 861), chinese[number(digits, 0, 3) == 861])  # noqa: PLR2004


def _eleven(found: Found) -> Iterator[Hits]:
    """Eleven digits from 1: Chinese mobile or North American with its 1; which, the column tells."""
    digits = _digits(found, 11)
    one = digits[:, 0] == 1
    found, digits = found.where(one), digits[one]
    yield Hits(CN_MOBILE, found, np.isin(number(digits, 0, 3), _CN_SEGMENTS))
    yield Hits(NANP_11, found, _north_american(digits[:, 1:]))


def _north_american(digits: Ints) -> Bools:
    """Area and exchange begin with 2 to 9, and neither ends in 11."""
    right = np.ones(len(digits), np.bool_)
    for first in (0, 3):
        right &= (digits[:, first] >= 2) & ~((digits[:, first + 1] == 1) & (digits[:, first + 2] == 1))  # noqa: PLR2004
    return right


def _digits(found: Found, length: int) -> Ints:
    if not len(found):
        return np.zeros((0, length), np.int64)
    return digits_of(matrix(found.tokens, np.arange(len(found)), length))
