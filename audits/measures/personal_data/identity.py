"""Identity numbers outside Europe: the United States and China; passports with and without their machine-readable line."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from audits.measures.personal_data.checksums import (
    USCC,
    among,
    are_digits,
    check_mod_11_2,
    check_mod_31_3,
    digits_of,
    is_date,
    number,
    place_in,
)
from audits.measures.personal_data.detector import Detector, Hits
from audits.measures.personal_data.matching import find
from audits.measures.personal_data.national_ids import Code, Verdict
from audits.measures.personal_data.texts import DIGIT, OTHER, UPPER, Bools, Bytes, Ints, Texts, matrix

_PROVINCES = np.array(
    [
        *(11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46),
        *(50, 51, 52, 53, 54, 61, 62, 63, 64, 65, 71, 81, 82, 83, 91),
    ]
)
_NEVER_ISSUED = (78051120, 457555462, 219099999)
_FIRST_YEAR, _LAST_YEAR = 1850, 2100
_MRZ_LENGTH = 44
_MRZ = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ<"


def _ssn_digits(digits: Ints) -> Bools:
    area = number(digits, 0, 3)
    issued = (area > 0) & (area != 666) & (area < 900) & (number(digits, 3, 5) > 0) & (number(digits, 5, 9) > 0)  # noqa: PLR2004
    return np.asarray(issued) & ~np.isin(number(digits, 0, 9), _NEVER_ISSUED)


def _ssn(numbers: Bytes) -> Verdict:
    plain = are_digits(numbers)
    right = plain & _ssn_digits(np.where(plain[:, None], digits_of(numbers), 0))
    return right, right


def _ssn_dashed(numbers: Bytes) -> Verdict:
    separated = (numbers[:, 3] == numbers[:, 6]) & np.isin(numbers[:, 3], (ord("-"), ord(" ")))
    right, _ = _ssn(np.delete(numbers, (3, 6), axis=1))
    return separated & right, separated & right


def _itin(numbers: Bytes) -> Verdict:
    dashed = (numbers[:, 3] == ord("-")) & (numbers[:, 6] == ord("-"))
    plain = np.delete(numbers, (3, 6), axis=1)
    digits = np.where(are_digits(plain)[:, None], digits_of(plain), 0)
    group = number(digits, 3, 5)
    right = dashed & (digits[:, 0] == 9) & (group >= 70) & ~np.isin(group, (89, 93))  # noqa: PLR2004 - IRS ranges
    return right, right


def _resident(numbers: Bytes) -> Verdict:
    plain = are_digits(numbers[:, :17]) & among(numbers[:, 17:], "0123456789X")
    digits = np.where(plain[:, None], digits_of(numbers), 0)
    year = number(digits, 6, 10)
    form = plain & np.isin(number(digits, 0, 2), _PROVINCES) & (year >= _FIRST_YEAR) & (year < _LAST_YEAR)
    return form & is_date(year, number(digits, 10, 12), number(digits, 12, 14)), check_mod_11_2(numbers)


def _old_resident(numbers: Bytes) -> Verdict:
    plain = are_digits(numbers)
    digits = np.where(plain[:, None], digits_of(numbers), 0)
    dated = is_date(1900 + number(digits, 6, 8), number(digits, 8, 10), number(digits, 10, 12))
    right = plain & np.isin(number(digits, 0, 2), _PROVINCES) & dated
    return right, right


def _uscc(numbers: Bytes) -> Verdict:
    return among(numbers, USCC) & are_digits(numbers[:, 2:8]) & (numbers[:, 0] != ord("0")), check_mod_31_3(numbers)


def _passport(numbers: Bytes) -> Verdict:
    letters = place_in(numbers, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") >= 0
    digits = (~letters).sum(axis=1)
    right = (letters.sum(axis=1) <= 3) & ((letters[:, 0]) | (digits >= 7)) & (digits >= 5)  # noqa: PLR2004 - ICAO numbers
    return right, right


CODES: tuple[Code, ...] = (
    Code(
        key="ssn", entity="us_ssn", country="US", form="nine digits in ranges that are issued", prior=0.07, lengths=(9,),
        check=_ssn, named=True,
    ),
    Code(
        key="ssn_dashed", entity="us_ssn", country="US", form="written 3-2-4, in ranges that are issued", prior=0.85,
        lengths=(11,), check=_ssn_dashed, signed=True,
    ),
    Code(
        key="itin", entity="national_id", country="US", form="US taxpayer number written 9xx-xx-xxxx", prior=0.75,
        lengths=(11,), check=_itin, signed=True,
    ),
    Code(
        key="resident_id", entity="cn_resident_id", country="CN",
        form="province, birth date and ISO 7064 MOD 11-2 check character", prior=0.5, chance=1 / 11, lengths=(18,),
        check=_resident,
    ),
    Code(
        key="resident_id_15", entity="cn_resident_id", country="CN", form="15 digits with province and birth date",
        prior=0.2, lengths=(15,), check=_old_resident, named=True,
    ),
    Code(
        key="uscc", entity="cn_uscc", country="CN", form="GB 32100 characters and MOD 31-3 check character", prior=0.4,
        chance=1 / 31, lengths=(18,), check=_uscc,
    ),
    Code(
        key="passport", entity="passport", form="letters and digits as passports have them", prior=0.15, lengths=(8, 9),
        check=_passport, named=True,
    ),
)  # fmt: skip

MRZ = Detector(
    key="passport_mrz", entity="passport", form="machine-readable line with its check digits", prior=0.6, chance=0.001
)


def find_machine_readable(texts: Texts) -> Iterator[Hits]:
    """Second lines of the machine-readable zone of passports (ICAO 9303, TD3), with all check digits."""
    among_these = texts.all_of(DIGIT | UPPER | OTHER) & (texts.sizes >= _MRZ_LENGTH)
    pattern = r"[A-Z0-9<]{9}[0-9][A-Z<]{3}[0-9]{7}[MFX<][0-9]{7}[A-Z0-9<]{14}[0-9<][0-9]"
    found = find(texts, pattern, among_these, after="")
    numbers = matrix(found.tokens, np.arange(len(found)), _MRZ_LENGTH) if len(found) else np.zeros((0, 44), np.uint8)
    composite = np.concatenate([numbers[:, :10], numbers[:, 13:20], numbers[:, 21:43]], axis=1)
    passed = _ticked(numbers[:, :9], numbers[:, 9]) & _ticked(numbers[:, 13:19], numbers[:, 19])
    passed &= _ticked(numbers[:, 21:27], numbers[:, 27]) & _ticked(composite, numbers[:, 43])
    yield Hits(MRZ, found, passed)


def _ticked(field: Bytes, check: Bytes) -> Bools:
    values = np.where(field == ord("<"), 0, place_in(field, _MRZ))
    weights = np.resize([7, 3, 1], field.shape[1])
    return np.asarray((values @ weights) % 10 == digits_of(check))
