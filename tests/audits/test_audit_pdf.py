"""The audit PDF: archival, complete, reproducible, with the evidence inside, made without a network."""

from __future__ import annotations

import io
import os
import re
import socket
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

import pytest
from pypdf import PdfReader

from audits.audit_pdf import audit_pdf, pdf_from_html
from audits.wording import STATUS_MARKS
from registry.errors import IntegrityFailure, InvalidInput
from tests.audits.dossier_factory import blocked, poisoned, promoted, rule
from tests.audits.test_model_card import PAYLOADS

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def bare():
    whole = promoted()
    return replace(
        whole, artifacts=(), lineage=(), evaluations=(), stages=(), sign_offs=(), promotion=None, changes=(), compared_with=None,
        ledger=(), checkpoint=None, manifest={}, verdict=replace(whole.verdict, rules=(), outcome="blocked"),
    )  # fmt: skip


@cache
def rendered(make) -> bytes:
    return audit_pdf(make(), make().canonical())


def pages(data: bytes) -> list[str]:
    return [" ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(data)).pages]


def test_it_is_pdf_a_3_by_its_own_metadata():
    reader = PdfReader(io.BytesIO(rendered(promoted)))
    xmp = reader.trailer["/Root"]["/Metadata"].get_object().get_data().decode()
    assert re.search(r'pdfaid:part(="|>)3', xmp)
    assert re.search(r'pdfaid:conformance(="|>)U', xmp)
    assert "/OutputIntents" in reader.trailer["/Root"]
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"].value
    assert reader.trailer["/Root"]["/Lang"] == "en"
    assert reader.metadata.title == "mortgage-approval 2026.11.2: audit dossier for production"


def test_every_font_is_embedded():
    fonts = [
        font.get_object()
        for page in PdfReader(io.BytesIO(rendered(promoted))).pages
        for font in page["/Resources"].get("/Font", {}).values()
    ]
    assert fonts
    for font in fonts:
        (descendant,) = font["/DescendantFonts"]
        descriptor = descendant.get_object()["/FontDescriptor"].get_object()
        assert {"/FontFile2", "/FontFile3"} & set(descriptor), font["/BaseFont"]


def test_the_evidence_is_embedded_byte_for_byte_as_an_associated_file():
    reader = PdfReader(io.BytesIO(rendered(promoted)))
    assert reader.attachments == {"dossier.json": [promoted().canonical()]}
    (file,) = reader.trailer["/Root"]["/AF"]
    assert file.get_object()["/AFRelationship"] == "/Source"


def test_evidence_of_another_decision_is_not_embedded():
    other = replace(promoted(), subject_sha256="0" * 64)
    with pytest.raises(IntegrityFailure, match="another decision"):
        audit_pdf(promoted(), other.canonical())
    with pytest.raises(IntegrityFailure):
        audit_pdf(promoted(), b"[]")
    with pytest.raises(InvalidInput, match="evidence is not valid JSON"):
        audit_pdf(promoted(), b"{")


def test_the_cover_tells_what_was_decided_and_where_to_check_it():
    cover = pages(rendered(promoted))[0]
    for words in (
        "mortgage-approval 2026.11.2", "for production", "promoted", "20 November 2026, 15:08 UTC", promoted().subject_sha256,
        promoted().verification_url, "Mortgage underwriting", "Tony Hoare", "consumer-credit v4",
    ):  # fmt: skip
        assert words in cover, words
    assert "page 1 of" not in cover


def test_every_other_page_has_its_running_head_and_number():
    all_pages = pages(rendered(promoted))
    assert len(all_pages) > 8
    for number, text in enumerate(all_pages[1:], start=2):
        assert "mortgage-approval 2026.11.2 for production" in text
        assert promoted().subject_sha256[:12] in text
        assert f"page {number} of {len(all_pages)}" in text


def test_the_contents_point_to_the_pages_where_the_sections_begin():
    all_pages = pages(rendered(promoted))
    entries = dict(re.findall(r"(\w) ([A-Z][\w ,-]+?)(?: \.)+ (\d+)", all_pages[1]) and [
        (title, int(page)) for _, title, page in re.findall(r"(\w) ([A-Z][\w ,-]+?)(?: \.)+ (\d+)", all_pages[1])
    ])  # fmt: skip
    assert list(entries) == [
        "Summary", "The verdict, rule by rule", "Evidence", "Sign-offs", "What it is made of", "What changed", "Model card",
        "Ledger excerpt", "Tables behind the figures", "Evaluations", "Digests in full",
    ]  # fmt: skip
    for title, page in entries.items():
        assert title in all_pages[page - 1], title
    assert entries["Summary"] == 3
    assert entries["The verdict, rule by rule"] == 4


@pytest.mark.parametrize("make", [promoted, blocked])
def test_every_rule_stands_there_with_its_status_what_it_asks_and_what_was_seen(make):
    text = " ".join(pages(rendered(make)))
    for item in make().verdict.rules:
        for words in (
            item["title"],
            item["expected"],
            item["observed"],
            item["fix"] if item["status"] != "pass" else "",
        ):
            assert words in text, words
        assert f"{STATUS_MARKS[item['status']]} {item['status']}" in text


def test_signatures_lineage_changes_documents_ledger_and_tables_are_there():
    text = " ".join(pages(rendered(promoted)))
    for item in promoted().sign_offs:
        assert item.printed_name in text
        assert item.record_sha256 in text
    assert "Acknowledged as inconclusive: impact-ratio and equal-opportunity." in text
    for words in (
        "hmda-boston@1990",
        "revision 2",
        "owner-occupied mortgage applications",
        "sign_off.recorded",
        "0.698–0.850",
    ):
        assert words in text, words
    for line in promoted().ledger:
        assert line.hash in text
    assert "412 entries" in text


def test_a_blocked_version_says_what_is_not_there():
    text = " ".join(pages(rendered(blocked)))
    for words in (
        "Nobody has signed this version for production.", "This version has not been promoted to production.",
        "No section of the model card is filled in.", "No checkpoint covers these entries yet",
        "there is nothing to compare with", "score 1.7 lies outside 0 to 1 (file predictions.parquet, row 17)",
    ):  # fmt: skip
        assert words in text, words


def test_a_version_of_which_nothing_is_known_yet_can_still_be_printed():
    text = " ".join(pages(rendered(bare)))
    for words in (
        "The policy has no rules.",
        "No review was opened.",
        "No lineage is recorded.",
        "No evaluation was run.",
        "no figures",
    ):
        assert words in text, words


def test_the_summary_keeps_to_one_page_however_many_rules_there_are():
    whole = promoted()
    many = tuple(
        rule(f"rule-{i}", "documentation", "fail" if i == 29 else "pass", f"Rule number {i}", "seen", "asked")
        for i in range(30)
    )
    dossier = replace(whole, verdict=replace(whole.verdict, rules=many))
    all_pages = pages(audit_pdf(dossier, dossier.canonical()))
    assert "Rule number 29" in all_pages[2]
    assert "And 23 more, in section 2" in all_pages[2]
    assert "The verdict, rule by rule" in all_pages[3]


def test_no_page_is_left_with_three_lines():
    for make in (promoted, blocked):
        for number, page in enumerate(PdfReader(io.BytesIO(rendered(make))).pages, start=1):
            lines = [line for line in page.extract_text().splitlines() if line.strip()]
            assert len(lines) > 3 + 3, f"{make.__name__} page {number}"


def test_the_same_dossier_gives_the_same_bytes_in_another_process():
    code = (
        "import sys; from tests.audits.dossier_factory import promoted; from audits.audit_pdf import audit_pdf;"
        "sys.stdout.buffer.write(audit_pdf(promoted(), promoted().canonical()))"
    )
    other = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True,
        env={**os.environ, "PYTHONHASHSEED": "4711", "TZ": "Asia/Tokyo", "LC_ALL": "C"},
    )  # fmt: skip
    assert other.stdout == rendered(promoted)


