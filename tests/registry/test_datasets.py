"""Datasets: declared by manifests, registered by owners, and never changed once their content is stated."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from registry.dataset_changes import subscribe, unsubscribe
from registry.errors import Conflict, InvalidInput, NotAllowed
from registry.ledger import SYSTEM
from registry.lineage.names import dataset_place
from registry.models import Dataset, DatasetVersion, LineageColumn, Person, Place
from registry.roles import Role
from registry.services.datasets import declared_dataset_version, register_dataset, register_dataset_version
from registry.services.people import assign_role, grant_duty
from tests.scenario import ledger_actions

pytestmark = pytest.mark.django_db

DIGEST = "a" * 64


def test_a_manifest_only_declares(world):
    version = declared_dataset_version(actor=world.ada, reference="hmda-boston@1990")
    assert (version.sha256, version.dataset.owner) == (None, None)
    assert declared_dataset_version(actor=world.tony, reference="hmda-boston@1990") == version
    assert ledger_actions(object_type="dataset version") == ["dataset_version.registered"]


def test_somebody_with_the_duty_takes_a_declared_dataset_over_once(world):
    declared = declared_dataset_version(actor=world.ada, reference="hmda-boston@1990")
    grant_duty(actor=SYSTEM, person=world.tony, permission="registry.register_dataset")
    dataset = register_dataset(actor=world.tony, slug="hmda-boston", name="HMDA Boston", source="Federal Reserve")
    assert (dataset, dataset.owner) == (declared.dataset, world.tony)
    with pytest.raises(Conflict, match="already"):
        register_dataset(actor=world.mallory, slug="hmda-boston", name="Mine", source="now")
    assert Dataset.objects.get().owner == world.tony


def test_who_may_only_submit_does_not_take_over_what_models_depend_on(world):
    world.submit("1", measured=False)
    for person in (world.ada, world.mallory, world.grace):
        with pytest.raises(NotAllowed, match="somebody with the duty"):
            register_dataset(actor=person, slug="hmda-boston", name="Mine", source="now")
    assert Dataset.objects.get().owner is None


@pytest.mark.parametrize("role", [Role.DATA_OWNER, Role.MODEL_OWNER])
def test_data_and_model_owners_of_all_its_models_take_a_dataset_over(world, role):
    version = world.submit("1", measured=False)
    world.submit("1", measured=False, model="overdraft")
    assign_role(actor=SYSTEM, person=world.mallory, role=role, on=version.model)
    with pytest.raises(NotAllowed, match="all models"):
        register_dataset(actor=world.mallory, slug="hmda-boston", name="HMDA", source="Federal Reserve")
    assign_role(actor=SYSTEM, person=world.mallory, role=role, on=world.use_case)
    dataset = register_dataset(actor=world.mallory, slug="hmda-boston", name="HMDA", source="Federal Reserve")
    assert dataset.owner == world.mallory


def test_nobody_makes_others_owners_without_the_duty(world):
    with pytest.raises(NotAllowed):
        register_dataset(actor=world.edsger, slug="d", name="d", source="s", owner=world.tony)
    grant_duty(actor=SYSTEM, person=world.edsger, permission="registry.register_dataset")
    assert register_dataset(actor=world.edsger, slug="d", name="d", source="s", owner=world.tony).owner == world.tony


def test_a_service_account_answers_for_nothing(world):
    bot = Person.objects.create(username="ci", is_service=True)
    with pytest.raises(InvalidInput, match="service accounts"):
        register_dataset(actor=bot, slug="d", name="d", source="s")


@pytest.mark.parametrize(
    ("wrong", "field"), [({"slug": "a b"}, "slug"), ({"name": ""}, "name"), ({"name": "x" * 201}, "name")]
)
def test_what_is_registered_has_its_form(world, wrong, field):
    with pytest.raises(InvalidInput) as refused:
        register_dataset(actor=world.tony, **({"slug": "d", "name": "d", "source": "s"} | wrong))
    assert refused.value.field == field
    assert not Dataset.objects.exists()


def test_a_registered_dataset_has_its_place_in_the_lineage(world):
    dataset = register_dataset(actor=world.tony, slug="d", name="d", source="s")
    place = Place.objects.get(key=dataset_place("d").key)
    assert (place.dataset, place.kind) == (dataset, "dataset")
    register_dataset_version(
        actor=world.tony,
        dataset=dataset,
        label="1",
        sha256=DIGEST,
        columns=[{"name": "income", "type": "int"}, {"name": "ratio"}],
    )
    columns = LineageColumn.objects.filter(place=place, role="column", dropped_at=None)
    assert dict(columns.values_list("name", "type")) == {"income": "int", "ratio": ""}


def test_a_place_that_events_told_of_before_becomes_the_dataset_s(world):
    from registry.services.places import ensure_places

    place = ensure_places([dataset_place("d")], timezone.now())[dataset_place("d")]
    assert place.dataset is None
    dataset = register_dataset(actor=world.tony, slug="d", name="d", source="s")
    place.refresh_from_db()
    assert place.dataset == dataset


def test_changes_are_told_once_they_are_committed(world, django_capture_on_commit_callbacks):
    told = []

    def listen(key, because):
        told.append((key, because))

    subscribe(listen)
    subscribe(listen)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            dataset = register_dataset(actor=world.tony, slug="d", name="d", source="s")
            assert told == []
    finally:
        unsubscribe(listen)
    assert told == [(dataset.pk, "Tony Hoare now answers for the dataset d.")]


def test_content_once_stated_stands(world):
    dataset = register_dataset(actor=world.tony, slug="d", name="d", source="s")
    stated = register_dataset_version(actor=world.tony, dataset=dataset, label="1", sha256=f"sha256:{DIGEST}", rows=7)
    assert (stated.sha256, stated.rows) == (DIGEST, 7)
    register_dataset_version(actor=world.tony, dataset=dataset, label="1", sha256=DIGEST, rows=7)
    with pytest.raises(Conflict, match="another content"):
        register_dataset_version(actor=world.tony, dataset=dataset, label="1", sha256="b" * 64)
    with pytest.raises(Conflict, match="rows"):
        register_dataset_version(actor=world.tony, dataset=dataset, label="1", sha256=DIGEST, rows=8)
    for other in ({"columns": [{"name": "a"}]}, {"data_until": date(1990, 1, 1)}, {"profile": {"a": {"nulls": 0}}}):
        (field,) = other
        with pytest.raises(Conflict) as refused:
            register_dataset_version(actor=world.tony, dataset=dataset, label="1", sha256=DIGEST, rows=7, **other)
        assert refused.value.field == field
    assert DatasetVersion.objects.get().rows == 7
    assert ledger_actions(object_type="dataset version") == ["dataset_version.registered"]


def test_only_the_owner_states_content(world):
    dataset = register_dataset(actor=world.tony, slug="d", name="d", source="s")
    with pytest.raises(NotAllowed, match="only the owner and the steward"):
        register_dataset_version(actor=world.mallory, dataset=dataset, label="1", sha256=DIGEST)
    unowned = declared_dataset_version(actor=world.ada, reference="other@1").dataset
    with pytest.raises(NotAllowed):
        register_dataset_version(actor=world.ada, dataset=unowned, label="1", sha256=DIGEST)


def test_a_digest_has_its_form(world):
    dataset = register_dataset(actor=world.tony, slug="d", name="d", source="s")
    with pytest.raises(InvalidInput, match="SHA-256"):
        register_dataset_version(actor=world.tony, dataset=dataset, label="1", sha256="md5")
    assert not DatasetVersion.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"columns": [{"name": "a"}, {"name": "a"}]}, "columns[1].name"),
        ({"columns": [{"name": "a\nb"}]}, "columns[0].name"),
        ({"columns": [{"type": "int"}]}, "columns[0].name"),
        ({"columns": [{"name": "a", "type": "x" * 201}]}, "columns[0].type"),
        ({"profile": {"a": 3}}, "profile"),
        ({"profile": {"a": {"text": "x" * 1_000_001}}}, "profile"),
        ({"profile": {"a": {"text": "\x00"}}}, "profile"),
        ({"data_until": timezone.now().date() + timedelta(days=2)}, "data_until"),
    ],
)
def test_what_a_version_holds_has_its_form(world, wrong, field):
    dataset = register_dataset(actor=world.tony, slug="d", name="d", source="s")
    with pytest.raises(InvalidInput) as refused:
        register_dataset_version(actor=world.tony, dataset=dataset, label="1", sha256=DIGEST, **wrong)
    assert refused.value.field == field
    assert not DatasetVersion.objects.exists()
