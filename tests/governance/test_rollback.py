"""Rollback: to the last version there whose approval still holds, never forward."""

from datetime import timedelta

import pytest
from django.utils import timezone

import countersign_verify
from governance.champion import champion_for, version_in
from governance.models import Promotion, SignOff
from governance.services.promotions import roll_back
from registry.artifact_store import read_bytes
from registry.errors import Conflict, IntegrityFailure, NotAllowed
from registry.signing_key import verification_pem
from tests.scenario import ledger_actions, predictions_csv, tamper

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("brisk")]


def released(world, name, seed):
    version = world.submit(name, predictions=predictions_csv(seed=seed))
    world.approve(version)
    world.promote(version)
    return version


def back(world, actor=None):
    return roll_back(actor=actor or world.ada, model=world.model, environment="production")


@pytest.fixture
def three(world):
    versions = [released(world, str(number), number) for number in (1, 2, 3)]
    world.model = versions[0].model
    return versions


def test_one_step_back_with_its_own_attestation(world, three):
    promotion = back(world)
    assert (promotion.kind, promotion.version, promotion.replaced) == ("rollback", three[1], three[2])
    assert version_in(world.model.pk, "production") == three[1]
    assert countersign_verify.verify_attestation(
        read_bytes(promotion.attestation_id),
        verification_pem(),
        subject=f"sha256:{three[1].sha256}",
        environment="production",
    ).ok
    assert ledger_actions(object_id=str(promotion.pk)) == ["version.rolled_back"]


def test_going_back_twice_does_not_go_forward(world, three):
    assert [back(world).version.name for _ in range(2)] == ["2", "1"]
    with pytest.raises(Conflict, match="nothing ran there before"):
        back(world)
    assert version_in(world.model.pk, "production") == three[0]


def test_a_version_that_came_back_is_compared_with_what_it_first_replaced(world, three):
    back(world)
    assert champion_for(three[1], "production") == three[0]
    assert champion_for(three[2], "production") == three[1]


def test_a_version_whose_approval_has_ended_is_passed_over(world, three):
    tamper(
        SignOff.objects.get(review__version=three[1], stage__name="compliance"),
        valid_until=timezone.now() - timedelta(seconds=1),
    )
    assert back(world).version == three[0]


def test_where_no_earlier_approval_holds_each_reason_is_given_and_nothing_moves(world, three):
    SignOff.objects.filter(review__version__in=three[:2]).update(seal="")
    before = Promotion.objects.count()
    with pytest.raises(Conflict) as refused:
        back(world)
    assert [reason[:2] for reason in refused.value.details["reasons"]] == ["2:", "1:"]
    assert version_in(world.model.pk, "production") == three[2]
    assert Promotion.objects.count() == before


def test_a_version_whose_files_were_changed_is_not_gone_back_to(world, three, settings):
    from registry.artifact_store import storage_name

    path = settings.DATA_DIR / "artifacts" / storage_name(three[1].files.get(role="model").artifact_id)
    path.chmod(0o600)
    path.write_bytes(b"other")
    with pytest.raises(IntegrityFailure):
        back(world)
    assert version_in(world.model.pk, "production") == three[2]


def test_where_nothing_runs_there_is_nothing_to_go_back_from(world):
    world.model = world.submit("1").model
    with pytest.raises(Conflict, match="nothing of"):
        back(world)
    assert not Promotion.objects.exists()


@pytest.mark.parametrize("who", ["grace", "barbara", "mallory"])
def test_only_those_who_promote_roll_back(world, three, who):
    with pytest.raises(NotAllowed):
        back(world, getattr(world, who))


def test_a_rollback_that_fails_leaves_everything(world, three, monkeypatch):
    from governance.services import promotions

    monkeypatch.setattr(promotions.ledger, "record", lambda **entry: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        back(world)
    monkeypatch.undo()
    assert version_in(world.model.pk, "production") == three[2]
    assert not Promotion.objects.filter(kind="rollback").exists()
