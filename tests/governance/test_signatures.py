"""Signing: presence, what was shown, what must be acknowledged; what a tampered signature is worth."""

import base64
from datetime import timedelta

import pytest
from django.utils import timezone

from governance.models import SignOff
from governance.reauthentication import Reauthentication
from governance.services.gate import decide
from governance.services.policies import register_policy
from governance.services.sign_offs import inconclusive_rules, sign_review
from governance.sign_offs import live_approvals, stage_progress, state_of, valid_until
from governance.signature_record import Meaning
from registry import keys
from registry.canonical import canonical_json, parse_json, sha256_hex
from registry.errors import Conflict, IntegrityFailure, InvalidInput, NotAllowed
from registry.signing_key import signing_key
from tests.scenario import POLICY, at_once, ledger_actions, predictions_csv, tamper

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("brisk")]


def attempt(world, review, person, *, proof=None, **changes):
    return sign_review(
        **{
            "actor": person,
            "review": review,
            "meaning": Meaning.APPROVE,
            "proof": proof or Reauthentication(person.pk, "password", timezone.now()),
            "subject_sha256": review.subject_sha256,
            **changes,
        }
    )


def test_what_is_signed_says_who_what_as_whom_and_when(world):
    version = world.submit("1")
    review = world.assess(version).review
    sign_off = world.sign(world.tony, version, comment="Well done.")
    record = parse_json(bytes(sign_off.record))
    assert canonical_json(record) == bytes(sign_off.record)
    assert sign_off.record_sha256 == sha256_hex(bytes(sign_off.record))
    assert record["subject_sha256"] == review.subject_sha256
    assert record["verdict_sha256"] == review.verdict.sha256
    assert record["policy"] == {"id": "consumer-credit", "version": 1, "sha256": world.policy.sha256}
    assert (record["person"], record["printed_name"], record["role"]) == ("tony", "Tony Hoare", "model-owner")
    assert (record["meaning"], record["comment"], record["method"]) == ("approve", "Well done.", "password")
    assert "I, Tony Hoare, as model owner, have reviewed mortgage-approval@1" in record["statement"]
    assert keys.is_signed(signing_key().public_key(), base64.b64decode(sign_off.seal), bytes(sign_off.record))


@pytest.mark.parametrize(("whose", "age"), [("grace", 0), ("tony", 121)], ids=["somebody else's", "given too long ago"])
def test_presence_is_proved_by_the_signer_and_just_now(world, whose, age):
    review = world.assess(world.submit("1")).review
    stale = Reauthentication(getattr(world, whose).pk, "password", timezone.now() - timedelta(seconds=age))
    with pytest.raises(NotAllowed, match="your own password"):
        attempt(world, review, world.tony, proof=stale)
    assert not SignOff.objects.exists()


@pytest.mark.parametrize("shown", ["0" * 64, "", "another"])
def test_only_what_was_shown_is_signed(world, shown):
    version = world.submit("1")
    review = world.assess(version).review
    with pytest.raises(Conflict, match="changed since"):
        attempt(world, review, world.tony, subject_sha256=shown)
    assert not SignOff.objects.exists()


def test_stages_are_asked_in_order(world):
    version = world.submit("1")
    for early in (world.grace, world.edsger):
        with pytest.raises(NotAllowed, match="signed by a model owner"):
            world.sign(early, version)
    world.sign(world.tony, version)
    with pytest.raises(NotAllowed, match="signed by a validator"):
        world.sign(world.edsger, version)


def test_a_stage_wants_its_whole_quorum(world):
    from registry.ledger import SYSTEM
    from registry.roles import Role
    from registry.services.people import assign_role

    register_policy(
        actor=world.edsger,
        content=POLICY.replace(b"version: 1", b"version: 2").replace(
            b"role: model-owner}", b"role: model-owner, quorum: 2}"
        ),
    )
    version = world.submit("1")
    world.sign(world.tony, version)
    decision = decide(actor=world.ada, version=version, environment="production")
    assert (decision.result, decision.answer["stages"][0]["signed"]) == ("pending", 1)
    with pytest.raises(NotAllowed):
        world.sign(world.grace, version)
    assign_role(actor=SYSTEM, person=world.barbara, role=Role.MODEL_OWNER, on=world.use_case)
    world.sign(world.barbara, version)
    world.sign(world.grace, version)


