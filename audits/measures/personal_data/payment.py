"""Payment cards and bank accounts: issuers' ranges with Luhn, and IBAN layouts with MOD 97-10."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from audits.measures.personal_data.checksums import among, are_digits, digits_of, luhn, number, remainder_97
from audits.measures.personal_data.detector import Detector, Hits
from audits.measures.personal_data.matching import find, whole_values
from audits.measures.personal_data.national_ids import Code, Verdict
from audits.measures.personal_data.texts import (
    DASH,
    DIGIT,
    DOT,
    LOWER,
    SPACE,
    UPPER,
    Bools,
    Bytes,
    Texts,
    characters,
    matrix,
)

_RANGES = (
    ((13, 16, 19), 4, 4),
    ((16,), 51, 55), ((16,), 2221, 2720), ((16,), 2200, 2204),
    ((15,), 34, 34), ((15,), 37, 37),
    ((16, 17, 18, 19), 6011, 6011), ((16, 17, 18, 19), 644, 649), ((16, 17, 18, 19), 65, 65),
    ((16, 17, 18, 19), 3528, 3589),
    ((14,), 300, 305), ((14,), 36, 36), ((14,), 38, 39),
    ((16, 17, 18, 19), 62, 62), ((16,), 81, 81),
    ((12, 13, 14, 15, 16, 17, 18, 19), 5018, 5019), ((12, 13, 14, 15, 16, 17, 18, 19), 5020, 5020),
    ((12, 13, 14, 15, 16, 17, 18, 19), 5038, 5038), ((12, 13, 14, 15, 16, 17, 18, 19), 6304, 6304),
    ((12, 13, 14, 15, 16, 17, 18, 19), 6759, 6759), ((12, 13, 14, 15, 16, 17, 18, 19), 6761, 6763),
)  # fmt: skip
"""Lengths, and first and last prefix, of the issuers: Visa, Mastercard, Mir, American Express, Discover, JCB, Diners, UnionPay, Maestro."""


def _card(numbers: Bytes) -> Verdict:
    plain = are_digits(numbers)
    digits = np.where(plain[:, None], digits_of(numbers), 0)
    issued = np.zeros(len(numbers), np.bool_)
    for lengths, first, last in _RANGES:
        if numbers.shape[1] in lengths:
            prefix = number(digits, 0, len(str(first)))
            issued |= (prefix >= first) & (prefix <= last)
    return plain & issued, luhn(digits)


CARD = Code(
    key="credit_card",
    entity="credit_card",
    form="an issuer's prefix and length, Luhn check digit",
    prior=0.2,
    chance=0.1,
    lengths=(12, 13, 14, 15, 16, 17, 18, 19),
    check=_card,
)

IBAN = Detector(
    key="iban", entity="iban", form="a country's IBAN layout, MOD 97-10 check digits", prior=0.6, chance=1 / 97
)

LAYOUTS = {
    entry[:2]: entry[3:]
    for entry in [
        "AD:n8c12",
        "AE:n19",
        "AL:n8c16",
        "AT:n16",
        "AZ:a4c20",
        "BA:n16",
        "BE:n12",
        "BG:a4n6c8",
        "BH:a4c14",
        "BI:n23",
        "BR:n23a1c1",
        "BY:c4n4c16",
        "CH:n5c12",
        "CR:n18",
        "CY:n8c16",
        "CZ:n20",
        "DE:n18",
        "DJ:n23",
        "DK:n14",
        "DO:c4n20",
        "EE:n16",
        "EG:n25",
        "ES:n20",
        "FI:n14",
        "FK:a2n12",
        "FO:n14",
        "FR:n10c11n2",
        "GB:a4n14",
        "GE:a2n16",
        "GI:a4c15",
        "GL:n14",
        "GR:n7c16",
        "GT:c24",
        "HN:a4n20",
        "HR:n17",
        "HU:n24",
        "IE:a4n14",
        "IL:n19",
        "IQ:a4n15",
        "IS:n22",
        "IT:a1n10c12",
        "JO:a4n4c18",
        "KW:a4c22",
        "KZ:n3c13",
        "LB:n4c20",
        "LC:a4c24",
        "LI:n5c12",
        "LT:n16",
        "LU:n3c13",
        "LV:a4c13",
        "LY:n21",
        "MC:n10c11n2",
        "MD:c20",
        "ME:n18",
        "MK:n3c10n2",
        "MN:n16",
        "MR:n23",
        "MT:a4n5c18",
        "MU:a4n19a3",
        "NI:a4n20",
        "NL:a4n10",
        "NO:n11",
        "OM:n3c16",
        "PK:a4c16",
        "PL:n24",
        "PS:a4c21",
        "PT:n21",
        "QA:a4c21",
        "RO:a4c16",
        "RS:n18",
        "RU:n14c15",
        "SA:n2c18",
        "SC:a4n20a3",
        "SD:n14",
        "SE:n20",
        "SI:n15",
        "SK:n20",
        "SM:a1n10c12",
        "SO:n19",
        "ST:n21",
        "SV:a4n20",
        "TL:n19",
        "TN:n20",
        "TR:n6c16",
        "UA:n6c19",
        "VA:n18",
        "VG:a4n16",
        "XK:n16",
        "YE:a4n4c18",
    ]
}
"""ISO 13616: country to the account number's layout; n digits, a capital letters, c either."""

