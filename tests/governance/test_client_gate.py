"""What a CI job sees of the gate: the exit code, the reasons, and the report in its own format."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest

from governance import client
from tests.governance.client_stage import RULES, TOKEN, Answer, Clock, Stage, decision

GATE = "/api/v1/gates/production/decisions"
CHECK = ["gate", "check", "mortgage-approval@2026.11.1", "--env", "production"]


@pytest.fixture
def stage(monkeypatch):
    stage = Stage()
    for name in ("GITHUB_STEP_SUMMARY", *(key for keys in client.CI_FACTS.values() for key in keys)):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COUNTERSIGN_URL", stage.url)
    monkeypatch.setenv("COUNTERSIGN_TOKEN", TOKEN)
    yield stage
    stage.close()


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(client, "time", clock)
    return clock


@pytest.mark.parametrize(("result", "code"), [("allow", 0), ("deny", 1), ("pending", 3)])
def test_the_decision_is_the_exit_code(stage, result, code):
    stage.answers("POST", GATE, Answer(decision(result)))
    assert client.main(CHECK) == code


def test_the_question_names_subject_job_and_token(stage, monkeypatch):
    monkeypatch.setenv("GITHUB_SHA", "5eed")
    stage.answers("POST", GATE, Answer(decision("allow")))
    client.main(CHECK)
    (asked,) = stage.asked
    assert asked.json["subject"] == {"model": "mortgage-approval", "version": "2026.11.1"}
    assert asked.json["context"]["commit"] == "5eed"
    assert asked.headers["Authorization"] == f"Bearer {TOKEN}"
    assert len(asked.headers["Idempotency-Key"]) == 32


def test_a_version_may_be_named_by_its_digest(stage):
    stage.answers("POST", GATE, Answer(decision("allow")))
    client.main(["gate", "check", f"mortgage-approval@sha256:{'d' * 64}", "--env", "production"])
    assert stage.asked[0].json["subject"] == {"model": "mortgage-approval", "digest": f"sha256:{'d' * 64}"}


def test_without_wait_nothing_is_waited_for(stage, clock):
    stage.answers("POST", GATE, Answer(decision("pending")), Answer(decision("allow")))
    assert client.main(CHECK) == 3
    assert clock.naps == []


def test_wait_outlasts_measuring_signing_and_an_outage(stage, clock, capsys):
    down = [Answer(b"down", 503)] * (len(client.BACKOFF) + 1)
    measuring = decision("pending", waiting_for=["evaluation"])
    stage.answers("POST", GATE, Answer(measuring), *down, Answer(decision("pending")), Answer(decision("allow")))
    assert client.main([*CHECK, "--wait", "30m"]) == 0
    told = capsys.readouterr().err
    assert "waiting for evaluation" in told
    assert "waiting for sign-off" in told
    assert max(clock.naps) <= client.POLL_LONGEST


def test_every_poll_is_a_decision_of_its_own(stage, clock):
    stage.answers("POST", GATE, Answer(decision("pending")), Answer(decision("pending")), Answer(decision("allow")))
    assert client.main([*CHECK, "--wait", "60"]) == 0
    assert len({asked.headers["Idempotency-Key"] for asked in stage.asked}) == 3


def test_wait_ends_when_its_time_is_over(stage, clock):
    stage.answers("POST", GATE, Answer(decision("pending")))
    assert client.main([*CHECK, "--wait", "1m"]) == 3
    assert clock.now == pytest.approx(60)


def test_the_text_says_what_blocks_first_with_its_fix(stage, capsys):
    stage.answers("POST", GATE, Answer(decision("deny")))
    client.main(CHECK)
    shown = capsys.readouterr().out
    assert shown.startswith("✕ denied: mortgage-approval@2026.11.1 → production")
    assert shown.index("✕ fail") < shown.index("✓ pass")
    for words in (
        "consumer-credit v4",
        RULES[1]["sentence"],
        RULES[1]["fix"],
        "0.71 (0.64–0.79)",
        "validation (validator): waiting, 0 of 1",
    ):
        assert words in shown


def test_a_rule_cannot_forge_a_command_of_the_ci_log(stage, capsys):
    forged = {**RULES[1], "sentence": "bad\n::add-mask::x\x1b[2J", "id": "impact\r\n::error::"}
    stage.answers("POST", GATE, Answer(decision("deny", rules=[forged])))
    client.main(CHECK)
    shown = capsys.readouterr().out
    assert not any(line.startswith("::") for line in shown.splitlines())
    assert "\x1b" not in shown


def test_json_is_the_answer_itself(stage, capsys):
    stage.answers("POST", GATE, Answer(decision("deny")))
    assert client.main([*CHECK, "--format", "json"]) == 1
    assert json.loads(capsys.readouterr().out) == decision("deny")


def junit(stage, capsys, answer):
    stage.answers("POST", GATE, Answer(answer))
    code = client.main([*CHECK, "--format", "junit"])
    root = ET.fromstring(capsys.readouterr().out)
    return code, {suite.get("name").split()[0]: suite for suite in root}


def test_junit_has_one_case_per_rule(stage, capsys):
    code, suites = junit(stage, capsys, decision("deny"))
    cases = suites["rules"].findall("testcase")
    assert code == 1
    assert [case.get("name") for case in cases] == ["discrimination-power", "impact-ratio"]
    assert [case.find("failure") is None for case in cases] == [True, False]
    assert (suites["rules"].get("tests"), suites["rules"].get("failures")) == ("2", "1")
    assert RULES[1]["fix"] in cases[1].find("failure").text


@pytest.mark.parametrize("result", ["deny", "pending"])
def test_junit_is_never_green_for_a_closed_gate(stage, capsys, result):
    _, suites = junit(stage, capsys, decision(result, rules=[RULES[0]], stages=[]))
    assert sum(int(suite.get("failures")) for suite in suites.values()) == 1


def test_junit_is_green_for_an_open_gate(stage, capsys):
    acknowledged = {**RULES[1], "status": "inconclusive"}
    code, suites = junit(stage, capsys, decision("allow", rules=[RULES[0], acknowledged]))
    assert code == 0
    assert not [case for suite in suites.values() for case in suite if case.find("failure") is not None]


def sarif(stage, capsys, *arguments):
    stage.answers("POST", GATE, Answer(decision("deny")))
    assert client.main([*CHECK, "--format", "sarif", *arguments]) == 1
    return json.loads(capsys.readouterr().out)


def test_sarif_has_what_the_standard_requires(stage, capsys):
    log = sarif(stage, capsys)
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    assert run["tool"]["driver"]["name"] == "Countersign"
    (result,) = run["results"]
    assert result["message"]["text"].startswith("The impact ratio by race is 0.71")
    assert result["level"] in {"none", "note", "warning", "error"}
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "impact-ratio"
    assert "locations" not in result


def test_sarif_points_to_the_manifest_that_is_named(stage, capsys):
    (result,) = sarif(stage, capsys, "--manifest", "models/my manifest.yaml")["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "models/my%20manifest.yaml"}, "region": {"startLine": 1}}


def test_markdown_cannot_be_broken_out_of(stage, capsys):
    hostile = {**RULES[1], "observed": "a | b", "fix": "<img src=x> [x](javascript:1)"}
    stage.answers("POST", GATE, Answer(decision("deny", rules=[hostile], review_url="javascript:alert(1)")))
    client.main([*CHECK, "--format", "markdown"])
    shown = capsys.readouterr().out
    (row,) = [line for line in shown.splitlines() if "impact" in line]
    assert row.replace("\\|", "").count("|") == 6
    assert "<img" not in shown
    assert r"\[x\](" in shown
    assert "[Review]" not in shown


def test_the_job_summary_is_appended_to(stage, monkeypatch, tmp_path):
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    stage.answers("POST", GATE, Answer(decision("deny")))
    assert client.main(CHECK) == 1
    assert summary.read_text().startswith("before\n### ✕ denied")


def test_a_report_goes_to_its_file_and_the_text_to_the_log(stage, tmp_path, capsys):
    stage.answers("POST", GATE, Answer(decision("deny")))
    target = tmp_path / "gate.xml"
    assert client.main([*CHECK, "--format", "junit", "-o", str(target)]) == 1
    assert ET.parse(target).getroot().tag == "testsuites"
    assert capsys.readouterr().out.startswith("✕ denied")


def test_an_open_gate_whose_report_cannot_be_written_is_no_success(stage, tmp_path):
    stage.answers("POST", GATE, Answer(decision("allow")))
    assert client.main([*CHECK, "-o", str(tmp_path / "nowhere" / "gate.txt")]) == 2


def test_explain_shows_a_decision_again(stage, capsys):
    stage.answers("GET", "/api/v1/decisions/8d0f", Answer(decision("deny")))
    assert client.main(["gate", "explain", "8d0f"]) == 0
    shown = capsys.readouterr().out
    for words in (
        "expected: at least 0.80",
        "observed: 0.71",
        "fix: Retrain",
        f"evidence: sha256:{'b' * 12} /evidence/2",
    ):
        assert words in shown


def test_explain_of_an_unknown_decision_is_an_error(stage):
    assert client.main(["gate", "explain", "../gates"]) == 4
    assert stage.asked[0].path == "/api/v1/decisions/..%2Fgates"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["gate"],
        ["gate", "check", "mortgage-approval@1"],
        ["gate", "check", "mortgage-approval", "--env", "production"],
        [*CHECK, "--wait", "soon"],
        [*CHECK, "--wait", ""],
        [*CHECK, "--format", "pdf"],
    ],
)
def test_a_mistake_in_the_command_is_exit_2(stage, arguments):
    assert client.main(arguments) == 2
    assert stage.asked == []


@pytest.mark.parametrize(("text", "expected"), [("90", 90), ("90s", 90), ("30m", 1800), ("1h30m", 5400), ("2h", 7200)])
def test_durations(text, expected):
    assert client.seconds(text) == expected
