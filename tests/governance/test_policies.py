"""Registering policies: exact bytes, in order, by duty, and never two for one decision."""

import threading

import pytest
from django.db import transaction

from governance.models import PolicyVersion
from governance.policies_in_force import environments_of, policy_in_force
from governance.services.policies import register_policy
from registry.canonical import sha256_hex
from registry.errors import Conflict, InvalidInput, NotAllowed
from tests.scenario import POLICY, at_once, caller, ledger_actions

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("brisk")]

SECOND = POLICY.replace(b"version: 1", b"version: 2")


def test_the_exact_bytes_are_kept_under_their_digest(world):
    assert bytes(world.policy.content) == POLICY
    assert world.policy.sha256 == sha256_hex(POLICY)
    assert (world.policy.environment, world.policy.risk_tiers) == ("production", ["high"])
    assert ledger_actions(object_type="policy") == ["policy.registered"]


def test_the_same_bytes_again_change_nothing(world):
    assert register_policy(actor=world.edsger, content=POLICY) == (world.policy, False)
    assert ledger_actions(object_type="policy") == ["policy.registered"]


def test_a_number_stands_for_one_text(world):
    with pytest.raises(Conflict, match="another text"):
        register_policy(actor=world.edsger, content=POLICY + b"# a remark\n")
    assert bytes(PolicyVersion.objects.get().content) == POLICY


@pytest.mark.parametrize("number", [0, 3, 99])
def test_numbers_follow_each_other(world, number):
    with pytest.raises(InvalidInput) as refused:
        register_policy(actor=world.edsger, content=POLICY.replace(b"version: 1", f"version: {number}".encode()))
    assert refused.value.field == "version"
    assert PolicyVersion.objects.count() == 1


@pytest.mark.parametrize("who", ["ada", "grace", "tony", "barbara", "mallory"])
def test_policies_are_the_compliance_officers_duty(world, who):
    person = getattr(world, who)
    person.is_superuser = True
    person.save()
    with pytest.raises(NotAllowed):
        register_policy(actor=person, content=SECOND)
    assert PolicyVersion.objects.count() == 1


def test_two_policies_never_cover_one_decision(world):
    rival = POLICY.replace(b"policy: consumer-credit", b"policy: rival")
    with pytest.raises(Conflict) as refused:
        register_policy(actor=world.edsger, content=rival)
    assert refused.value.field == "applies_to"
    staging, _ = register_policy(
        actor=world.edsger, content=rival.replace(b"environment: production", b"environment: staging")
    )
    low, _ = register_policy(
        actor=world.edsger,
        content=POLICY.replace(b"policy: consumer-credit", b"policy: small").replace(b"[high]", b"[low, limited]"),
    )
    assert policy_in_force(environment="production", risk_tier="high") == world.policy
    assert policy_in_force(environment="staging", risk_tier="high") == staging
    assert policy_in_force(environment="production", risk_tier="low") == low
    assert policy_in_force(environment="staging", risk_tier="low") is None
    assert environments_of("high") == ["production", "staging"]


def test_the_newest_version_is_in_force(world):
    second, _ = register_policy(actor=world.edsger, content=SECOND)
    assert policy_in_force(environment="production", risk_tier="high") == second


def test_a_newer_version_may_leave_a_tier_to_no_policy(world):
    register_policy(actor=world.edsger, content=SECOND.replace(b"[high]", b"[low]"))
    assert policy_in_force(environment="production", risk_tier="high") is None


@pytest.mark.parametrize(
    "content", [b"", b"policy: [", b"policy: x\n", POLICY + b"rules: []\n", b"\xff\xfe", POLICY + b"unknown: 1\n"]
)
def test_what_is_no_policy_is_refused(world, content):
    with pytest.raises(InvalidInput):
        register_policy(actor=world.edsger, content=content)
    assert PolicyVersion.objects.count() == 1


def test_everybody_reads_policies_and_officers_register_them_by_api(world):
    assert caller(world.mallory).get("/policies/consumer-credit/1").json()["content"] == POLICY.decode()
    assert caller(world.mallory).post("/policies", SECOND, media_type="application/yaml").status_code == 403
    officer = caller(world.edsger)
    codes = [officer.post("/policies", SECOND, media_type="application/yaml").status_code for _ in range(2)]
    assert codes == [201, 200]
    assert officer.post("/policies", SECOND + b"# x\n", media_type="application/yaml").status_code == 409
    assert officer.get("/policies/consumer-credit/3").status_code == 404


def test_two_texts_for_one_number_at_once_are_one_version_and_one_conflict(shared_world):
    world = shared_world
    texts = [SECOND, SECOND + b"# the other\n"]
    answers = at_once(*(lambda text=text: register_policy(actor=world.edsger, content=text) for text in texts))
    assert sorted(type(answer).__name__ for answer in answers) == ["Conflict", "tuple"]
    assert PolicyVersion.objects.filter(number=2).count() == 1


def test_two_new_policies_for_one_decision_at_once_are_one_policy(shared_world):
    world = shared_world
    texts = [
        POLICY.replace(b"policy: consumer-credit", f"policy: {name}".encode()).replace(b"production", b"staging")
        for name in ("left", "right")
    ]
    registered = threading.Event()

    def first():
        with transaction.atomic():
            register_policy(actor=world.edsger, content=texts[0])
            registered.set()
            # Not committed yet: the other one must not judge by what it cannot see.
            threading.Event().wait(0.5)

    def second():
        assert registered.wait(10)
        return register_policy(actor=world.edsger, content=texts[1])

    _, answer = at_once(first, second)
    assert isinstance(answer, Conflict), answer
    assert PolicyVersion.objects.filter(environment="staging").count() == 1
