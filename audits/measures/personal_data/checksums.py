"""Check digits and dates over matrices of characters: one row per number, one column per place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from audits.measures.personal_data.texts import Bools, Bytes, Ints

_ZERO, _NINE, _A, _Z = (ord(character) for character in "09AZ")
_MONTHS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
_FEBRUARY = 2
_TEN = 10


def digits_of(numbers: Bytes) -> Ints:
    """Places as the numbers they stand for; what is no digit gives nonsense outside 0–9."""
    return numbers.astype(np.int64) - _ZERO


def are_digits(numbers: Bytes) -> Bools:
    """Rows whose places are all digits."""
    return np.asarray(((numbers >= _ZERO) & (numbers <= _NINE)).all(axis=1))


def are_letters(numbers: Bytes) -> Bools:
    """Rows whose places are all capital letters."""
    return np.asarray(((numbers >= _A) & (numbers <= _Z)).all(axis=1))


def among(numbers: Bytes, characters: str) -> Bools:
    """Rows whose places all stand in ``characters``."""
    return np.asarray(place_in(numbers, characters).min(axis=1, initial=0) >= 0)


def place_in(numbers: Bytes, alphabet: str) -> Ints:
    """The place of each character in an alphabet; −1 where it is not in it."""
    table = np.full(256, -1, dtype=np.int64)
    table[[ord(character) for character in alphabet]] = np.arange(len(alphabet))
    return np.asarray(table[numbers])


def number(digits: Ints, first: int, last: int) -> Ints:
    """The number that places ``first`` to ``last`` (not included) write, of at most 18 digits."""
    powers = _TEN ** np.arange(last - first - 1, -1, -1, dtype=np.int64)
    return np.asarray(digits[:, first:last] @ powers)


def weighted(digits: Ints, weights: Sequence[int]) -> Ints:
    """``Σ weight_i · digit_i`` over the first places."""
    return np.asarray(digits[:, : len(weights)] @ np.array(weights, dtype=np.int64))


def luhn(digits: Ints) -> Bools:
    """ISO/IEC 7812-1: from the right every second digit doubled (minus 9 above 9); the sum is a multiple of ten."""
    doubled = digits.copy()
    doubled[:, -2::-2] *= 2
    return np.asarray((np.where(doubled > 9, doubled - 9, doubled).sum(axis=1) % _TEN) == 0)  # noqa: PLR2004 - a digit


def remainder_97(numbers: Bytes) -> Ints:
    """ISO/IEC 7064 MOD 97-10: the number that digits and letters (A = 10 … Z = 35) write, modulo 97."""
    rest = np.zeros(len(numbers), dtype=np.int64)
    for place in numbers.T:
        letter = place >= _A
        value = place.astype(np.int64) - np.where(letter, _A - _TEN, _ZERO)
        rest = (rest * np.where(letter, 100, 10) + value) % 97
    return rest


def check_mod_11_2(numbers: Bytes) -> Bools:
    """ISO/IEC 7064 MOD 11-2, with X for ten in the last place."""
    values = place_in(numbers, "0123456789X")
    powers = np.array([pow(2, numbers.shape[1] - 1 - place, 11) for place in range(numbers.shape[1])])
    return np.asarray((values @ powers) % 11 == 1)


def check_mod_11_10(digits: Ints) -> Bools:
    """ISO/IEC 7064 MOD 11,10: ``p = ((p + d) mod 10, or 10) · 2 mod 11``; the last digit brings it to 1 modulo 10."""
    state = np.full(len(digits), _TEN, dtype=np.int64)
    for place in digits[:, :-1].T:
        step = (state + place) % _TEN
        state = (np.where(step == 0, _TEN, step) * 2) % 11
    return np.asarray((state + digits[:, -1]) % _TEN == 1)


USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""Characters of the Chinese unified social credit code (GB 32100-2015): no I, O, S, V, Z."""


def check_mod_31_3(numbers: Bytes) -> Bools:
    """GB 32100-2015: ``(31 − Σ 3^i · value_i mod 31) mod 31`` in the last place."""
    values = place_in(numbers, USCC)
    powers = np.array([pow(3, place, 31) for place in range(numbers.shape[1] - 1)])
    return np.asarray((31 - (values[:, :-1] @ powers) % 31) % 31 == values[:, -1])


def is_date(year: Ints, month: Ints, day: Ints) -> Bools:
    """Which of them are days of the Gregorian calendar."""
    known = (month >= 1) & (month <= 12) & (year >= 1)  # noqa: PLR2004 - months
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    length = _MONTHS[np.where(known, month, 0)] + ((month == _FEBRUARY) & leap)
    return np.asarray(known & (day >= 1) & (day <= length))


def is_date_of_century(year: Ints, month: Ints, day: Ints) -> Bools:
    """Which of them are days, of a year that is told by its last two digits: every fourth of them leaps, as 2000 did."""
    return is_date(2000 + year, month, day)
