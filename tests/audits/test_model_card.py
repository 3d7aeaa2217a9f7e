"""The model card says the same in JSON, Markdown and HTML, and nothing that people write into it becomes active."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from audits.markdown import html_from_markdown
from audits.model_card import card_html, card_json, card_markdown
from registry.canonical import canonical_json
from tests.audits.dossier_factory import blocked, evaluation, poisoned, promoted

PAYLOADS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![x](http://evil.example/pixel.png)",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt&#58;alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x][y]\n\n[y]: javascript:alert(1)",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "<javascript:alert(1)>",
    "<a href='vbscript:x'>x</a>",
    "[x](file:///etc/passwd)",
    "<iframe src=file:///etc/passwd></iframe>",
    "<svg onload=alert(1)><use href='http://evil.example/#x'/></svg>",
    "<style>@import url(http://evil.example/x.css)</style>",
    "<link rel=stylesheet href=http://evil.example/x.css>",
    "</style></head><body onload=alert(1)>",
    "{{ 7|add:7 }}{% include '/etc/passwd' %}",
    '"><form action=http://evil.example><input></form>',
    "`<script>` and\n\n    <script>alert(1)</script>",
    "| a |\n| --- |\n| <script>alert(1)</script> |",
    "[x](//evil.example 'onmouseover=alert(1)')",
    "<math><mtext></mtext><mglyph><style><img src=x onerror=alert(1)></style></math>",
]


class Elements(HTMLParser):
    """Collects every start tag with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def assert_inert(html: str, *, relative: bool = False) -> None:
    active = {
        "script",
        "img",
        "iframe",
        "object",
        "embed",
        "form",
        "input",
        "link",
        "base",
        "video",
        "audio",
        "math",
        "foreignobject",
    }
    for tag, attributes in Elements(html).found:
        assert tag not in active
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            assert name not in {"style", "src", "srcdoc", "formaction", "action"}, (tag, name)
            if name in {"href", "xlink:href"}:
                scheme = re.match(r"[\s\x00-\x1f]*([a-z][a-z0-9+.-]*):", value or "", re.IGNORECASE)
                harmless = scheme is None and (relative or (value or "").startswith("#"))
                assert harmless or (scheme and scheme.group(1).lower() in {"http", "https", "mailto"}), (tag, value)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_markdown_of_people_is_inert(payload):
    assert_inert(html_from_markdown(payload))
    assert_inert(html_from_markdown(f"text\n\n- {payload}\n\n> {payload}"))


@pytest.mark.parametrize("joint", [" ", "\n\n"])
def test_a_card_poisoned_everywhere_is_inert(joint):
    html = card_html(poisoned(joint.join(PAYLOADS)))
    assert html.count("<style>") == 1
    assert_inert(html)
    assert "{{ 7|add:7 }}" in html


@pytest.mark.parametrize("payload", PAYLOADS)
def test_the_markdown_card_is_inert_even_where_raw_html_is_allowed(payload):
    rendered = (
        MarkdownIt("commonmark", {"html": True})
        .enable("table")
        .disable("image")
        .render(card_markdown(poisoned(payload)))
    )
    assert_inert(rendered, relative=True)


def test_useful_markdown_survives():
    html = html_from_markdown(
        "# Head\n\n**bold** [site](https://example.org/a?b=1&c=2)\n\n| n |\n| ---: |\n| 12 |\n\n- one"
    )
    assert "<h4>Head</h4>" in html
    assert "<strong>bold</strong>" in html
    assert 'href="https://example.org/a?b=1&amp;c=2"' in html
    assert '<td class="number">12</td>' in html
    assert "<li>one</li>" in html


