"""What is easily taken for something else: each confusion that the design names, and its opposite."""

from __future__ import annotations

import random
import uuid

import numpy as np
import pytest

from tests.audits.personal_data_cases import (
    american_phones,
    cards,
    chinese_mobiles,
    digits,
    finding,
    rates,
    scan_table,
    with_luhn,
)

MANY = 400


def drawn(seed: int = 0) -> random.Random:
    return random.Random(seed)


def test_chinese_mobiles_are_chinese_and_american_numbers_with_their_one_american():
    assert finding(chinese_mobiles(MANY), "phone").country == "CN"
    american = [f"1{number}" for number in american_phones(MANY)]
    found = finding(american, "phone")
    assert (found.country, found.reported) == ("US", True)


def test_numbers_that_both_forms_allow_are_telephones_of_either_country():
    found = finding([f"1{area}5{i:03d}{i:04d}"[:11] for i, area in enumerate([551] * MANY)], "phone", name="phone")
    assert found.reported
    assert found.country == "CN, US"


@pytest.mark.parametrize(
    "values",
    [
        [float(number) for number in chinese_mobiles(MANY)],
        [int(number) for number in chinese_mobiles(MANY)],
        [f"{number}.0" for number in chinese_mobiles(MANY)],
        [f"  {number}\t" for number in chinese_mobiles(MANY)],
        [number.translate({ord(str(d)): 0xFF10 + d for d in range(10)}) for number in chinese_mobiles(MANY)],
        [f"+86 {n[:3]} {n[3:7]} {n[7:]}" for n in chinese_mobiles(MANY)],
        [f"{n[:3]}-{n[3:7]}-{n[7:]}" for n in chinese_mobiles(MANY)],
        [f"0086{n}" for n in chinese_mobiles(MANY)],
    ],
    ids=["floats", "integers", "float texts", "blanks", "full-width digits", "grouped", "dashes", "0086"],
)
def test_mobiles_are_found_however_they_are_stored(values):
    assert rates(values) == {"phone": 1.0}


def test_digits_of_other_scripts_are_digits():
    assert rates(["+966 ٥٥ ١٢٣ ٤٥٦٧"] * 3) == {"phone": 1.0}


def test_extensions_belong_to_the_number():
    found = finding(["415-555-0132 ext. 12", "(415) 555-0133 x7", "+1 415 555 0134 转 3"], "phone")
    assert found.rate == 1.0


def test_addresses_cards_and_social_security_numbers_are_no_telephones():
    draw = drawn()
    hosts = [".".join(str(draw.randrange(1, 255)) for _ in range(4)) for _ in range(MANY)]
    assert rates(hosts) == {"ip_address": 1.0}
    assert rates(cards(MANY)) == {"credit_card": 1.0}
    grouped = [" ".join(card[i : i + 4] for i in range(0, 16, 4)) for card in cards(MANY)]
    assert rates(grouped) == {"credit_card": 1.0}
    social = [
        f"{draw.randrange(100, 660)}-{draw.randrange(1, 99):02d}-{draw.randrange(1, 9999):04d}" for _ in range(MANY)
    ]
    assert rates(social) == {"us_ssn": 1.0}


def test_order_numbers_that_pass_luhn_by_chance_are_no_cards():
    draw = drawn()
    random_orders = [f"4{digits(draw, 15)}" for _ in range(5000)]
    assert rates(random_orders) == {}
    assert rates([4_000_000_000_000_000 + 37 * i for i in range(5000)]) == {}
    assert rates(random_orders, name="order_id") == {}


def test_a_share_of_cards_well_above_chance_is_found_among_other_numbers():
    draw = drawn()
    mixed = cards(600) + [f"4{digits(draw, 15)}" for _ in range(1000)]
    assert rates(mixed)["credit_card"] == pytest.approx((600 + 100) / 1600, abs=0.03)


def test_a_few_numbers_that_pass_are_possible_until_the_name_says_card():
    one = ["4111111111111111", "4111111111111112", "4111111111111113", "4111111111111114"]
    assert rates(one) == {}
    assert rates(["4111111111111111"] * 4, name="credit_card_number") == {"credit_card": 1.0}


def test_repetition_is_no_evidence():
    lucky = "4000000000000002"
    assert rates([lucky] * 10_000) == {}
    assert finding([lucky] * 10_000, "credit_card").confidence < 0.7


def test_versions_are_no_ip_addresses():
    draw = drawn()
    versions = [
        f"{draw.randrange(1, 9)}.{draw.randrange(20)}.{draw.randrange(9)}.{draw.randrange(9)}" for _ in range(MANY)
    ]
    assert rates(versions) == {}
    assert rates(versions, name="app_version") == {}
    assert rates([f"10.0.{i % 200}.{i % 250}" for i in range(MANY)]) == {"ip_address": 1.0}
    assert rates(["1.2.3.4.5", "10.20.30.40.50"] * 5) == {}


def test_ip_addresses_of_both_versions_are_found_alone_and_in_text():
    values = ["2001:db8::ff00:42:8329", "fe80::1ff:fe23:4567:890a", "from 203.0.113.77 at night", "203.0.113.9:8080"]
    assert rates(values) == {"ip_address": 1.0}
    assert rates(["12:30:45", "std::vector", "a::b", "10:20"] * 10) == {}


