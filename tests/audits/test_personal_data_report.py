"""``countersign evaluate pii``: rates that policies read, tables for people, nothing of the values themselves."""

from __future__ import annotations

import json
import random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audits.evaluate import evaluate
from audits.evaluate_cli import main
from audits.measures.personal_data.findings import find
from audits.measures.personal_data.masking import masked
from audits.measures.personal_data.scanning import scan_batches
from registry.errors import InvalidInput
from tests.audits.personal_data_cases import american_phones, cards, chinese_mobiles, rates, scan_table

MAILS = [f"ada{i}@example.org" for i in range(30)]


@pytest.fixture
def customers(tmp_path):
    path = tmp_path / "customers.parquet"
    table = {
        "id": list(range(40)),
        "contact": MAILS + ["  "] * 5 + [None] * 5,
        "mobile": chinese_mobiles(40),
        "amount": [i / 7 for i in range(40)],
        "photo": pa.array([b"\xff\xfe"] * 40, pa.binary()),
        "gone": pa.array([None] * 40, pa.string()),
    }
    pq.write_table(pa.table(table), path)
    return path


def by_slice(report):
    return {(m["slice"]["column"], m["slice"]["entity"]): m for m in report["measurements"]}


def records(report, name):
    series = next(item for item in report["series"] if item["name"] == name)
    return [dict(zip(series["columns"], row, strict=True)) for row in series["rows"]]


def test_every_scanned_column_says_how_much_of_it_is_personal(customers):
    found = by_slice(evaluate("pii", [customers], {}))
    assert {key: m["value"] for key, m in found.items()} == {
        ("id", "any"): 0.0, ("contact", "email"): 1.0, ("contact", "any"): 1.0, ("mobile", "phone"): 1.0,
        ("mobile", "any"): 1.0, ("amount", "any"): 0.0, ("gone", "any"): 0.0,
    }  # fmt: skip
    mail = found["contact", "email"]
    assert (mail["n"], mail["low"], mail["high"], mail["method"]) == (30, 1.0, 1.0, "full scan")
    assert found["gone", "any"]["note"] == "the column holds no values"


def test_a_column_of_bytes_is_not_scanned_and_says_so(customers):
    report = evaluate("pii", [customers], {})
    assert not any(column == "photo" for column, _ in by_slice(report))
    assert "column 'photo' holds no text, number or day (other): it was not scanned" in report["warnings"]


def test_bytes_that_are_text_are_scanned():
    assert rates(pa.array([mail.encode() for mail in MAILS], pa.binary())) == {"email": 1.0}


def test_the_table_names_country_confidence_and_why_with_masked_examples(customers):
    rows = {row["column"]: row for row in records(evaluate("pii", [customers], {}), "personal_data")}
    mobile = rows["mobile"]
    assert (mobile["entity"], mobile["country"], mobile["found"], mobile["values"], mobile["distinct"]) == (
        "phone",
        "CN",
        40,
        40,
        40,
    )
    assert mobile["confidence"] >= 0.95
    assert "the name says phone" in mobile["why"]
    assert len(mobile["examples"]) == 3
    assert all(example.startswith("*********") and len(example) == 11 for example in mobile["examples"])
    assert rows["contact"]["examples"][0] in {"****@*******.***", "*****@*******.***"}


def test_the_report_holds_nothing_of_the_values(tmp_path):
    columns = {"contact": MAILS, "mobile": chinese_mobiles(30), "card": cards(30), "phone": american_phones(30)}
    columns["note"] = [f"my password: geh3im-{i}-{mail}" for i, mail in enumerate(MAILS)]
    path = tmp_path / "secret.parquet"
    pq.write_table(pa.table(columns), path)
    text = json.dumps(evaluate("pii", [path], {})["series"] + evaluate("pii", [path], {})["measurements"])
    for values in columns.values():
        for value in values:
            assert not any(
                value[i : i + 5] in text
                for i in range(len(value) - 4)
                if value[i : i + 5].isalnum() and any(c.isdigit() for c in value[i : i + 5])
            )


@given(st.text(min_size=1, max_size=60), st.sampled_from(["email", "phone", "credit_card", "secret", "postal_address"]))
def test_a_masked_example_never_shows_three_letters_or_digits_in_a_row(value, entity):
    shown = masked(value, entity)
    assert len(shown) <= 49
    run = 0
    for character in shown:
        run = run + 1 if character.isalnum() else 0
        assert run < 3


def test_examples_do_not_depend_on_order():
    values = MAILS + chinese_mobiles(50)
    shuffled = random.Random(5).sample(values, len(values))
    assert scan_table({"x": values}) == scan_table({"x": shuffled})


def tallied(parts, kinds):
    return [scan_batches(part.to_batches(), kinds, lambda rows, columns: None) for part in parts]


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 4))
def test_parts_that_are_added_up_are_the_whole(seed, count):
    draw = random.Random(seed)
    pool = [
        *MAILS,
        *chinese_mobiles(20),
        *cards(20),
        "4000000000000000",
        "call 415-555-0132",
        "1985-07-30",
        None,
        " ",
        "2.0",
    ]
    table = pa.table({"x": [draw.choice(pool) for _ in range(120)], "y": [draw.randrange(10**12) for _ in range(120)]})
    kinds = {"x": "text", "y": "integer"}
    whole = find(tallied([table], kinds)[0])
    cuts = sorted(draw.randrange(121) for _ in range(count))
    parts = [table.slice(a, b - a) for a, b in zip([0, *cuts], [*cuts, 120], strict=True)]
    first, *others = tallied([part for part in parts if len(part)], kinds)
    for other in others:
        for mine, theirs in zip(first, other, strict=True):
            mine.absorb(theirs)
    assert find(first) == whole