_SETS = {"n": "0123456789", "a": "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "c": "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
_PARTS = {
    country: [(kind, int(size)) for kind, size in re.findall(r"([nac])([0-9]+)", layout)]
    for country, layout in LAYOUTS.items()
}
LENGTHS = {country: 4 + sum(size for _, size in parts) for country, parts in _PARTS.items()}
_WRITTEN = r"[A-Z]{2}[0-9]{2}(?:[0-9A-Z]{11,30}|(?:[ -][0-9A-Z]{4}){2,7}(?:[ -][0-9A-Z]{1,3})?)"
_LEAST_DIGITS = 6


def find_ibans(texts: Texts) -> Iterator[Hits]:
    """IBANs, whole or within texts, with or without blanks between groups of four."""
    among_these = (
        (texts.digits >= _LEAST_DIGITS)
        & ((texts.kinds & (UPPER | LOWER)) != 0)
        & (texts.sizes >= min(LENGTHS.values()))
    )
    alone = (
        among_these
        & texts.only(DIGIT | UPPER | LOWER | SPACE | DASH | DOT)
        & (texts.sizes <= max(LENGTHS.values()) + 8)
    )
    found = whole_values(texts, alone)
    form, passed = check_ibans(found.tokens)
    yield Hits(IBAN, found.where(form), passed[form])
    rest = among_these & ((texts.kinds & UPPER) != 0)
    rest[found.parents[form]] = False
    inside = find(texts, _WRITTEN, rest)
    form, passed = check_ibans(inside.tokens)
    yield Hits(IBAN, inside.where(form), passed[form])


def check_ibans(tokens: pa.Array) -> tuple[Bools, Bools]:
    """Which texts have the layout of an IBAN, and which of them its check digits too.

    What follows the length that the country prescribes is not looked at if it is a word apart.
    """
    form, passed = np.zeros(len(tokens), np.bool_), np.zeros(len(tokens), np.bool_)
    compact = pc.ascii_upper(pc.replace_substring_regex(tokens, "[ .-]", ""))
    _, _, sizes = characters(compact)
    long_enough = np.flatnonzero(sizes >= min(LENGTHS.values()))
    if not len(long_enough):
        return form, passed
    heads = matrix(compact, long_enough, 2)
    for country, length in LENGTHS.items():
        ours = (heads[:, 0] == ord(country[0])) & (heads[:, 1] == ord(country[1]))
        chosen = long_enough[ours]
        chosen = chosen[(sizes[chosen] >= length) & (sizes[chosen] <= length + 4)]
        if len(chosen):
            numbers = matrix(compact, chosen, length)
            form[chosen] = (
                are_digits(numbers[:, 2:4]) & _laid_out(numbers[:, 4:], country) & _ended(tokens, chosen, length)
            )
            passed[chosen] = remainder_97(np.concatenate([numbers[:, 4:], numbers[:, :4]], axis=1)) == 1
    return form, passed & form


def _laid_out(account: Bytes, country: str) -> Bools:
    right, first = np.ones(len(account), np.bool_), 0
    for kind, size in _PARTS[country]:
        right &= among(account[:, first : first + size], _SETS[kind])
        first += size
    return right


def _ended(tokens: pa.Array, chosen: np.ndarray[tuple[int], np.dtype[np.int64]], length: int) -> Bools:
    """Whether the number ends with its value or with a blank."""
    pattern = rf"^(?:[0-9A-Za-z][ .-]?){{{length - 1}}}[0-9A-Za-z](?: .*)?$"
    return np.asarray(pc.match_substring_regex(tokens.take(pa.array(chosen)), pattern), dtype=np.bool_)
