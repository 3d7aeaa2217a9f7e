"""Every check-digit rule gives what python-stdnum gives, on drawn numbers and on those with one character changed."""

from __future__ import annotations

import datetime as dt
import random
from importlib import import_module

import numpy as np
import pyarrow as pa
import pytest

from audits.measures.personal_data.checksums import luhn
from audits.measures.personal_data.codes import ALL_CODES
from audits.measures.personal_data.payment import LENGTHS, check_ibans

CODES = {code.key: code for code in ALL_CODES}
DRAWS = 1500
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

FORMS = {
    "vnr": ("at.vnr", "#########", 10),
    "nn": ("be.nn", "ymd#####", 11),
    "egn": ("bg.egn", "ybd####", 10),
    "rc": ("cz.rc", "yfd####", 10),
    "idnr": ("de.idnr", "g#", 11),
    "cpr": ("dk.cpr", "dmy####", 10),
    "ik": ("ee.ik", "cymd####", 11),
    "dni": ("es.dni", "########L", 9),
    "hetu": ("fi.hetu", "dmys###L", 11),
    "nir": ("fr.nir", "1" + "#" * 14, 15),
    "amka": ("gr.amka", "dmy#####", 11),
    "oib": ("hr.oib", "#" * 11, 11),
    "pps": ("ie.pps", "#######LL", 9),
    "cf": ("it.codicefiscale", "LLLLLL##eD#L###L", 16),
    "lv": ("lv.pvn", "dmy0####", 11),
    "bsn": ("nl.bsn", "#" * 9, 9),
    "pesel": ("pl.pesel", "ypd#####", 11),
    "cartao": ("pt.cc", "#########LL#", 12),
    "nif": ("pt.nif", "#" * 9, 9),
    "cnp": ("ro.cnp", "cymd12####", 13),
    "personnummer": ("se.personnummer", "ymd####", 10),
    "emso": ("si.emso", "dm9" + "#" * 8, 13),
    "nhs": ("gb.nhs", "#" * 10, 10),
    "fodselsnummer": ("no.fodselsnummer", "dmy#####", 11),
    "ahv": ("ch.ssn", "756##########", 13),
    "ssn": ("us.ssn", "#" * 9, 9),
    "uscc": ("cn.uscc", "9144#####UUUUUUUUU", 18),
}
"""Detector to python-stdnum's module, and how its numbers are drawn: y, m, d a date, capitals what stands in that place."""


def drawn(form: str, length: int, draw: random.Random) -> str:
    """A number of a form, often with a date that exists."""
    day = dt.date(1930, 1, 1) + dt.timedelta(days=draw.randrange(32_000))
    pieces = {
        "y": f"{day:%y}", "m": f"{day:%m}", "d": f"{day:%d}", "e": draw.choice("ABCDEHLMPRST"), "D": draw.choice("0123456"),
        "b": f"{day.month + draw.choice((0, 20, 40)):02d}", "f": f"{day.month + draw.choice((0, 20, 50, 70)):02d}",
        "p": f"{day.month + draw.choice((0, 20, 80)):02d}", "c": draw.choice("123456"), "s": draw.choice("-+A"),
    }  # fmt: skip
    text = ""
    for place in form:
        if place == "g":
            text += _german(draw)
        elif place == "#":
            text += draw.choice("0123456789")
        elif place == "L":
            text += draw.choice(LETTERS)
        elif place == "U":
            text += draw.choice("0123456789ABCDEFGHJKLMNPQRTUWXY")
        else:
            text += pieces.get(place, place)
    return (text + "".join(draw.choice("0123456789") for _ in range(length)))[:length]


def _german(draw: random.Random) -> str:
    digits = draw.sample("0123456789", 9)
    digits.insert(draw.randrange(10), draw.choice(digits))
    return "".join(digits)


def changed(number: str, draw: random.Random) -> str:
    """The number with one character replaced by another of its kind."""
    place = draw.randrange(len(number))
    letters = "0123456789" if number[place].isdigit() else LETTERS
    return number[:place] + draw.choice(letters) + number[place + 1 :]


def unborn(module: object, number: str) -> bool:
    """Whether the number tells a birth in the future, of which only a clock could judge, or in Latvia is a company's."""
    birth = getattr(module, "get_birth_date", None)
    if module.__name__.endswith("lv.pvn") and number[0] > "3":
        return True
    if module.__name__.endswith("be.nn"):
        return 26 <= int(number[:2]) <= 40
    try:
        return birth is not None and birth(number) > dt.date.today()  # noqa: DTZ011
    except Exception:  # noqa: BLE001 - no birth date at all
        return False


