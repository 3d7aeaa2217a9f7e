"""Whatever a server answers, the gate's exit code is 0 for a whole and plain allow only."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance import client
from tests.governance.client_stage import RULES, TOKEN, Answer, Clock, Stage, decision

GATE = "/api/v1/gates/production/decisions"
CHECK = ["gate", "check", "mortgage-approval@2026.11.1", "--env", "production"]


@pytest.fixture(scope="module")
def stage():
    stage = Stage()
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("GITHUB_STEP_SUMMARY", raising=False)
        patch.setenv("COUNTERSIGN_URL", stage.url)
        patch.setenv("COUNTERSIGN_TOKEN", TOKEN)
        patch.setenv("COUNTERSIGN_TIMEOUT", "0.3")
        patch.setattr(client, "time", Clock())
        yield stage
    stage.close()


def exit_code_for(stage: Stage, answer: Answer) -> int:
    stage.answers("POST", GATE, answer)
    return client.main(CHECK)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["allow", "deny", "pending", "pass", "fail"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from([*decision("deny"), *RULES[0], "x"]), inner, max_size=8)
    ),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None)
@given(answer=JSON)
def test_a_random_answer_opens_nothing(stage, answer):
    code = exit_code_for(stage, Answer(json.dumps(answer).encode()))
    allowed = isinstance(answer, dict) and answer.get("result") == "allow"
    assert code in ({0, 1, 2, 3, 4} if allowed else {1, 2, 3, 4})


@settings(max_examples=150, deadline=None)
@given(changes=st.dictionaries(st.sampled_from(sorted(decision("deny"))), JSON, max_size=4))
def test_a_damaged_decision_opens_nothing_and_never_crashes(stage, changes):
    damaged = {**decision("deny"), **changes}
    code = exit_code_for(stage, Answer(json.dumps(damaged).encode()))
    assert code in ({0, 4} if damaged["result"] == "allow" else {1, 3, 4})


@settings(max_examples=60, deadline=None)
@given(body=st.binary(max_size=200), status=st.sampled_from([200, 201, 202, 206]))
def test_random_bytes_open_nothing(stage, body, status):
    assert exit_code_for(stage, Answer(body, status)) == 4


ALLOW = json.dumps(decision("allow")).encode()


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer({"title": "Bad request", "detail": "no such field"}, 400), 2),
        (Answer({"title": "Unauthorized"}, 401), 4),
        (Answer({"title": "Forbidden"}, 403), 4),
        (Answer({"title": "Not found"}, 404), 4),
        (Answer({"title": "Unprocessable"}, 422), 2),
        (Answer(ALLOW, 500), 4),
        (Answer(ALLOW, 503), 4),
        (Answer(ALLOW, 201), 4),
        (Answer(ALLOW, 302, {"Location": "/api/v1/elsewhere"}), 4),
        (Answer(ALLOW, 307, {"Location": "/api/v1/elsewhere"}), 4),
        (Answer(b"<html>sign in to the wireless network</html>"), 4),
        (Answer(ALLOW[:-20]), 4),
        (Answer(ALLOW, announced=len(ALLOW) + 50), 4),
        (Answer(ALLOW[:-20], announced=len(ALLOW)), 4),
        (Answer(b""), 4),
        (Answer(b"[" * 100_000), 4),
        (Answer(b'{"result": "deny",' + ALLOW[1:]), 4),
        (Answer(ALLOW.replace(b"allow", b"ALLOW")), 4),
        (Answer(ALLOW, delay=2.0), 4),
    ],
    ids=lambda value: None if isinstance(value, int) else f"{value.status}-{value.content[:12]!r}",
)
def test_an_unexpected_answer_is_an_error(stage, answer, code):
    assert exit_code_for(stage, answer) == code


@pytest.mark.parametrize("status", ["fail", "missing", "pending", "error", "PASS", "unheard-of"])
def test_an_allow_that_its_own_rules_contradict_opens_nothing(stage, status):
    assert exit_code_for(stage, Answer(decision("allow", rules=[{**RULES[0], "status": status}]))) == 4


@pytest.mark.parametrize("absent", ["id", "result", "rules"])
def test_half_an_allow_opens_nothing(stage, absent):
    half = decision("allow")
    del half[absent]
    assert exit_code_for(stage, Answer(half)) == 4


def test_a_redirect_is_not_followed(stage):
    stage.asked.clear()
    exit_code_for(stage, Answer(b"", 302, {"Location": f"{stage.url}/elsewhere"}))
    assert [asked.path for asked in stage.asked] == [GATE]


def test_nobody_listens(stage, monkeypatch, capsys):
    empty = Stage()
    empty.close()
    monkeypatch.setenv("COUNTERSIGN_URL", empty.url)
    assert client.main(CHECK) == 4
    told = capsys.readouterr().err
    assert told.count("trying again") == len(client.BACKOFF)
    assert "cannot be reached" in told
