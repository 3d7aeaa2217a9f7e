"""Running text goes through presidio-analyzer where it is installed, without network; where it is not, the report says so."""

from __future__ import annotations

import socket

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audits.evaluate import evaluate
from audits.measures.personal_data import free_text

NOTES = [
    "please send the invoice to the address that you have on file",
    "my bank account is GB33BUKB20201555555555, thank you",
]


@pytest.fixture
def notes(tmp_path):
    path = tmp_path / "notes.parquet"
    pq.write_table(pa.table({"note": NOTES, "id": [1, 2]}), path)
    return path


def test_absent_presidio_is_said_and_the_rest_is_measured(notes, monkeypatch):
    monkeypatch.setattr(free_text, "find_spec", lambda name: None)
    report = evaluate("pii", [notes], {"free_text": True})
    assert free_text.ABSENT in report["warnings"]
    rates = {tuple(m["slice"].values()): m["value"] for m in report["measurements"]}
    assert rates["note", "iban"] == 0.5


def test_what_presidio_finds_is_told_apart_and_added(notes, monkeypatch):
    """With a stand-in for presidio's registry, so that the way from its results to the report is tested everywhere."""

    class Result:
        entity_type, score, start, end = "US_SSN", 0.85, 0, 6

    class Recognizer:
        supported_entities = ("US_SSN",)

        @staticmethod
        def analyze(text, entities, artifacts):
            return [Result()] if "invoice" in text else []

    def stand_in():
        yield lambda texts, left: free_text._analyse([Recognizer()], texts, left)

    monkeypatch.setattr(free_text, "installed", lambda: True)
    monkeypatch.setattr(free_text, "presidio", free_text.contextmanager(stand_in))
    report = evaluate("pii", [notes], {"free_text": True})
    rates = {tuple(m["slice"].values()): m["value"] for m in report["measurements"]}
    assert rates["note", "us_ssn"] == 0.5
    assert rates["note", "any"] == 1.0
    assert free_text.LIMITED in report["warnings"]


def test_presidio_itself_without_network(notes, monkeypatch):
    pytest.importorskip("presidio_analyzer")

    def refused(*args, **kwargs):
        raise AssertionError("presidio asked for the network")

    monkeypatch.setattr(socket.socket, "connect", refused)
    pq.write_table(
        pa.table({"note": ["reach us under the number +44 20 7946 0958, or at ada@example.org, any time"]}), notes
    )
    report = evaluate("pii", [notes], {"free_text": True})
    found = {row[1] for row in report["series"][0]["rows"]}
    assert {"email", "phone"} <= found
    assert free_text.LIMITED in report["warnings"]
