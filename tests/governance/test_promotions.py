"""Promotion: only through the gate, all or nothing, once, and with a proof that verifies without us."""

import threading

import pytest
from django.db import transaction

import countersign_verify
from governance.models import EnvironmentPointer, Promotion
from governance.services import promotions
from governance.services.gate import decide
from governance.services.promotions import promote_version
from registry.artifact_store import read_bytes
from registry.canonical import parse_json, sha256_hex
from registry.errors import Conflict, NotAllowed
from registry.models import Artifact
from registry.signing_key import verification_pem
from tests.scenario import at_once, ledger_actions, predictions_csv, run_tasks

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("brisk")]


@pytest.fixture
def approved(world):
    version = world.submit("1")
    world.approve(version)
    return version


def test_the_pointer_moves_with_proof_and_entry(world, approved):
    promotion = world.promote(approved)
    pointer = EnvironmentPointer.objects.get()
    assert (pointer.promotion, pointer.environment) == (promotion, "production")
    assert (promotion.kind, promotion.replaced, promotion.promoted_by) == ("promote", None, world.ada)
    assert promotion.valid_until == promotion.review.sign_offs.get(stage__name="compliance").valid_until
    from registry import ledger

    entry = parse_json(bytes(ledger.entries(object_id=str(promotion.pk)).get().body))
    assert entry["data"]["attestation_sha256"] == promotion.attestation_id
    assert entry["data"]["subject_sha256"] == promotion.review.subject_sha256
    assert entry["data"]["manifest_sha256"] == approved.sha256


def verified(promotion, **changes):
    question = {"subject": f"sha256:{promotion.version.sha256}", "environment": "production", **changes}
    return countersign_verify.verify_attestation(
        read_bytes(promotion.attestation_id), question.pop("pem", None) or verification_pem(), **question
    )


def test_the_attestation_holds_for_this_environment_digest_and_key_and_no_other(world, approved):
    from registry import keys

    promotion = world.promote(approved)
    assert verified(promotion).ok
    for file in approved.files.all():
        assert verified(promotion, subject=f"sha256:{file.artifact_id}").ok
    assert not verified(promotion, environment="staging").ok
    assert not verified(promotion, environment="production-eu").ok
    assert not verified(promotion, subject="sha256:" + "0" * 64).ok
    stranger = keys.public_pem(keys.load_private_key(keys.generate_private_pem()).public_key())
    assert not verified(promotion, pem=stranger).ok
    assert verified(promotion, verifier_id="http://127.0.0.1:8000").ok
    assert not verified(promotion, verifier_id="http://127.0.0.1:8001").ok


def test_the_attestation_names_evidence_policy_and_signatures(world, approved):
    import base64

    promotion = world.promote(approved)
    envelope = parse_json(read_bytes(promotion.attestation_id))
    statement = parse_json(base64.b64decode(envelope["payload"]))
    named = {item["digest"]["sha256"] for item in statement["predicate"]["inputAttestations"]}
    assert {item.report_id for item in approved.evaluations.all()} <= named
    assert {item.record_sha256 for item in promotion.review.sign_offs.all()} <= named
    assert {promotion.verdict.sha256, promotion.review.subject_sha256} <= named
    assert statement["predicate"]["policy"]["digest"]["sha256"] == world.policy.sha256


@pytest.mark.parametrize("state", ["not measured", "not signed", "half signed", "denied", "no policy"])
def test_nothing_is_promoted_that_the_gate_does_not_allow(world, state):
    environment = "staging" if state == "no policy" else "production"
    predictions = predictions_csv(ratio=0.6) if state == "denied" else None
    version = world.submit("1", measured=state != "not measured", predictions=predictions)
    if state == "half signed":
        world.sign(world.tony, version)
        world.sign(world.grace, version)
    if state == "no policy":
        world.approve(version)
    with pytest.raises(Conflict) as refused:
        promote_version(actor=world.ada, version=version, environment=environment)
    assert refused.value.details["result"] in {"deny", "pending"}
    assert not Promotion.objects.exists()
    assert not EnvironmentPointer.objects.exists()
    assert "version.promoted" not in ledger_actions()