@pytest.fixture
def doubtful(world):
    """A version of which the data cannot tell whether it is fair, under a policy that lets people decide that."""
    register_policy(
        actor=world.edsger,
        content=POLICY.replace(b"version: 1", b"version: 2").replace(
            b"over: [race], at_least: 0.80, confidence: 0.95}",
            b"over: [race], at_least: 0.80, confidence: 0.95, on_inconclusive: review}",
        ),
    )
    version = world.submit("1", predictions=predictions_csv(ratio=0.82, n=600))
    assert inconclusive_rules(world.assess(version).review) == ["impact-ratio"]
    return version


def test_what_the_data_cannot_settle_is_acknowledged_by_name(world, doubtful):
    with pytest.raises(InvalidInput, match="impact-ratio") as refused:
        world.sign(world.tony, doubtful)
    assert refused.value.field == "acknowledged"
    with pytest.raises(InvalidInput, match="nothing to acknowledge"):
        world.sign(world.tony, doubtful, acknowledged=["impact-ratio", "card-complete"])
    signed = world.sign(world.tony, doubtful, acknowledged=["impact-ratio"])
    assert parse_json(bytes(signed.record))["acknowledged"] == ["impact-ratio"]
    with pytest.raises(InvalidInput, match="impact-ratio"):
        world.sign(world.grace, doubtful)
    for person in (world.grace, world.edsger):
        world.sign(person, doubtful, acknowledged=["impact-ratio"])
    assert decide(actor=world.ada, version=doubtful, environment="production").result == "allow"


def test_without_that_permission_the_same_doubt_is_a_denial(world):
    version = world.submit("1", predictions=predictions_csv(ratio=0.82, n=600))
    decision = decide(actor=world.ada, version=version, environment="production")
    assert decision.result == "deny"
    assert {rule["id"]: rule["status"] for rule in decision.answer["rules"]}["impact-ratio"] == "inconclusive"
    assert not version.reviews.exists()


def test_there_is_nothing_to_acknowledge_where_all_is_clear(world):
    with pytest.raises(InvalidInput, match="nothing to acknowledge"):
        world.sign(world.tony, world.submit("1"), acknowledged=["impact-ratio"])


@pytest.mark.parametrize("meaning", ["request_changes", "reject"])
def test_other_answers_need_a_reason(world, meaning):
    with pytest.raises(InvalidInput) as refused:
        world.sign(world.tony, world.submit("1"), meaning=meaning, comment="  ")
    assert refused.value.field == "comment"
    assert not SignOff.objects.exists()


def resealed(sign_off, **changes):
    record = canonical_json({**parse_json(bytes(sign_off.record)), **changes})
    return {"record": record, "record_sha256": sha256_hex(record)}


TAMPERED = {
    "the record": lambda s: {"record": bytes(s.record).replace(b"approve", b"APPROVE")},
    "the record and its digest": lambda s: resealed(s, comment="Added later."),
    "the record is no record": lambda s: {"record": b"[]", "record_sha256": sha256_hex(b"[]")},
    "the record is not even JSON": lambda s: {"record": b"\xff", "record_sha256": sha256_hex(b"\xff")},
    "the digest": lambda s: {"record_sha256": "0" * 64},
    "the seal": lambda s: {"seal": base64.b64encode(bytes(70)).decode()},
    "the seal is no seal": lambda s: {"seal": "not base64!"},
    "the method": lambda s: {"method": "webauthn"},
    "the comment": lambda s: {"comment": "Something else."},
    "the moment": lambda s: {"signed_at": s.signed_at + timedelta(days=1)},
    "the stage": lambda s: {"stage": s.review.stages.get(name="compliance")},
    "the review": lambda s: {"subject_sha256": "0" * 64},
}


