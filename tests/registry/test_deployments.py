"""Where versions run: recorded by those who run them, ended, and told to the ledger."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from registry.errors import Conflict, InvalidInput, NotAllowed
from registry.services.deployments import end_deployment, record_deployment
from tests.scenario import ledger_actions

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(world):
    return world.submit("1", measured=False)


def deploy(person, version, **said):
    told = {"environment": "production", "kind": "service", "location": "https://score.bank.example/v1", **said}
    return record_deployment(actor=person, version=version, **told)


def test_a_deployment_is_recorded_and_ended_and_the_ledger_says_both(world, version):
    deployment = deploy(world.ada, version, region="EU")
    assert (deployment.until, deployment.region, deployment.recorded_by) == (None, "EU", world.ada)
    ended = end_deployment(actor=world.tony, deployment=deployment)
    assert ended.until >= ended.since
    assert ledger_actions(object_type="deployment") == ["deployment.recorded", "deployment.ended"]


@pytest.mark.parametrize(("who", "may"), [("ada", True), ("tony", True), ("edsger", True), ("grace", False), ("barbara", False), ("mallory", False)])  # fmt: skip
def test_developers_owners_and_officers_say_where_it_runs(world, version, who, may):
    person = getattr(world, who)
    if may:
        end_deployment(actor=person, deployment=deploy(person, version))
        return
    with pytest.raises(NotAllowed):
        deploy(person, version)
    with pytest.raises(NotAllowed):
        end_deployment(actor=person, deployment=deploy(world.ada, version))


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"environment": ""}, "environment"),
        ({"environment": "a b"}, "environment"),
        ({"environment": "x" * 51}, "environment"),
        ({"kind": "lambda"}, "kind"),
        ({"location": "  "}, "location"),
        ({"location": "x" * 501}, "location"),
        ({"location": "a\nb"}, "location"),
        ({"region": "x" * 51}, "region"),
        ({"region": "\x00"}, "region"),
        ({"since": timezone.now() + timedelta(days=1)}, "since"),
        ({"since": timezone.now().replace(tzinfo=None)}, "since"),
    ],
)
def test_what_is_malformed_is_named(world, version, said, field):
    with pytest.raises(InvalidInput) as raised:
        deploy(world.ada, version, **said)
    assert raised.value.field == field
    assert ledger_actions(object_type="deployment") == []


def test_one_place_is_live_once_and_may_come_back(world, version):
    first = deploy(world.ada, version)
    with pytest.raises(Conflict):
        deploy(world.ada, version)
    deploy(world.ada, version, environment="staging")
    end_deployment(actor=world.ada, deployment=first)
    deploy(world.ada, version)
    with pytest.raises(Conflict):
        end_deployment(actor=world.ada, deployment=first)


def test_it_ends_neither_before_it_began_nor_in_the_future(world, version):
    deployment = deploy(world.ada, version, since=timezone.now() - timedelta(days=3))
    for days in (-4, 1):
        with pytest.raises(InvalidInput) as raised:
            end_deployment(actor=world.ada, deployment=deployment, until=timezone.now() + timedelta(days=days))
        assert raised.value.field == "until"
    assert end_deployment(actor=world.ada, deployment=deployment, until=timezone.now() - timedelta(days=2)).until