@pytest.mark.parametrize("who", ["grace", "barbara", "mallory"])
def test_only_developers_owners_and_compliance_officers_promote(world, approved, who):
    with pytest.raises(NotAllowed):
        world.promote(approved, actor=getattr(world, who))
    assert not Promotion.objects.exists()


def test_promoting_again_changes_nothing(world, approved):
    first = world.promote(approved)
    before = ledger_actions()
    again, created = promote_version(actor=world.tony, version=approved, environment="production")
    assert (again, created) == (first, False)
    assert ledger_actions() == before


@pytest.mark.parametrize("step", ["ledger", "pointer", "attestation", "signing key"])
def test_a_promotion_that_fails_anywhere_leaves_nothing(world, approved, monkeypatch, step):
    artifacts, before = Artifact.objects.count(), ledger_actions()

    def fail(*arguments, **options):
        raise OSError("disk full")

    if step == "ledger":
        monkeypatch.setattr(promotions.ledger, "record", fail)
    elif step == "pointer":
        monkeypatch.setattr(EnvironmentPointer, "save", fail)
    elif step == "attestation":
        monkeypatch.setattr(promotions, "keep_bytes", fail)
    else:
        monkeypatch.setattr(promotions, "signing_key", fail)
    with pytest.raises(OSError, match="disk full"):
        world.promote(approved)
    monkeypatch.undo()
    assert not Promotion.objects.exists()
    assert not EnvironmentPointer.objects.filter(promotion__isnull=False).exists()
    assert (Artifact.objects.count(), ledger_actions()) == (artifacts, before)
    assert decide(actor=world.ada, version=approved, environment="production").result == "allow"
    world.promote(approved)


def test_the_next_champion_replaces_the_last(world, approved):
    first = world.promote(approved)
    second = world.submit("2", predictions=predictions_csv(seed=2))
    decision = decide(actor=world.ada, version=second, environment="production")
    assert "comparison" in {rule["check"] for rule in decision.answer["rules"] if rule["n"]}
    world.approve(second)
    promotion = world.promote(second)
    assert promotion.replaced == approved
    assert EnvironmentPointer.objects.get().promotion == promotion
    assert Promotion.objects.count() == 2
    assert first.attestation_id != promotion.attestation_id


def test_promoting_twice_at_once_is_one_promotion(shared_world):
    world = shared_world
    version = world.submit("1")
    world.approve(version)
    answers = at_once(*[lambda: promote_version(actor=world.ada, version=version, environment="production")] * 4)
    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    assert sorted(created for _, created in answers) == [False, False, False, True]
    assert (Promotion.objects.count(), ledger_actions().count("version.promoted")) == (1, 1)


def test_a_version_is_not_promoted_past_a_champion_that_came_at_the_same_moment(shared_world):
    world = shared_world
    versions = [world.submit("1"), world.submit("2", predictions=predictions_csv(seed=2))]
    for version in versions:
        world.approve(version)
    moved = threading.Event()

    def first():
        with transaction.atomic():
            promote_version(actor=world.ada, version=versions[0], environment="production")
            moved.set()
            # Time enough for the other one to judge by what it still sees, if it looked before it locked.
            threading.Event().wait(0.5)

    def second():
        assert moved.wait(10)
        return promote_version(actor=world.ada, version=versions[1], environment="production")

    _, answer = at_once(first, second)
    assert isinstance(answer, Conflict), answer
    assert answer.details["result"] == "pending"
    assert EnvironmentPointer.objects.get().promotion.version == versions[0]


def test_signatures_on_the_file_survive_a_new_process(world, approved):
    """Digest and envelope are exactly the stored bytes: nothing is serialised again on the way out."""
    promotion = world.promote(approved)
    assert sha256_hex(read_bytes(promotion.attestation_id)) == promotion.attestation_id
    run_tasks()
    assert verified(promotion).ok