def test_urls_that_contain_emails_hold_both_and_log_ins_are_no_emails():
    assert rates([f"https://example.com/unsubscribe?u=ada{i}@example.org" for i in range(20)]) == {
        "url": 1.0,
        "email": 1.0,
    }
    assert rates([f"https://ada{i}@example.org/inbox" for i in range(20)]) == {"url": 1.0}
    assert rates([f"https://social.example.com/@ada{i}" for i in range(20)]) == {"url": 1.0}


def test_passwords_in_addresses_are_secrets():
    assert rates(["postgresql://app:hunter22@db.example.org/prod"] * 3) == {"secret": 1.0}
    assert rates(["https://app:hunter22@www.example.org/"] * 3) == {"secret": 1.0, "url": 1.0}


def test_files_and_handles_are_no_emails():
    assert rates(["logo@2x.png", "@ada", "ada@", "git@github.com:ada/engine.git", "a @ b.c"] * 5) == {}


def test_hashes_and_uuids_are_nothing():
    draw = drawn()
    assert rates([str(uuid.UUID(int=draw.getrandbits(128), version=4)) for _ in range(5000)]) == {}
    assert rates([f"{draw.getrandbits(256):064x}" for _ in range(2000)]) == {}
    assert rates([f"{draw.getrandbits(128):032x}" for _ in range(2000)]) == {}


@pytest.mark.parametrize("unit", [1, 1000, 1_000_000])
def test_timestamps_are_no_telephones(unit):
    draw = drawn()
    epochs = [draw.randrange(1_500_000_000, 1_800_000_000) * unit for _ in range(2000)]
    assert rates(epochs) == {}
    assert rates([str(epoch) for epoch in epochs]) == {}


def test_dates_and_times_are_no_telephones():
    draw = drawn()
    parts = [
        (draw.randrange(2015, 2025), draw.randrange(1, 13), draw.randrange(1, 29), draw.randrange(24))
        for _ in range(MANY)
    ]
    for form in (
        "{0}-{1:02d}-{2:02d} {3:02d}:15:09",
        "{2:02d}.{1:02d}.{0} {3:02d}:15",
        "{1:02d}/{2:02d}/{0}",
        "{0}{1:02d}{2:02d}{3:02d}1509",
    ):
        assert rates([form.format(*part) for part in parts]) == {}


def test_book_and_article_numbers_are_nothing():
    draw = drawn()
    fronts = [f"978{digits(draw, 9)}" for _ in range(2000)]
    eans = [f + str(-sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(f)) % 10) for f in fronts]
    assert rates(eans) == {}
    assert rates([f"{e[:3]}-{e[3]}-{e[4:8]}-{e[8:12]}-{e[12]}" for e in eans]) == {}


def test_codes_like_ibans_without_their_check_digits_are_nothing():
    draw = drawn()
    assert rates([f"DE{digits(draw, 20)}" for _ in range(2000)]) == {}
    assert rates(["GB33 BUKB 2020 1555 5555 55", "DE75512108001245126199"]) == {"iban": 1.0}


def test_coordinates_need_a_pair_or_their_names():
    draw = np.random.default_rng(0)
    latitudes, longitudes = draw.uniform(-89, 89, 500), draw.uniform(-179, 179, 500)
    both = scan_table({"pickup_lat": latitudes, "pickup_lon": longitudes, "score": latitudes})
    assert {name: [f.entity for f in column.findings if f.reported] for name, column in both.items()} == {
        "pickup_lat": ["geo_coordinate"], "pickup_lon": ["geo_coordinate"], "score": [],
    }  # fmt: skip
    assert rates(latitudes) == {}
    alone = finding(latitudes, "geo_coordinate", name="latitude")
    assert not alone.reported
    assert rates([f"{a:.5f}, {b:.5f}" for a, b in zip(latitudes, longitudes, strict=True)]) == {"geo_coordinate": 1.0}


def test_a_transaction_date_is_no_birth_date():
    days = np.datetime64("2019-01-01") + np.random.default_rng(0).integers(0, 1500, 1000)
    assert rates(days) == {}
    assert rates(days, name="transaction_date") == {}
    births = np.datetime64("1945-01-01") + np.random.default_rng(0).integers(0, 21_000, 1000)
    assert rates(births, name="dob") == {"date_of_birth": 1.0}
    assert rates([str(day) for day in births], name="出生日期") == {"date_of_birth": 1.0}
    assert not finding(births, "date_of_birth").reported, "spread alone makes it possible, no more"


def test_nine_digits_are_a_social_security_number_only_by_name():
    draw = drawn()
    numbers = [f"{draw.randrange(100, 660)}{draw.randrange(10, 99)}{draw.randrange(1000, 9999)}" for _ in range(MANY)]
    assert rates(numbers) == {}
    assert rates(numbers, name="ssn") == {"us_ssn": 1.0}