def test_rows_that_are_repeated_change_no_rate_and_no_confidence():
    values = [*MAILS, "nothing", "call 415-555-0132"]
    once, thrice = scan_table({"x": values})["x"], scan_table({"x": values * 3})["x"]
    assert [(f.entity, f.rate, f.confidence, f.distinct) for f in once.findings] == [
        (f.entity, f.rate, f.confidence, f.distinct) for f in thrice.findings
    ]


def test_many_distinct_values_are_counted_in_bounded_parts():
    count = 150_000
    values = [f"ada{i}@example.org" for i in range(count)]
    found = scan_table({"x": values})["x"].findings[0]
    assert (found.found, found.rate) == (count, 1.0)
    assert not found.distinct_exact
    assert found.distinct == pytest.approx(count, rel=0.02)


def test_a_sample_is_drawn_by_key_and_has_an_interval(tmp_path):
    path = tmp_path / "rows.parquet"
    pq.write_table(
        pa.table({"id": range(2000), "contact": [MAILS[i % 30] if i % 4 == 0 else "none" for i in range(2000)]}), path
    )
    report = evaluate("pii", [path], {"sample": 400, "key": ["id"], "columns": ["contact"]})
    rate = by_slice(report)["contact", "email"]
    assert (rate["n"], rate["method"], rate["confidence"]) == (400, "wilson", 0.95)
    assert 0 < rate["low"] < rate["value"] < rate["high"] < 1
    assert rate["low"] < 0.25 < rate["high"]
    assert report == evaluate("pii", [path], {"sample": 400, "key": ["id"], "columns": ["contact"]})


@pytest.mark.parametrize(
    ("parameters", "field", "words"),
    [
        ({"columns": ["mail"]}, "columns", "there is no column 'mail'"),
        ({"sample": 10}, "key", "a sample is drawn by key"),
        ({"key": ["id"]}, "sample", "a key is for a sample"),
        ({"sample": 10, "key": ["nr"]}, "key", "there is no column 'nr'"),
        ({"sample": -1, "key": ["id"]}, "sample", "sample must be a whole number"),
        ({"column": ["id"]}, "column", "pii has no parameter 'column'"),
        ({"columns": "id"}, "columns", "columns must be a list"),
    ],
)
def test_impossible_parameters_are_refused_by_name(customers, parameters, field, words):
    with pytest.raises(InvalidInput, match=words) as caught:
        evaluate("pii", [customers], parameters)
    assert caught.value.field == field


def test_the_command_prints_one_object_and_exits_2_on_a_column_that_is_not_there(customers, capsys):
    assert main(["pii", str(customers), "--columns", "contact,mobile", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["kind"] == "pii"
    assert report["parameters"] == {
        "columns": ["contact", "mobile"],
        "sample": 0,
        "key": [],
        "free_text": False,
        "seed": 0,
    }
    assert main(["pii", str(customers), "--columns", "contact,mail"]) == 2
    assert "there is no column 'mail'" in capsys.readouterr().err


def test_csv_is_read_with_its_leading_zeros(tmp_path):
    path = tmp_path / "people.csv"
    path.write_text("full_name,phone\nAda Lovelace,020 7946 0958\nGrace Hopper,020 7946 0123\n", encoding="utf-8")
    found = by_slice(evaluate("pii", [path], {}))
    assert found["phone", "phone"]["value"] == found["full_name", "person_name"]["value"] == 1.0


def test_national_numbers_have_their_country_in_the_warnings(tmp_path):
    from stdnum.pl import pesel

    fronts = [f"85{month:02d}{day:02d}{month}{day}12"[:10] for month in range(1, 10) for day in range(10, 20)]
    path = tmp_path / "people.parquet"
    pq.write_table(pa.table({"nr": [front + pesel.calc_check_digit(front) for front in fronts]}), path)
    assert "national_id in column 'nr' has the form of PL" in evaluate("pii", [path], {})["warnings"]


def test_running_text_is_pointed_out(tmp_path):
    path = tmp_path / "notes.parquet"
    pq.write_table(pa.table({"note": ["the customer asked to be called back tomorrow morning"] * 4}), path)
    assert any(warning.startswith("running text in 'note'") for warning in evaluate("pii", [path], {})["warnings"])


@pytest.mark.parametrize(
    "evil",
    [
        "a" * 200_000 + "@", "@." * 100_000, "a." * 100_000 + "@", "1 " * 100_000, "1-" * 100_000 + "x", "::" * 100_000,
        "http://" + "a:" * 90_000, "Aa " * 60_000, "eyJ" * 60_000, "0" * 200_000, "路1号" * 30_000, "1.1." * 50_000, "\x1e" * 1000,
    ],
    ids=lambda text: repr(text[:8]),
)  # fmt: skip
def test_no_value_takes_more_than_linear_time(evil):
    assert scan_table({"x": [evil, "ada@example.org"]})["x"].values == 2 - (evil == "\x1e" * 1000)


def test_dictionaries_booleans_and_empty_tables_are_read():
    table = scan_table(
        {
            "d": pa.array(MAILS).dictionary_encode(),
            "b": [True] * 30,
            "t": np.datetime64("2024-01-01T10:00:00") + np.arange(30),
        }
    )
    assert {name: column.any for name, column in table.items()} == {"d": 30, "b": 0, "t": 0}
    assert scan_table({"x": pa.array([], pa.string())})["x"].values == 0