def test_letter_is_another_document_on_another_page():
    letter = audit_pdf(blocked(), blocked().canonical(), page_size="Letter")
    assert [round(float(side)) for side in PdfReader(io.BytesIO(letter)).pages[0].mediabox[2:]] == [612, 792]
    assert [round(float(side)) for side in PdfReader(io.BytesIO(rendered(blocked))).pages[0].mediabox[2:]] == [595, 842]
    with pytest.raises(InvalidInput, match="A4 or Letter"):
        audit_pdf(blocked(), blocked().canonical(), page_size="A3")


@pytest.mark.parametrize(
    "html",
    [
        "<img src='http://127.0.0.1:9/pixel.png'>",
        "<img src='file:///etc/passwd'>",
        "<img src='data:image/png;base64,AAAA'>",
        "<link rel=stylesheet href='https://evil.example/x.css'>",
        "<style>@import url(file:///etc/passwd);</style>",
        "<p style='background:url(http://evil.example/x.png)'>x",
        "<style>@font-face { font-family: x; src: url(http://evil.example/x.ttf) } p { font-family: x }</style><p>x",
        "<svg width=9 height=9><image href='file:///etc/passwd' width=9 height=9/></svg>",
        "<object data='ftp://evil.example/x.pdf'></object>",
        "<a rel=attachment href='file:///etc/passwd'>x</a>",
    ],
)
def test_whatever_asks_for_a_file_or_the_network_stops_the_document(html, monkeypatch):
    def connect(*_):
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", connect)
    with pytest.raises((IntegrityFailure, InvalidInput), match="the PDF was not made"):
        pdf_from_html(f"<html lang=en><title>x</title>{html}", evidence_json=b"{}", identifier=b"0" * 16, moment=NOON)


@pytest.mark.parametrize("html", ["<img src='pixel.png'>", "<a href='#nowhere'>x</a>", "<p style='color: nocolour'>x"])
def test_whatever_the_renderer_would_only_warn_of_stops_the_document(html):
    with pytest.raises(InvalidInput, match="the PDF was not made"):
        pdf_from_html(f"<html lang=en><title>x</title>{html}", evidence_json=b"{}", identifier=b"0" * 16, moment=NOON)


def test_people_cannot_make_the_document_ask_for_anything_nor_stop_it(monkeypatch):
    def connect(*_):
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", connect)
    asking = [payload for payload in PAYLOADS if "evil.example" in payload or "file:" in payload]
    payload = "\n\n".join(
        [*asking, "[x](#nowhere)", "[x](relative.html)", "[x](http://[)", "\x00\x0b\x1f 日本語 alert(1)"]
    )
    dossier = replace(poisoned(payload), evaluations=(), manifest={}, ledger=(), artifacts=(), lineage=())
    text = " ".join(pages(audit_pdf(dossier, dossier.canonical())))
    assert "root:x:0" not in text
    assert "alert(1)" in text
    assert "日" in text or "[U+65E5]" in text


def test_a_letter_that_no_font_has_is_spelled_as_its_code_point():
    dossier = replace(bare(), subject=replace(promoted().subject, submitted_by="Ada \U0001e900"))
    assert "Ada [U+1E900]" in pages(audit_pdf(dossier, dossier.canonical()))[0]


def test_marks_that_reverse_the_reading_order_do_not_reach_the_paper():
    dossier = replace(bare(), decision=replace(promoted().decision, sentence="\u202edevorppa\u202c said mallory"))
    assert "devorppa said mallory" in pages(audit_pdf(dossier, dossier.canonical()))[0]