@pytest.mark.parametrize("what", TAMPERED)
def test_a_tampered_signature_counts_for_nothing(world, what):
    version = world.submit("1")
    world.approve(version)
    sign_off = SignOff.objects.get(stage__name="owner")
    assert decide(actor=world.ada, version=version, environment="production").result == "allow"
    tamper(sign_off, **TAMPERED[what](sign_off))
    sign_off = SignOff.objects.get(pk=sign_off.pk)
    assert state_of(sign_off, sign_off.review.subject_sha256, timezone.now()) != "live"
    assert decide(actor=world.ada, version=version, environment="production").result == "pending"
    with pytest.raises(Conflict):
        world.promote(version)


def test_a_signature_put_under_another_name_counts_for_neither(world):
    version = world.submit("1")
    sign_off = world.sign(world.tony, version)
    tamper(sign_off, person=world.mallory)
    assert live_approvals(world.assess(version).review) == []


def test_a_request_for_changes_rewritten_as_approval_counts_for_nothing(world):
    version = world.submit("1")
    sign_off = world.sign(world.tony, version, meaning="request_changes")
    tamper(sign_off, meaning="approve")
    tamper(sign_off.review, state="open")
    assert stage_progress(sign_off.review)[0].signed == []


def test_a_signature_lasts_as_long_as_its_stage_says_and_no_edit_prolongs_it(world):
    version = world.submit("1")
    world.approve(version)
    last = SignOff.objects.get(stage__name="compliance")
    end = last.signed_at + timedelta(days=365)
    assert valid_until(last.review) == last.valid_until == end
    for later in (end + timedelta(days=1000), None):
        tamper(last, valid_until=later)
        last = SignOff.objects.get(pk=last.pk)
        assert valid_until(last.review) == end
        assert state_of(last, last.subject_sha256, end) == "expired"


def test_a_stage_softened_in_the_database_lets_nobody_sign_and_nothing_through(world):
    version = world.submit("1")
    review = world.assess(version).review
    for softer in ({"independent_of": []}, {"role": "developer"}, {"valid_days": 7}, {"name": "any"}):
        stage = review.stages.get(position=1)
        before = {column: getattr(stage, column) for column in softer}
        tamper(stage, **softer)
        with pytest.raises(IntegrityFailure):
            world.sign(world.tony, version)
        tamper(stage, **before)
    world.approve(version)
    tamper(review.stages.get(position=2), quorum=0)
    assert decide(actor=world.ada, version=version, environment="production").result == "deny"
    tamper(review.stages.get(position=2), quorum=1)
    assert decide(actor=world.ada, version=version, environment="production").result == "allow"


def test_a_state_set_to_approved_in_the_database_opens_nothing(world):
    version = world.submit("1")
    review = world.assess(version).review
    tamper(review, state="approved")
    assert decide(actor=world.ada, version=version, environment="production").result != "allow"
    with pytest.raises(Conflict):
        world.promote(version)


def test_signing_is_one_transaction(world, monkeypatch):
    from governance.services import reviews

    version = world.submit("1")
    review = world.assess(version).review
    before = ledger_actions()
    monkeypatch.setattr(reviews.ledger, "record", lambda **entry: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        attempt(world, review, world.tony)
    monkeypatch.undo()
    assert not SignOff.objects.exists()
    assert ledger_actions() == before


def test_two_who_sign_the_same_stage_at_once_are_one_signature(shared_world):
    from registry.ledger import SYSTEM
    from registry.roles import Role
    from registry.services.people import assign_role

    world = shared_world
    assign_role(actor=SYSTEM, person=world.barbara, role=Role.MODEL_OWNER, on=world.use_case)
    version = world.submit("1")
    review = world.assess(version).review
    answers = at_once(*(lambda person=person: attempt(world, review, person) for person in (world.tony, world.barbara)))
    assert sorted(type(answer).__name__ for answer in answers) == ["NotAllowed", "SignOff"]
    assert SignOff.objects.count() == 1


def test_one_who_signs_twice_at_once_has_signed_once(shared_world):
    world = shared_world
    review = world.assess(world.submit("1")).review
    answers = at_once(*[lambda: attempt(world, review, world.tony)] * 3)
    assert sorted(type(answer).__name__ for answer in answers) == ["NotAllowed", "NotAllowed", "SignOff"]
    assert ledger_actions().count("sign_off.recorded") == SignOff.objects.count() == 1
