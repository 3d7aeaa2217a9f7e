"""Manifests and policies are YAML written by strangers: what is read, what is refused, and how fast."""

from __future__ import annotations

import json
import re
import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from registry.errors import InvalidInput
from registry.safe_yaml import load_yaml


def load(text: str | bytes, **limits):
    return load_yaml(text if isinstance(text, bytes) else text.encode(), what="manifest.yaml", **limits)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026.11.1", "2026.11.1"),
        ("2026-11-21", "2026-11-21"),
        ("2026-11-21T06:00:00Z", "2026-11-21T06:00:00Z"),
        ("12:30:45", "12:30:45"),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("off", "off"),
        ("1_000", "1_000"),
        ("007", "007"),
        ("0123456", "0123456"),
        ("'1.10'", "1.10"),
        ('"true"', "true"),
        ("=", "="),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("7", 7),
        ("-7", -7),
        ("+7", 7),
        ("0", 0),
        ("0o17", 15),
        ("0x1F", 31),
        ("0.8", 0.8),
        (".5", 0.5),
        ("1.", 1.0),
        ("1e3", 1000.0),
        ("-2.5E-1", -0.25),
        ("9007199254740991", 2**53 - 1),
        ("1.2.3", "1.2.3"),
        ("e5", "e5"),
        (".", "."),
        ("-", [None]),
    ],
)
def test_plain_scalars_follow_the_core_schema(text, value):
    loaded = load(f"key: {text}" if value != [None] else "key:\n  -")
    assert loaded == {"key": value}
    assert type(loaded["key"]) is type(value)


def test_a_manifest_is_read():
    text = """
model: mortgage-approval
version: 2026.11.1
training: {dataset: hmda-boston@1990, parameters: {depth: 3, rate: 0.1}, seed: 7}
schema:
  sensitive: [race, sex]
  note: |
    two
    lines
components: []
"""
    assert load(text) == {
        "model": "mortgage-approval",
        "version": "2026.11.1",
        "training": {"dataset": "hmda-boston@1990", "parameters": {"depth": 3, "rate": 0.1}, "seed": 7},
        "schema": {"sensitive": ["race", "sex"], "note": "two\nlines\n"},
        "components": [],
    }


def test_a_byte_order_mark_is_passed_over():
    assert load(b"\xef\xbb\xbfmodel: m") == {"model": "m"}


@pytest.mark.parametrize(
    ("text", "says", "line", "column"),
    [
        ("a: &x 1", "anchors", 1, 4),
        ("&x a: 1", "anchors", 1, 1),
        ("a: 1\nb: *x", "aliases", 2, 4),
        ("a: !!python/object/apply:os.system [ls]", "tags", 1, 4),
        ("a: !!str 1", "tags", 1, 4),
        ("a: !mine 1", "tags", 1, 4),
        ("a: ! 1", "tags", 1, 4),
        ("<<: {a: 1}", "merge keys", 1, 1),
        ("a: 1\nb: 2\na: 3", "duplicate key 'a', first in line 1", 3, 1),
        ("{a: 1, 'a': 2}", "duplicate key", 1, 8),
        ("1: x", "a key must be text: put '1' in quotes", 1, 1),
        ("true: x", "a key must be text", 1, 1),
        ("~: x", "a key must be text", 1, 1),
        ("? [a]\n: x", "a key must be text, not a list", 1, 3),
        ("? {a: 1}\n: x", "a key must be text, not a list", 1, 3),
        ("a: .nan", "not a number", 1, 4),
        ("a: -.inf", "not a number", 1, 4),
        ("a: 1e999", "too large for a number", 1, 4),
        ("a: 9007199254740992", "too large for an integer; quote it", 1, 4),
        ("a: " + "9" * 5000, "too large for an integer", 1, 4),
        ("a: 0x" + "f" * 5000, "too large for an integer", 1, 4),
        ("a: 1\n---\nb: 2", "second document", 2, 1),
        ("a: [1, 2}", "',' or ']'", 1, 9),
        ("a:\n\t- b", "cannot start any token", 2, 1),
    ],
)
def test_what_is_refused_is_named_with_its_place(text, says, line, column):
    with pytest.raises(InvalidInput) as refusal:
        load(text)
    assert says in refusal.value.message
    assert f"manifest.yaml, line {line}, column {column}:" in refusal.value.message
    assert refusal.value.details == {"line": line, "column": column}


def test_another_encoding_is_named():
    with pytest.raises(InvalidInput, match=r"not UTF-8: byte 0xe9 in line 2"):
        load("a: 1\nb: café".encode("latin-1"))
    with pytest.raises(InvalidInput, match="not UTF-8"):
        load("a: 1".encode("utf-16"))


@pytest.mark.parametrize("data", [b"", b"# nothing but a comment\n", b"\xef\xbb\xbf"])
def test_an_empty_document_is_refused(data):
    with pytest.raises(InvalidInput, match=r"manifest\.yaml is empty"):
        load(data)


@pytest.mark.parametrize("data", [b"a: \x00", b"a: \x07", "a: \ufffe".encode()])
def test_control_characters_are_refused(data):
    with pytest.raises(InvalidInput):
        load(data)


def test_too_large_is_refused():
    with pytest.raises(InvalidInput, match="11 bytes long; at most 10"):
        load("a: 34567890", max_bytes=10)
    assert load("a: 4567890", max_bytes=10) == {"a": 4567890}


def test_too_deep_is_refused():
    assert load("[" * 40 + "]" * 40)
    with pytest.raises(InvalidInput, match="nested more than 40 deep"):
        load("[" * 41 + "]" * 41)
    with pytest.raises(InvalidInput, match="nested more than 2 deep"):
        load("{a: {b: {c: 1}}}", max_depth=2)


LAUGHS = "a: &a [lol,lol,lol]\n" + "".join(
    f"{new}: &{new} [{','.join(['*' + old] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "bomb",
    [
        LAUGHS,
        "[" * 900_000,
        "{a: " * 200_000,
        "- " * 400_000,
        "? " * 400_000,
        "a: 1\n" + "a: 1\n" * 190_000,
        "a: " + "9" * 990_000,
        "&" * 900_000,
        "!" * 900_000,
        "'" * 999_999,
        "a" * 2_000_000,
    ],
    ids=[
        "laughs",
        "lists",
        "mappings",
        "dashes",
        "questions",
        "repeats",
        "digits",
        "anchors",
        "tags",
        "quotes",
        "size",
    ],
)
def test_bombs_are_refused_fast(bomb):
    begin = time.perf_counter()
    with pytest.raises(InvalidInput):
        load(bomb)
    assert time.perf_counter() - begin < 5


# YAML 1.2, which we read, takes 0E0 and 0o7 for numbers; PyYAML writes YAML 1.1, where they are plain text.
BETWEEN_VERSIONS = re.compile(r"[-+.]*[0-9][-+.0-9_]*[eEoO][-+0-9]+")

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn", "Co"])).filter(
        lambda text: not BETWEEN_VERSIONS.fullmatch(text)
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcde_", min_size=1), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_every_value_survives_being_written_by_another_library(value):
    assert load(yaml.safe_dump(value, allow_unicode=True)) == value


@given(JSON)
def test_json_is_read_as_json_reads_it(value):
    assert load(json.dumps(value, ensure_ascii=False)) == value


@given(st.binary(max_size=200) | st.text("ab:-[]{},&*!|>'\"%@`#? \n\t0.~<", max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused(data):
    try:
        value = load(data)
    except InvalidInput:
        return
    assert json.loads(json.dumps(value, allow_nan=False)) == value