def ours(key: str, numbers: list[str]) -> list[bool]:
    form, passed = CODES[key].check(np.array([list(number.encode()) for number in numbers], dtype=np.uint8))
    return (form & passed).tolist()


@pytest.mark.parametrize("key", sorted(FORMS))
def test_a_rule_is_that_of_stdnum(key):
    name, form, length = FORMS[key]
    module = import_module(f"stdnum.{name}")
    draw = random.Random(key)
    numbers = [drawn(form, length, draw) for _ in range(DRAWS)]
    numbers = [number for number in numbers if not unborn(module, number)]
    valid = [number for number in numbers if module.is_valid(number)]
    assert len(valid) >= 10, "too few valid numbers were drawn to compare"
    mutants = [changed(number, draw) for number in valid[:400]]
    known = [number for number in [*numbers, *mutants] if not unborn(module, number)]
    expected = [module.is_valid(number) for number in known]
    assert [n for n, a, b in zip(known, ours(key, known), expected, strict=True) if a != b] == []


def test_foreigners_in_spain_are_checked_as_stdnum_does():
    nie = import_module("stdnum.es.nie")
    draw = random.Random(1)
    numbers = [draw.choice("XYZ") + drawn("#######L", 8, draw) for _ in range(DRAWS)]
    assert ours("dni", numbers) == [nie.is_valid(number) for number in numbers]


def test_irish_numbers_without_second_letter_and_swedish_ones_with_a_century():
    draw = random.Random(2)
    numbers = [drawn("#######L", 8, draw) for _ in range(DRAWS)]
    assert ours("pps", numbers) == [import_module("stdnum.ie.pps").is_valid(number) for number in numbers]
    swedish = import_module("stdnum.se.personnummer")
    numbers = ["19" + drawn("ymd####", 10, draw) for _ in range(DRAWS)]
    assert ours("personnummer", numbers) == [swedish.is_valid(number) for number in numbers]


def test_the_resident_id_has_stdnums_check_character_and_date():
    ric = import_module("stdnum.cn.ric")
    draw = random.Random(3)
    numbers = ["1101" + drawn("##19ymd####", 14, draw) for _ in range(DRAWS)]
    numbers += [number[:17] + ric.calc_check_digit(number) for number in numbers[:200]]

    def expected(number: str) -> bool:
        try:
            ric.get_birth_date(number)
        except Exception:  # noqa: BLE001 - stdnum's own errors
            return False
        return ric.calc_check_digit(number) == number[-1]

    right = [expected(number) for number in numbers]
    assert sum(right) > 200
    assert ours("resident_id", numbers) == right


def test_known_resident_ids_that_stdnum_accepts_whole_are_ours_too():
    numbers = ["360426199101010071", "11010519491231002X"]
    assert [import_module("stdnum.cn.ric").is_valid(number) for number in numbers] == [True, True]
    assert ours("resident_id", numbers) == [True, True]


def test_taxpayer_numbers_are_in_the_ranges_of_stdnum():
    itin = import_module("stdnum.us.itin")
    draw = random.Random(4)
    numbers = [
        f"{draw.choice('89')}{draw.randrange(100):02d}-{draw.randrange(100):02d}-{draw.randrange(10_000):04d}"
        for _ in range(DRAWS)
    ]
    assert ours("itin", numbers) == [itin.is_valid(number) for number in numbers]


@pytest.mark.parametrize("length", [13, 15, 16, 19])
def test_luhn_is_that_of_stdnum(length):
    module = import_module("stdnum.luhn")
    draw = random.Random(length)
    numbers = [drawn("", length, draw) for _ in range(DRAWS)]
    digits = np.array([[int(digit) for digit in number] for number in numbers])
    assert luhn(digits).tolist() == [module.is_valid(number) for number in numbers]


def test_ibans_of_every_country_are_those_of_stdnum():
    iban = import_module("stdnum.iban")
    draw = random.Random(5)
    numbers = []
    for country, length in LENGTHS.items():
        for _ in range(20):
            bban = "".join(draw.choice("0123456789" if draw.random() < 0.7 else LETTERS) for _ in range(length - 4))
            numbers.append(_checked(country, bban))
            numbers.append(_checked(country, "".join(draw.choice("0123456789") for _ in range(length - 4))))
            numbers.append(changed(numbers[-1], draw))
    expected = [iban.is_valid(number, check_country=False) for number in numbers]
    form, passed = check_ibans(pa.array(numbers))
    assert sum(expected) > 500
    assert [n for n, a, b in zip(numbers, (form & passed).tolist(), expected, strict=True) if a != b] == []


def _checked(country: str, bban: str) -> str:
    rest = int("".join(str(int(letter, 36)) for letter in f"{bban}{country}00")) % 97
    return f"{country}{98 - rest:02d}{bban}"