def test_the_json_card_holds_every_measurement_with_interval_and_n():
    card = json.loads(card_json(promoted()))
    assert card["kind"] == "model-card"
    measured = {
        (item["metric"], tuple(item["over"])): item for record in card["evaluations"] for item in record["measurements"]
    }
    ratio = measured["demographic_parity_ratio", ("race",)]
    assert (ratio["value"], ratio["low"], ratio["high"], ratio["n"]) == (0.765, 0.685, 0.838, 1989)
    assert "ledger" not in card
    assert card_json(promoted()) == canonical_json(card)


@pytest.mark.parametrize("render", [card_markdown, card_html])
def test_the_card_for_people_tells_values_intervals_and_n(render):
    text = render(promoted())
    for word in (
        "0.765",
        "0.685–0.838",
        "1,989",
        "0.711",
        "0.644–0.769",
        "197",
        "mortgage-approval",
        "Grace Hopper",
        "Tony Hoare",
    ):
        assert word in text, word
    for rule in promoted().verdict.rules:
        assert rule["title"] in text
    assert promoted().subject_sha256 in text
    assert promoted().subject.manifest_sha256 in text


def test_the_html_card_is_one_file_with_pictures_and_a_table_behind_each():
    html = card_html(promoted())
    pictures = [
        attributes for tag, attributes in Elements(html).found if tag == "svg" and attributes.get("class") == "chart"
    ]
    assert len(pictures) == 8
    assert all(picture["aria-label"] for picture in pictures)
    assert html.count("The numbers of figure") == len(pictures)
    assert "default-src 'none'" in html
    assert not re.search(r"\ssrc=|url\((?!#)", html)
    ids = [attributes["id"] for _, attributes in Elements(html).found if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_each_status_has_its_mark_and_its_word():
    html = card_html(blocked())
    for mark, word in (("✕", "fail"), ("◐", "inconclusive"), ("○", "missing"), ("!", "error"), ("✓", "pass")):
        assert f'<span class="status {word}"><span class="mark">{mark}</span> {word}</span>' in html


def test_an_empty_card_and_an_unsigned_version_say_so():
    html, markdown = card_html(blocked()), card_markdown(blocked())
    assert "No section of the model card is filled in." in html
    assert "No signature yet." in html
    assert "No signature yet." in markdown
    assert "score 1.7 lies outside 0 to 1 (file predictions.parquet, row 17)" in html
    assert "score 1.7 lies outside 0 to 1" in markdown


def test_a_place_that_the_error_already_names_is_not_said_twice():
    whole = blocked()
    error = replace(whole.evaluations[0].error, message="predictions.parquet, row 17: score 1.7 lies outside 0 to 1")
    html = card_html(replace(whole, evaluations=(replace(whole.evaluations[0], error=error), whole.evaluations[1])))
    assert "predictions.parquet, row 17: score 1.7 lies outside 0 to 1 (column" not in html
    assert html.count("row 17:") == 2


def test_a_stale_signature_never_wears_the_mark_of_a_live_one():
    whole = promoted()
    html = card_html(replace(whole, sign_offs=tuple(replace(item, state="stale") for item in whole.sign_offs)))
    assert '<b class="missing"><span class="mark">○</span> stale</b>' in html
    assert "</span> live</b>" not in html


def test_an_unknown_status_reads_as_an_error_and_never_as_a_pass():
    whole = promoted()
    rules = [{**rule, "status": "fine"} for rule in whole.verdict.rules]
    html = card_html(replace(whole, verdict=replace(whole.verdict, rules=tuple(rules), outcome="fine")))
    assert '<span class="status error"><span class="mark">!</span> error</span>' in html
    assert "</span> pass</span>" not in html


def test_an_evaluation_still_running_says_that_nothing_is_measured_yet():
    whole = promoted()
    running = evaluation("performance", (), status="running", finished_at=None, sha256=None)
    assert "This evaluation is running: nothing was measured yet." in card_html(replace(whole, evaluations=(running,)))


def test_the_same_dossier_gives_the_same_card():
    assert card_html(promoted()) == card_html(promoted())
    assert card_markdown(promoted()) == card_markdown(promoted())
