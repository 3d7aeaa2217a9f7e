"""Change anything that people signed for, and their signatures count no more."""

import contextlib

import pytest

from governance.models import SignOff
from governance.services.gate import decide
from governance.services.policies import adopt_newer_policy, register_policy
from governance.services.submissions import revise_model_card
from governance.sign_offs import live_approvals
from registry import artifact_store
from registry.errors import Conflict, IntegrityFailure, NotAllowed
from registry.models import Artifact
from tests.scenario import CARD, POLICY, ledger_actions, predictions_csv, run_tasks, tamper

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("brisk")]


@pytest.fixture
def signed(world):
    """A version that all have signed, and that the gate lets through."""
    version = world.submit("1")
    world.approve(version)
    assert result(world, version) == "allow"
    return version


def result(world, version):
    return decide(actor=world.ada, version=version, environment="production").result


def assert_shut(world, version):
    """Neither gate nor promotion opens, and nothing is promoted."""
    with contextlib.suppress(IntegrityFailure):
        assert result(world, version) != "allow"
    with pytest.raises((Conflict, IntegrityFailure)):
        world.promote(version)
    assert "version.promoted" not in ledger_actions()


def assert_stale(world, version):
    """The review is open again, no signature lives, and the same people can sign again."""
    assert_shut(world, version)
    review = world.assess(version).review
    assert (review.state, live_approvals(review)) == ("open", [])
    assert "review.reopened" in ledger_actions(object_type="review")
    world.approve(version)
    assert result(world, version) == "allow"


def test_a_revised_card(world, signed):
    revise_model_card(actor=world.ada, version=signed, sections={**CARD, "limitations": "Other words."})
    assert_stale(world, signed)


def test_a_card_revised_back_to_the_signed_text_is_signed_again(world, signed):
    revise_model_card(actor=world.ada, version=signed, sections={**CARD, "limitations": "Other words."})
    assert_shut(world, signed)
    revise_model_card(actor=world.ada, version=signed, sections=CARD)
    assert_stale(world, signed)


def test_a_card_revised_back_to_a_text_that_changes_were_asked_of_can_be_answered_again(world):
    version = world.submit("1")
    world.sign(world.tony, version)
    world.sign(world.grace, version, meaning="request_changes")
    for sections in ({**CARD, "limitations": "Other words."}, CARD):
        revise_model_card(actor=world.ada, version=version, sections=sections)
    world.approve(version)
    assert result(world, version) == "allow"


def test_evidence_measured_again(world, signed, monkeypatch):
    from audits.services import evaluations

    monkeypatch.setattr(evaluations, "code_version", lambda: "countersign 99")
    from audits import evaluate as engine

    monkeypatch.setattr(engine, "code_version", lambda: "countersign 99", raising=False)
    monkeypatch.setattr("audits.code_versions.code_version", lambda: "countersign 99")
    plans = [
        {"key": item.key, "kind": item.kind, "roles": item.roles, "parameters": item.parameters}
        for item in signed.evaluations.all()
    ]
    evaluations.evaluate_version(actor=world.ada, version=signed, plans=plans)
    assert result(world, signed) == "pending"
    run_tasks()
    assert_stale(world, signed)


def test_another_file_in_the_place_of_the_signed_one(world, signed):
    other = world.upload(b"another model")
    tamper(signed.files.get(role="model"), artifact=Artifact.objects.get(pk=other))
    assert_shut(world, signed)
    world.approve(signed)
    # Even signed for anew: the manifest names another file.
    with pytest.raises(IntegrityFailure, match="manifest"):
        world.promote(signed)


def test_other_predictions_in_the_place_of_the_signed_ones_are_measured_and_judged_anew(world, signed):
    other = world.upload(predictions_csv(ratio=0.5))
    tamper(signed.files.get(role="test-predictions"), artifact=Artifact.objects.get(pk=other))
    assert result(world, signed) == "pending"
    run_tasks()
    assert result(world, signed) == "deny"
    assert_shut(world, signed)


@pytest.mark.parametrize("column", ["path", "role"])
def test_a_file_that_plays_another_part(world, signed, column):
    tamper(signed.files.get(role="model"), **{column: "other"})
    assert_shut(world, signed)


def overwrite(settings, sha256, data=b"other bytes"):
    path = settings.DATA_DIR / "artifacts" / artifact_store.storage_name(sha256)
    path.chmod(0o600)
    path.write_bytes(data)


@pytest.mark.parametrize("role", ["model", "test-predictions"])
def test_other_bytes_of_a_file_on_disk(world, signed, settings, role):
    overwrite(settings, signed.files.get(role=role).artifact_id)
    with pytest.raises(IntegrityFailure, match="changed"):
        world.promote(signed)
    assert "version.promoted" not in ledger_actions()


