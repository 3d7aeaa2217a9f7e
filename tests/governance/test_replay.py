"""``manage.py replay``: every verdict in history comes out byte for byte the same, or is named."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from governance.models import Verdict
from tests.scenario import POLICY, predictions_csv, tamper

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("brisk")]


def replay() -> str:
    out = StringIO()
    call_command("replay", stdout=out)
    return out.getvalue()


@pytest.fixture
def history(world):
    world.submit("1")
    world.submit("2", predictions=predictions_csv(ratio=0.6))
    return list(Verdict.objects.order_by("pk"))


def test_all_verdicts_come_out_the_same(history):
    assert f"{len(history)} verdicts replayed" in replay()


def test_nothing_to_replay_is_said_too(db):
    assert "0 verdicts" in replay()


@pytest.mark.parametrize("what", ["content", "facts", "sha256", "policy", "broken facts", "outcome"])
def test_a_verdict_that_comes_out_differently_is_named(world, history, what):
    verdict = history[-1]
    if what == "content":
        tamper(verdict, content=bytes(verdict.content).replace(b'"blocked"', b'"clear"'))
    elif what == "facts":
        tamper(verdict, facts=bytes(verdict.facts).replace(b'"claimed"', b'"attested"'))
        tamper(verdict, facts=bytes(verdict.facts).replace(b'"production"', b'"staging"'))
    elif what == "sha256":
        tamper(verdict, sha256="0" * 64)
    elif what == "outcome":
        tamper(verdict, outcome="clear")
    elif what == "broken facts":
        tamper(verdict, facts=b"{")
    else:
        tamper(world.policy, content=POLICY.replace(b"0.80", b"0.10"))
    with pytest.raises(CommandError, match=str(verdict.pk)):
        replay()