def test_national_numbers_are_told_by_their_check_digits_and_random_ones_are_nothing():
    from stdnum.pl import pesel

    draw = drawn()
    fronts = [
        f"{draw.randrange(40, 99)}{draw.randrange(1, 13):02d}{draw.randrange(1, 29):02d}{digits(draw, 4)}"
        for _ in range(MANY)
    ]
    found = finding([f + pesel.calc_check_digit(f) for f in fronts], "national_id")
    assert (found.country, found.rate, found.reported) == ("PL", 1.0, True)
    for length in (8, 9, 10, 11, 12, 13, 15, 18):
        assert rates([draw.choice("123456789") + digits(draw, length - 1) for _ in range(3000)]) == {}, length


def test_numbers_with_a_luhn_digit_of_their_own_are_not_cards_without_an_issuer():
    draw = drawn()
    assert rates([with_luhn(f"99{digits(draw, 13)}") for _ in range(MANY)]) == {}


def test_values_inside_sentences_count_for_their_value():
    texts = [
        "call me at 415-555-0132 today",
        "nothing to say",
        "write to ada@example.org or charles@example.org",
        "也可以打13800138000找我",
    ]
    assert rates(texts) == {"email": 0.25, "phone": 0.5}


def test_names_and_addresses_of_several_languages():
    assert rates(["王伟", "李小明", "欧阳锋", "张芳"], name="姓名") == {"person_name": 1.0}
    assert rates(["Ada Lovelace", "Grace Hopper", "Edsger W. Dijkstra"], name="customer_name") == {"person_name": 1.0}
    assert rates(["New York", "San Jose", "Berlin", "Los Angeles"], name="city") == {}
    assert rates(["red", "green"] * 20, name="product_name") == {}
    assert rates(["Widget Pro", "Gadget Mini", "Sprocket"] * 20, name="name") == {}
    addresses = [
        "12 St. James's Square", "221B Baker Street, London", "Hauptstraße 5, 10115 Berlin", "12 rue de la Paix, Paris",
        "Calle de Alcalá 45", "北京市海淀区中关村大街27号", "上海市徐汇区漕溪北路1200弄3号楼502室", "P.O. Box 4711",
    ]  # fmt: skip
    assert rates(addresses) == {"postal_address": 1.0}


def test_chinese_codes_are_told_apart():
    from stdnum.cn import ric, uscc

    draw = drawn()
    persons = [
        f"110105{draw.randrange(1950, 2005)}{draw.randrange(1, 13):02d}{draw.randrange(1, 29):02d}{digits(draw, 3)}"
        for _ in range(60)
    ]
    persons = [p + ric.calc_check_digit(p + "0") for p in persons]
    companies = [f"9111{digits(draw, 4)}{digits(draw, 9)}" for _ in range(60)]
    companies = [c + uscc.calc_check_digit(c) for c in companies]
    assert rates(persons) == {"cn_resident_id": 1.0}
    assert rates(companies) == {"cn_uscc": 1.0}
    assert rates(persons, name="身份证号") == {"cn_resident_id": 1.0}


def test_passports_need_their_name_or_their_machine_readable_line():
    numbers = ["E12345678", "EA1234567", "G98765432", "X1234567"]
    assert rates(numbers) == {}
    assert rates(numbers, name="passport_no") == {"passport": 1.0}
    line = "L898902C36UTO7408122F1204159ZE184226B<<<<<10"
    assert rates([line]) == {"passport": 1.0}
    assert rates([line.replace("7408122", "7408123")]) == {}


SECRETS = {
    "a private key": "-----BEGIN RSA PRIVATE KEY-----\nMIIB",
    "an AWS key": "AKIA" + "IOSFODNN7EXAMPLE",
    "a GitHub token": "ghp_" + "a1B2" * 9,
    "a GitLab token": "glpat-" + "x1Y2" * 5,
    "a Slack token": "xoxb-" + "123456789012-abcdef",
    "a Stripe key": "sk_live_" + "a1B2" * 6,
    "a web token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
    "a bcrypt hash": "$2b$12$" + "abcdefghijklmnopqrstuv" + "ABCDEFGHIJKLMNOPQRSTUVWXYZ01234",
    "an argon2 hash": "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$aGFzaGhhc2hoYXNo",
    "a Django hash": "pbkdf2_sha256$600000$salt$" + "QUJD" * 11,
    "a password in a note": "vpn password: tr0ub4dor&3",
}


@pytest.mark.parametrize("value", SECRETS.values(), ids=SECRETS.keys())
def test_secrets_are_found(value):
    assert rates([value, "nothing"])["secret"] == 0.5


def test_varied_values_are_secrets_where_the_column_is_named_for_them():
    values = ["hunter2!", "correcthorse", "S3cr3t-x9"]
    assert rates(values, name="user_password") == {"secret": 1.0}
    assert rates(values, name="colour") == {}
    assert rates(["yes", "no"] * 5, name="password_set") == {}


def test_network_cards_are_found_in_their_three_writings():
    assert rates(["00:1A:2B:3C:4D:5E", "00-1A-2B-3C-4D-5E", "001a.2b3c.4d5e"]) == {"mac_address": 1.0}
    assert rates(["20-11-22-10-30-45"] * 5) == {}