def test_a_file_gone_from_disk(world, signed, settings):
    (settings.DATA_DIR / "artifacts" / artifact_store.storage_name(signed.files.get(role="model").artifact_id)).unlink()
    with pytest.raises(IntegrityFailure, match="lost"):
        world.promote(signed)


def test_other_bytes_of_the_evidence_on_disk(world, signed, settings):
    overwrite(settings, signed.evaluations.get(kind="fairness").report_id)
    with pytest.raises(IntegrityFailure):
        world.promote(signed)


def test_measurements_changed_in_the_database(world):
    """A failing version whose rows are edited until it passes, and that people then sign for, still goes nowhere."""
    version = world.submit("1", predictions=predictions_csv(ratio=0.6))
    for row in version.evaluations.get(kind="fairness").measurements.filter(metric="demographic_parity_ratio"):
        tamper(row, value=0.95, low=0.9, high=1.0)
    assert world.assess(version).verdict.outcome == "clear"
    world.approve(version)
    with pytest.raises(IntegrityFailure, match="not those of its report"):
        world.promote(version)


def test_a_measurement_changed_after_the_signatures(world, signed):
    tamper(signed.evaluations.get(kind="performance").measurements.filter(metric="roc_auc_score").first(), value=0.99)
    assert_shut(world, signed)


def test_a_verdict_changed_in_the_database_is_judged_anew(world):
    version = world.submit("1", predictions=predictions_csv(ratio=0.6))
    verdict = world.assess(version).verdict
    tamper(verdict, outcome="clear")
    assert world.assess(version).verdict.outcome == "blocked"
    tamper(world.assess(version).verdict, content=bytes(verdict.content).replace(b'"blocked"', b'"clear"'))
    assert world.assess(version).verdict.document["outcome"] == "blocked"
    assert_shut(world, version)
    assert not version.reviews.exists()


def test_policy_bytes_changed_in_the_database(world, signed):
    tamper(world.policy, content=POLICY.replace(b"at_least: 0.80", b"at_least: 0.10"))
    assert_shut(world, signed)
    with pytest.raises(IntegrityFailure, match="policy"):
        world.assess(signed)


def test_manifest_bytes_changed_in_the_database(world, signed):
    tamper(signed, manifest=bytes(signed.manifest).replace(b'"seed":7', b'"seed":8'))
    assert_shut(world, signed)
    with pytest.raises(IntegrityFailure, match="manifest"):
        world.assess(signed)


def test_card_bytes_changed_in_the_database(world, signed):
    card = signed.card_revisions.get()
    tamper(card, content=bytes(card.content).replace(b"Few", b"Many"))
    assert_shut(world, signed)
    with pytest.raises(IntegrityFailure, match="card"):
        world.assess(signed)


def test_another_champion_in_between(world, signed):
    rival = world.submit("2", predictions=predictions_csv(seed=2))
    world.approve(rival)
    world.promote(rival)
    assert result(world, signed) == "pending"
    run_tasks()
    decision = decide(actor=world.ada, version=signed, environment="production")
    assert decision.result == "pending"
    review = world.assess(signed).review
    assert (review.champion, live_approvals(review)) == (rival, [])
    assert "comparison" in {item.kind for item in signed.evaluations.all()}


def test_a_newer_policy_touches_no_review_under_way_until_it_is_adopted(world, signed):
    newer, _ = register_policy(
        actor=world.edsger, content=POLICY.replace(b"version: 1", b"version: 2").replace(b"0.70", b"0.72")
    )
    assert result(world, signed) == "allow"
    review = world.assess(signed).review
    assert review.policy_version == world.policy
    for stranger in (world.ada, world.grace, world.barbara, world.mallory):
        with pytest.raises(NotAllowed):
            adopt_newer_policy(actor=stranger, review=review)
    assessment = adopt_newer_policy(actor=world.edsger, review=review)
    assert assessment.policy_version == newer
    assert_shut(world, signed)
    run_tasks()
    world.approve(signed)
    assert result(world, signed) == "allow"
    assert SignOff.objects.filter(review=review).count() == 3
    with pytest.raises(Conflict, match="no newer policy"):
        adopt_newer_policy(actor=world.edsger, review=world.assess(signed).review)
    with pytest.raises(Conflict):
        adopt_newer_policy(actor=world.edsger, review=review)
    assert ledger_actions(object_id=str(review.pk))[-1] == "review.rebased"


def test_a_version_submitted_after_a_newer_policy_is_judged_by_it(world, signed):
    newer, _ = register_policy(actor=world.edsger, content=POLICY.replace(b"version: 1", b"version: 2"))
    assert world.assess(world.submit("2", predictions=predictions_csv(seed=2))).policy_version == newer
