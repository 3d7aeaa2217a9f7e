"""National identity numbers of Europe whose form or check digits are public, each as in python-stdnum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from audits.measures.personal_data.checksums import (
    among,
    are_digits,
    check_mod_11_10,
    digits_of,
    is_date,
    is_date_of_century,
    luhn,
    number,
    place_in,
    weighted,
)
from audits.measures.personal_data.detector import Detector
from audits.measures.personal_data.texts import Bools, Bytes, Ints

Verdict: TypeAlias = tuple[Bools, Bools]
"""Which rows have the form (characters, date, ranges), and which of all rows pass the check digits."""

_UNLIKELY = 0.05
_DNI = "TRWAGMYFPDXBNJZSQVHLCKE"
_IE = "WABCDEFGHIJKLMNOPQRSTUV"
_HETU = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_CF_DIGITS = "0123456789LMNPQRSTUV"
_CF_MONTHS = "ABCDEHLMPRST"
_CF_ODD = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)


@dataclass(frozen=True, slots=True, kw_only=True)
class Code(Detector):
    """A detector of codes of fixed length.

    Attributes
    ----------
    lengths
        Characters without separators.
    check
        From a matrix of the capital ASCII characters of codes of one of these lengths.
    signed
        Whether the separator is part of the code (the century in Finland) and stays in.
    """

    lengths: tuple[int, ...]
    check: Callable[[Bytes], Verdict]
    signed: bool = False


def _national(
    key: str,
    country: str,
    form: str,
    lengths: tuple[int, ...],
    check: Callable[[Bytes], Verdict],
    *,
    chance: float,
    prior: float = _UNLIKELY,
    named: bool = False,
    signed: bool = False,
) -> Code:
    return Code(
        key=key, entity="national_id", country=country, form=form, lengths=lengths, check=check, chance=chance,
        prior=prior, named=named, signed=signed,
    )  # fmt: skip


def _all_digits(check: Callable[[Ints], Verdict]) -> Callable[[Bytes], Verdict]:
    """A check of numbers in which every place is a digit."""

    def checked(numbers: Bytes) -> Verdict:
        plain = are_digits(numbers)
        digits = np.where(plain[:, None], digits_of(numbers), 0)
        form, passed = check(digits)
        return plain & form, plain & passed

    return checked


def _vnr(d: Ints) -> Verdict:
    return d[:, 0] > 0, weighted(d, (3, 7, 9, 0, 5, 8, 4, 2, 1, 6)) % 11 == d[:, 3]


def _nn(d: Ints) -> Verdict:
    first, key = number(d, 0, 9), number(d, 9, 11)
    month = number(d, 2, 4)
    since_2000 = (97 - (2_000_000_000 + first) % 97 == key) & (number(d, 0, 2) <= 40)  # noqa: PLR2004 - not born yet
    passed = (97 - first % 97 == key) | since_2000
    return (month <= 12) & (first > 0), passed  # noqa: PLR2004 - months


def _egn(d: Ints) -> Verdict:
    month = number(d, 2, 4)
    shift = np.where(month > 40, 40, np.where(month > 20, 20, 0))  # noqa: PLR2004 - added for other centuries
    year = 1900 + number(d, 0, 2) + np.where(shift == 40, 100, np.where(shift == 20, -100, 0))  # noqa: PLR2004
    check = weighted(d, (2, 4, 8, 5, 10, 9, 7, 3, 6)) % 11 % 10
    return is_date(year, month - shift, number(d, 4, 6)), check == d[:, 9]


def _rc(d: Ints) -> Verdict:
    year = 1900 + number(d, 0, 2)
    year = np.where(year < 1954, year + 100, year)  # noqa: PLR2004 - ten digits began in 1954
    return is_date(year, number(d, 2, 4) % 50 % 20, number(d, 4, 6)), number(d, 0, 9) % 11 % 10 == d[:, 9]


def _idnr(d: Ints) -> Verdict:
    counts = np.stack([(d[:, :10] == value).sum(axis=1) for value in range(10)])
    repeated = (counts > 1).sum(axis=0) == 1
    form = (d[:, 0] > 0) & repeated & np.isin(counts.max(axis=0), (2, 3))
    return form, check_mod_11_10(d)


def _oib(d: Ints) -> Verdict:
    return np.ones(len(d), np.bool_), check_mod_11_10(d)


def _cpr(d: Ints) -> Verdict:
    year, code = number(d, 4, 6), d[:, 6]
    century = np.where(
        (code >= 5) & (code <= 8) & (year >= 58),  # noqa: PLR2004 - the seventh digit tells the century
        1800,
        np.where((code <= 3) | (np.isin(code, (4, 9)) & (year >= 37)), 1900, 2000),  # noqa: PLR2004
    )
    dated = is_date(century + year, number(d, 2, 4), number(d, 0, 2))
    return dated, dated


def _baltic(d: Ints) -> Verdict:
    century = 1800 + (d[:, 0] - 1) // 2 * 100
    dated = is_date(century + number(d, 1, 3), number(d, 3, 5), number(d, 5, 7))
    check = weighted(d, (1, 2, 3, 4, 5, 6, 7, 8, 9, 1)) % 11
    again = weighted(d, (3, 4, 5, 6, 7, 8, 9, 1, 2, 3)) % 11
    return dated & (d[:, 0] >= 1) & (d[:, 0] <= 8), np.where(check == 10, again, check) % 10 == d[:, 10]  # noqa: PLR2004


def _amka(d: Ints) -> Verdict:
    return is_date_of_century(number(d, 4, 6), number(d, 2, 4), number(d, 0, 2)), luhn(d)


def _latvian(d: Ints) -> Verdict:
    undated = (d[:, 0] == 3) & (d[:, 1] == 2)  # noqa: PLR2004 - since 2017 they begin with 32
    year = 1800 + d[:, 6] * 100 + number(d, 4, 6)
    check = (1 + weighted(d, (10, 5, 8, 4, 2, 1, 6, 3, 7, 9))) % 11 % 10
    dated = is_date(year, number(d, 2, 4), number(d, 0, 2)) & (d[:, 0] <= 3)  # noqa: PLR2004 - days
    return undated | dated, check == d[:, 10]


def _bsn(d: Ints) -> Verdict:
    return np.asarray(d.any(axis=1)), (weighted(d, (9, 8, 7, 6, 5, 4, 3, 2)) - d[:, 8]) % 11 == 0


def _pesel(d: Ints) -> Verdict:
    month = number(d, 2, 4)
    year = number(d, 0, 2) + np.array([1900, 2000, 2100, 2200, 1800])[month // 20]
    check = -weighted(d, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)) % 10
    return is_date(year, month % 20, number(d, 4, 6)), check == d[:, 10]


def _nif(d: Ints) -> Verdict:
    check = (11 - weighted(d, (9, 8, 7, 6, 5, 4, 3, 2))) % 11 % 10
    return d[:, 0] > 0, check == d[:, 8]


def _cnp(d: Ints) -> Verdict:
    century = np.array([1900, 1900, 1900, 1800, 1800, 2000, 2000, 1900, 1900, 1900])[d[:, 0]]
    county = number(d, 7, 9)
    known = ((county >= 1) & (county <= 48)) | np.isin(county, (51, 52, 70, 80, 81, 82, 83))  # noqa: PLR2004 - counties
    dated = is_date(century + number(d, 1, 3), number(d, 3, 5), number(d, 5, 7))
    check = weighted(d, (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)) % 11
    return dated & known & (d[:, 0] > 0), np.where(check == 10, 1, check) == d[:, 12]  # noqa: PLR2004 - ten is written 1


def _swedish(d: Ints) -> Verdict:
    if d.shape[1] == 12:  # noqa: PLR2004 - with the century
        dated = np.isin(number(d, 0, 2), (18, 19, 20)) & is_date(number(d, 0, 4), number(d, 4, 6), number(d, 6, 8))
    else:
        dated = is_date_of_century(number(d, 0, 2), number(d, 2, 4), number(d, 4, 6))
    return dated, luhn(d[:, -10:])


def _emso(d: Ints) -> Verdict:
    year = number(d, 4, 7)
    year = year + np.where(year < 800, 2000, 1000)  # noqa: PLR2004 - three digits of the year
    check = -weighted(d, (7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11 % 10
    return is_date(year, number(d, 2, 4), number(d, 0, 2)), check == d[:, 12]


def _nhs(d: Ints) -> Verdict:
    return np.asarray(d.any(axis=1)), weighted(d, (10, 9, 8, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0


def _norwegian(d: Ints) -> Verdict:
    day, month, year, serial = number(d, 0, 2), number(d, 2, 4), number(d, 4, 6), number(d, 6, 9)
    day, month = np.where(day > 40, day - 40, day), np.where(month > 40, month - 40, month)  # noqa: PLR2004 - D and H numbers
    early = (serial >= 500) & (serial < 750) & (year >= 54)  # noqa: PLR2004 - ranges of serial numbers
    late = (serial >= 500) & (year < 40)  # noqa: PLR2004
    century = np.where(early, 1800, np.where(late, 2000, 1900))
    known = (serial < 500) | early | late | (serial >= 900)  # noqa: PLR2004
    first = (11 - weighted(d, (3, 7, 6, 1, 8, 9, 4, 5, 2))) % 11 == d[:, 9]
    second = (11 - weighted(d, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2))) % 11 == d[:, 10]
    return known & is_date(century + year, month, day), first & second


def _swiss(d: Ints) -> Verdict:
    check = -weighted(d, (1, 3) * 6) % 10
    return number(d, 0, 3) == 756, check == d[:, 12]  # noqa: PLR2004 - Switzerland's prefix


def _dni(numbers: Bytes) -> Verdict:
    foreign = place_in(numbers[:, :1], "XYZ")[:, 0]
    first = np.where(foreign >= 0, foreign, digits_of(numbers[:, :1])[:, 0])
    form = are_digits(numbers[:, 1:8]) & (first >= 0) & (first <= 9) & among(numbers[:, 8:], _LETTERS)  # noqa: PLR2004
    digits = np.column_stack([first, digits_of(numbers[:, 1:8])])
    return form, place_in(numbers[:, 8:], _DNI)[:, 0] == number(digits, 0, 8) % 23


def _hetu(numbers: Bytes) -> Verdict:
    digits = digits_of(np.delete(numbers, 6, axis=1)[:, :9])
    sign = place_in(numbers[:, 6:7], "+-YXWVUABCDEF")[:, 0]
    century = np.where(sign == 0, 1800, np.where(sign <= 6, 1900, 2000))  # noqa: PLR2004 - the signs up to U
    serial = number(digits, 6, 9)
    form = are_digits(numbers[:, :6]) & are_digits(numbers[:, 7:10]) & (sign >= 0) & (serial >= 2) & (serial < 900)  # noqa: PLR2004
    dated = is_date(century + number(digits, 4, 6), number(digits, 2, 4), number(digits, 0, 2))
    return form & dated, place_in(numbers[:, 10:], _HETU)[:, 0] == number(digits, 0, 9) % 31


def _nir(numbers: Bytes) -> Verdict:
    corsica = place_in(numbers[:, 6:7], "AB")[:, 0]
    south = (corsica >= 0) & (numbers[:, 5] == ord("2"))
    plain = numbers.copy()
    plain[south, 5:7] = np.where(corsica[south, None] == 0, [[ord("1"), ord("9")]], [[ord("1"), ord("8")]])
    digits = digits_of(plain)
    sexed = np.isin(digits[:, 0], (1, 2, 3, 4, 7, 8))
    key = number(digits, 13, 15)
    return are_digits(plain) & sexed, 97 - number(digits, 0, 13) % 97 == key


def _pps(numbers: Bytes) -> Verdict:
    second = place_in(numbers[:, 8:], "WABHTX")[:, 0] if numbers.shape[1] == 9 else np.zeros(len(numbers), np.int64)  # noqa: PLR2004
    form = are_digits(numbers[:, :7]) & among(numbers[:, 7:8], _IE) & (second >= 0)
    extra = np.where(second <= 3, second, 0) if numbers.shape[1] == 9 else second  # noqa: PLR2004 - W, A, B, H count
    extra = np.where(extra == 3, 8, extra)  # noqa: PLR2004 - H is the eighth letter
    check = (weighted(digits_of(numbers), (8, 7, 6, 5, 4, 3, 2)) + 9 * extra) % 23
    return form, place_in(numbers[:, 7:8], _IE)[:, 0] == check


def _codice_fiscale(numbers: Bytes) -> Verdict:
    values = place_in(numbers, _CF_DIGITS)
    values = np.where(values >= 10, values - 10, values)  # noqa: PLR2004 - letters that stand for digits
    form = among(numbers[:, :6], _LETTERS) & among(numbers[:, 11:12], _LETTERS) & among(numbers[:, 15:], _LETTERS)
    form &= (values[:, [6, 7, 9, 10, 12, 13, 14]] >= 0).all(axis=1)
    month = place_in(numbers[:, 8:9], _CF_MONTHS)[:, 0]
    year = number(values, 6, 8)
    dated = is_date(np.where(year < 20, 2000, 1900) + year, month + 1, number(values, 9, 11) % 40)  # noqa: PLR2004
    rank = np.where(numbers >= ord("A"), numbers.astype(np.int64) - ord("A"), digits_of(numbers))
    odd = np.array(_CF_ODD)[np.clip(rank[:, :15:2], 0, 25)].sum(axis=1)
    check = (odd + np.clip(rank[:, 1:15:2], 0, 25).sum(axis=1)) % 26
    return form & (month >= 0) & dated, check == rank[:, 15]


def _cartao(numbers: Bytes) -> Verdict:
    values = place_in(numbers, "0123456789" + _LETTERS)
    doubled = np.where(np.arange(12) % 2 == 0, values * 2, values)
    doubled[:, ::2] -= np.where(doubled[:, ::2] > 9, 9, 0)  # noqa: PLR2004 - a digit
    form = are_digits(numbers[:, :9]) & among(numbers[:, 9:11], "0123456789" + _LETTERS) & are_digits(numbers[:, 11:])
    return form, doubled.sum(axis=1) % 10 == 0


def _nino(numbers: Bytes) -> Verdict:
    form = among(numbers[:, :1], "ABCEGHJKLMNOPRSTWXYZ") & among(numbers[:, 1:2], "ABCEGHJKLMNPRSTWXYZ")
    form &= are_digits(numbers[:, 2:8]) & among(numbers[:, 8:], "ABCD")
    for pair in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ"):
        form &= ~((numbers[:, 0] == ord(pair[0])) & (numbers[:, 1] == ord(pair[1])))
    return form, form


NATIONAL_IDS: tuple[Code, ...] = (
    _national("vnr", "AT", "Austrian social insurance number", (10,), _all_digits(_vnr), chance=1 / 11),
    _national("nn", "BE", "Belgian national number", (11,), _all_digits(_nn), chance=2 / 97),
    _national("egn", "BG", "Bulgarian EGN", (10,), _all_digits(_egn), chance=1 / 10),
    _national("rc", "CZ or SK", "Czech or Slovak birth number", (10,), _all_digits(_rc), chance=1 / 10),
    _national("idnr", "DE", "German tax identification number", (11,), _all_digits(_idnr), chance=1 / 10),
    _national("cpr", "DK", "Danish CPR number", (10,), _all_digits(_cpr), chance=0.0, named=True),
    _national("ik", "EE or LT", "Estonian or Lithuanian personal code", (11,), _all_digits(_baltic), chance=1 / 10),
    _national("dni", "ES", "Spanish DNI or NIE", (9,), _dni, chance=1 / 23),
    _national("hetu", "FI", "Finnish personal identity code", (11,), _hetu, chance=1 / 31, prior=0.3, signed=True),
    _national("nir", "FR", "French NIR", (15,), _nir, chance=1 / 97),
    _national("amka", "GR", "Greek AMKA", (11,), _all_digits(_amka), chance=1 / 10),
    _national("oib", "HR", "Croatian OIB", (11,), _all_digits(_oib), chance=1 / 10),
    _national("pps", "IE", "Irish PPS number", (8, 9), _pps, chance=1 / 23),
    _national("cf", "IT", "Italian codice fiscale", (16,), _codice_fiscale, chance=1 / 26, prior=0.5),
    _national("lv", "LV", "Latvian personal code", (11,), _all_digits(_latvian), chance=1 / 10),
    _national("bsn", "NL", "Dutch BSN", (9,), _all_digits(_bsn), chance=1 / 11),
    _national("pesel", "PL", "Polish PESEL", (11,), _all_digits(_pesel), chance=1 / 10),
    _national("cartao", "PT", "Portuguese citizen card number", (12,), _cartao, chance=1 / 10),
    _national("nif", "PT", "Portuguese NIF", (9,), _all_digits(_nif), chance=1 / 10),
    _national("cnp", "RO", "Romanian CNP", (13,), _all_digits(_cnp), chance=1 / 10),
    _national("personnummer", "SE", "Swedish personnummer", (10, 12), _all_digits(_swedish), chance=1 / 10),
    _national("emso", "SI", "EMŠO of Slovenia and its neighbours", (13,), _all_digits(_emso), chance=1 / 10),
    _national("nhs", "GB", "British NHS number", (10,), _all_digits(_nhs), chance=1 / 11),
    _national("nino", "GB", "British national insurance number", (9,), _nino, chance=0.0, prior=0.7),
    _national("fodselsnummer", "NO", "Norwegian fødselsnummer", (11,), _all_digits(_norwegian), chance=1 / 121),
    _national("ahv", "CH", "Swiss AHV number", (13,), _all_digits(_swiss), chance=1 / 10, prior=0.3),
)
"""All of them. There is no public check of a personal number in python-stdnum for Cyprus, Hungary, Luxembourg, Malta."""
