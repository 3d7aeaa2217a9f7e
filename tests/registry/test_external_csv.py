"""A CSV of another registry: encodings, delimiters, and errors that name row and column."""

from __future__ import annotations

import pytest

from registry.errors import InvalidInput
from registry.external_csv import MAX_BYTES, MAX_ROWS, read_external_csv


def read(text: str, encoding: str = "utf-8"):
    return read_external_csv(text.encode(encoding))


def errors_of(text: str):
    with pytest.raises(InvalidInput) as raised:
        read(text)
    return raised.value


def test_columns_become_facts_and_blank_cells_say_nothing():
    (fact,) = read("model,version,owner,stage,aliases,tag:team\nchurn,3,Tony,,champion; blue,risk\n").facts
    assert fact.key == ("churn", "3")
    assert fact.facts == {"owner": "Tony", "aliases": ["champion", "blue"], "tags": {"team": "risk"}}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_whatever_a_spreadsheet_writes_is_read_alike(delimiter, encoding, end):
    text = end.join(delimiter.join(row) for row in (["model", "version", "owner"], ["crédit", "1", "Zoë"], []))
    (fact,) = read(text, encoding).facts
    assert (fact.model, fact.version, fact.facts) == ("crédit", "1", {"owner": "Zoë"})


def test_excels_first_line_and_quoted_cells_with_line_ends_are_read():
    text = 'sep=;\nModel;Version;Description\n"a;b";1;"two\nlines, ""quoted"""\n'
    (fact,) = read(text).facts
    assert (fact.model, fact.facts["description"]) == ("a;b", 'two\nlines, "quoted"')


def test_what_is_not_utf_8_is_read_as_windows_1252_and_says_so():
    said = read("model;version;owner\nkredit;1;Müller\n", "cp1252")
    assert said.facts[0].facts["owner"] == "Müller"
    assert said.encoding == "Windows-1252"
    assert len(said.notes) == 1
    assert read("model,version\na,1\n").notes == ()


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "file"),
        ("model,version\n", "file"),
        ("name,version\na,1\n", "row 1"),
        ("model,version,colour\na,1,red\n", "row 1, colour"),
        ("model,version,model\na,1,a\n", "row 1, model"),
        ("model,version,tag:\na,1,a\n", "row 1, tag:"),
        ("model,version\na,1\n,2\n", "row 3, model"),
        ("model,version\na,1\n\nb,\n", "row 4, version"),
        ("model,version\na,1\na,1\n", "row 3, version"),
        ("model,version\na,1,surplus\n", "row 2, last column"),
        (f"model,version\n{'a' * 301},1\n", "row 2, model"),
        (f"model,version\na,{'1' * 201}\n", "row 2, version"),
        ("model,version\na\x07b,1\n", "row 2, model"),
        ('model,version\n"a,1\n', "row 2"),
    ],
)
def test_an_error_names_row_and_column(text, field):
    assert errors_of(text).field == field


def test_all_errors_are_told_at_once():
    error = errors_of("model,version\n,1\nb,\nc,1\n")
    assert [item["field"] for item in error.details["errors"]] == ["row 2, model", "row 3, version"]


def test_a_repeated_row_names_the_first():
    assert "stands in row 2 already" in errors_of("model,version\na,1\nb,1\na,1\n").message


def test_too_much_is_refused():
    rows = "".join(f"m,{number}\n" for number in range(MAX_ROWS + 1))
    assert errors_of("model,version\n" + rows).field == f"row {MAX_ROWS + 2}"
    assert len(read("model,version\n" + rows.rpartition("m,")[0]).facts) == MAX_ROWS
    with pytest.raises(InvalidInput, match="split it"):
        read_external_csv(b"x" * (MAX_BYTES + 1))


def test_no_bytes_make_it_fall_over():
    for data in (b"\xff\xfe", b"\x81\x8d", b"\x00" * 40, b"model,version\n\xff\xff,1\n", b"\xff\xfe\x00\xd8model"):
        try:
            read_external_csv(data)
        except InvalidInput:
            continue


def test_what_no_database_holds_is_replaced_in_facts():
    (fact,) = read("model,version,owner\na,1,x\x00y\n").facts
    assert fact.facts["owner"] == "x\ufffdy"
