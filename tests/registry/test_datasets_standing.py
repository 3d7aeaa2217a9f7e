"""Who sees a dataset, who withdraws and restores it, who is its steward."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from registry.dataset_changes import subscribe, unsubscribe
from registry.dataset_selectors import datasets_for, dependent_versions, get_dataset, may_withdraw
from registry.errors import Conflict, InvalidInput, NotAllowed, NotFound
from registry.ledger import SYSTEM
from registry.lineage.names import JobName, PlaceName, dataset_place, model_place
from registry.lineage.statement import StatedEdge, Statement
from registry.models import Dataset, Person
from registry.roles import Role
from registry.services.dataset_standing import change_visibility, name_steward, restore_dataset, withdraw_dataset
from registry.services.datasets import register_dataset
from registry.services.lineage import apply_statements
from registry.services.people import assign_role
from tests.cast import make_person
from tests.scenario import ledger_actions

pytestmark = pytest.mark.django_db

FEATURES = PlaceName("warehouse", "features")


@pytest.fixture
def dataset(world):
    return register_dataset(actor=world.tony, slug="bureau", name="Bureau", source="Credit bureau")


def feeds(dataset, version):
    """The dataset goes through a table of features into the model version."""
    at = timezone.now()
    of_features = StatedEdge(source=dataset_place(dataset.slug), source_column="debt", target_column="ratio")
    of_model = StatedEdge(source=FEATURES, source_column="ratio", target_column="ratio")
    apply_statements(
        [
            Statement(job=JobName("j", "features"), place=FEATURES, at=at, by="declared", edges=(of_features,)),
            Statement(
                job=JobName("j", "model"), place=model_place(version.model.name, version.name), at=at, by="manifest",
                edges=(of_model,),
            ),
        ]
    )  # fmt: skip


def slugs(person):
    return set(datasets_for(person).values_list("slug", flat=True))


def test_everybody_with_a_role_sees_a_dataset(world, dataset):
    for person in (world.ada, world.grace, world.edsger, world.barbara, world.tony):
        assert slugs(person) == {"bureau"}
        assert get_dataset(person, "bureau") == dataset
    assert slugs(world.mallory) == set()
    with pytest.raises(NotFound):
        get_dataset(world.mallory, "bureau")


def test_who_tends_any_dataset_sees_others_too(world, dataset):
    register_dataset(actor=world.mallory, slug="mine", name="Mine", source="s")
    assert slugs(world.mallory) == {"bureau", "mine"}
    assert get_dataset(world.mallory, "bureau") == dataset


def test_a_restricted_dataset_is_for_those_who_have_to_do_with_it(world, dataset):
    change_visibility(actor=world.tony, dataset=dataset, visibility="restricted")
    name_steward(actor=world.tony, dataset=dataset, steward=world.mallory)
    version = world.submit("1", measured=False)
    assert slugs(world.ada) == slugs(world.grace) == {"hmda-boston"}
    assert slugs(world.tony) == slugs(world.mallory) == {"bureau", "hmda-boston"}
    with pytest.raises(NotFound):
        get_dataset(world.ada, "bureau")
    feeds(dataset, version)
    assert slugs(world.ada) == slugs(world.grace) == {"bureau", "hmda-boston"}
    assert get_dataset(world.grace, "bureau") == dataset


def test_a_role_on_another_model_does_not_show_a_restricted_dataset(world, dataset):
    change_visibility(actor=world.tony, dataset=dataset, visibility="restricted")
    feeds(dataset, world.submit("1", measured=False))
    other = world.submit("1", model="overdraft", measured=False).model
    assign_role(actor=SYSTEM, person=world.mallory, role=Role.AUDITOR, on=other)
    assert slugs(world.mallory) == {"hmda-boston"}
    with pytest.raises(NotFound):
        get_dataset(world.mallory, "bureau")


def test_restricted_datasets_beside_one_that_concerns_somebody_stay_hidden(world, dataset):
    for slug in ("bureau", "ledger", "unused"):
        if slug != "bureau":
            register_dataset(actor=world.tony, slug=slug, name=slug, source="s")
        change_visibility(actor=world.tony, dataset=Dataset.objects.get(slug=slug), visibility="restricted")
    mine = world.submit("1", measured=False)
    theirs = world.submit("1", model="overdraft", measured=False)
    feeds(dataset, mine)
    edge = StatedEdge(source=dataset_place("ledger"), source_column="sum", target_column="income")
    place = model_place(theirs.model.name, theirs.name)
    job = JobName("j", "overdraft")
    apply_statements([Statement(job=job, place=place, at=timezone.now(), by="manifest", edges=(edge,))])
    assign_role(actor=SYSTEM, person=world.mallory, role=Role.AUDITOR, on=mine.model)
    assert slugs(world.mallory) == {"hmda-boston", "bureau"}
    assert slugs(world.ada) == {"hmda-boston", "bureau", "ledger"}


def test_many_restricted_datasets_are_looked_through_as_often_as_one(world, dataset, django_assert_num_queries):
    change_visibility(actor=world.tony, dataset=dataset, visibility="restricted")
    version = world.submit("1", measured=False)
    feeds(dataset, version)
    slugs(world.ada)
    with CaptureQueriesContext(connection) as one:
        assert slugs(world.ada) == {"hmda-boston", "bureau"}
    for number in range(5):
        made = register_dataset(actor=world.tony, slug=f"more-{number}", name="More", source="s")
        change_visibility(actor=world.tony, dataset=made, visibility="restricted")
        edge = StatedEdge(source=dataset_place(made.slug), source_column="debt", target_column="ratio")
        job, place = JobName("j", made.slug), model_place(version.model.name, version.name)
        apply_statements([Statement(job=job, place=place, at=timezone.now(), by="manifest", edges=(edge,))])
    with django_assert_num_queries(len(one)):
        assert slugs(world.ada) == {"hmda-boston", "bureau", *(f"more-{number}" for number in range(5))}
    assert len(one) <= 11


def test_a_superuser_sees_no_more(world, dataset):
    world.mallory.is_superuser = True
    world.mallory.save()
    assert slugs(world.mallory) == set()
    with pytest.raises(NotFound):
        get_dataset(world.mallory, "bureau")


def test_who_has_left_sees_nothing(world, dataset):
    world.tony.is_active = False
    world.tony.save()
    assert slugs(world.tony) == set()
    with pytest.raises(NotFound):
        get_dataset(world.tony, "bureau")


def test_what_depends_is_known_from_manifest_and_lineage(world, dataset):
    first, second = world.submit("1", measured=False), world.submit("2", measured=False)
    feeds(dataset, second)
    assert dependent_versions(dataset) == [second]
    assert dependent_versions(first.training_dataset.dataset) == [second, first]


def test_a_withdrawal_has_a_reason_and_an_end(world, dataset):
    withdrawn = withdraw_dataset(actor=world.tony, dataset=dataset, reason=" The bureau ended the contract. ")
    assert withdrawn.withdrawn_reason == "The bureau ended the contract."
    assert withdrawn.withdrawn_at is not None
    with pytest.raises(Conflict, match="already: The bureau"):
        withdraw_dataset(actor=world.tony, dataset=dataset, reason="Again")
    restored = restore_dataset(actor=world.tony, dataset=dataset, reason="A new contract.")
    assert (restored.withdrawn_at, restored.withdrawn_reason) == (None, "")
    with pytest.raises(Conflict, match="not withdrawn"):
        restore_dataset(actor=world.tony, dataset=dataset, reason="Again")
    assert ledger_actions(object_type="dataset") == ["dataset.registered", "dataset.withdrawn", "dataset.restored"]


@pytest.mark.parametrize("reason", ["", "  \n", "x" * 2001, "a\x00b"])
def test_without_a_reason_nothing_is_withdrawn(world, dataset, reason):
    with pytest.raises(InvalidInput) as refused:
        withdraw_dataset(actor=world.tony, dataset=dataset, reason=reason)
    assert refused.value.field == "reason"
    dataset.refresh_from_db()
    assert dataset.withdrawn_at is None


def test_compliance_officers_of_models_that_depend_on_it_withdraw_too(world, dataset):
    version = world.submit("1", measured=False)
    for person in (world.edsger, world.ada, world.grace):
        with pytest.raises(NotAllowed, match="compliance officers of models"):
            withdraw_dataset(actor=person, dataset=dataset, reason="r")
    feeds(dataset, version)
    assert may_withdraw(world.edsger, dataset)
    for person in (world.ada, world.grace, world.barbara, world.mallory):
        assert not may_withdraw(person, dataset)
    assert withdraw_dataset(actor=world.edsger, dataset=dataset, reason="r").withdrawn_at is not None


def test_withdrawing_and_restoring_are_told(world, dataset, django_capture_on_commit_callbacks):
    told = []

    def listen(key, because):
        told.append(because)

    subscribe(listen)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            withdraw_dataset(actor=world.tony, dataset=dataset, reason="Ended.")
        with django_capture_on_commit_callbacks(execute=True):
            restore_dataset(actor=world.tony, dataset=dataset, reason="Renewed.")
    finally:
        unsubscribe(listen)
    assert told == [
        "Tony Hoare withdrew the dataset bureau: Ended.",
        "Tony Hoare restored the dataset bureau: Renewed.",
    ]


def test_only_the_owner_names_a_steward_and_says_who_sees_it(world, dataset):
    name_steward(actor=world.tony, dataset=dataset, steward=world.ada)
    dataset.refresh_from_db()
    for person in (world.ada, world.edsger, world.mallory):
        with pytest.raises(NotAllowed, match="only the owner"):
            name_steward(actor=person, dataset=dataset, steward=person)
        with pytest.raises(NotAllowed, match="only the owner"):
            change_visibility(actor=person, dataset=dataset, visibility="restricted")
    with pytest.raises(InvalidInput, match="everyone, restricted"):
        change_visibility(actor=world.tony, dataset=dataset, visibility="nobody")
    bot = Person.objects.create(username="ci", is_service=True)
    with pytest.raises(InvalidInput, match="active person"):
        name_steward(actor=world.tony, dataset=dataset, steward=bot)
    gone = make_person("alan", "Alan", "Turing", is_active=False)
    with pytest.raises(InvalidInput, match="active person"):
        name_steward(actor=world.tony, dataset=dataset, steward=gone)
    assert name_steward(actor=world.tony, dataset=dataset, steward=None).steward is None
    assert ledger_actions(object_type="dataset") == ["dataset.registered", "dataset.changed", "dataset.changed"]
