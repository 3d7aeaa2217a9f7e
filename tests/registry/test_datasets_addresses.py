"""A dataset lies elsewhere: what lineage tells of a table is told of the dataset that it is."""

import pytest
from django.utils import timezone

from registry.dataset_selectors import addresses_of, dependent_versions
from registry.errors import Conflict, InvalidInput, NotAllowed, NotFound
from registry.lineage.names import JobName, PlaceName, model_place
from registry.lineage.statement import StatedEdge, Statement
from registry.models import Place
from registry.services.dataset_addresses import add_address, remove_address
from registry.services.datasets import register_dataset
from registry.services.lineage import apply_statements
from tests.scenario import ledger_actions

pytestmark = pytest.mark.django_db

TABLE = PlaceName("postgres://warehouse:5432", "crm.public.customers")


@pytest.fixture
def dataset(world):
    return register_dataset(actor=world.tony, slug="customers", name="Customers", source="CRM")


def reads(version, table=TABLE):
    """The model version is made from the table."""
    edge = StatedEdge(source=table, source_column="age", target_column="income")
    place = model_place(version.model.name, version.name)
    apply_statements(
        [Statement(job=JobName("j", "train"), place=place, at=timezone.now(), by="declared", edges=(edge,))]
    )


def bind(world, dataset, table=TABLE):
    return add_address(actor=world.tony, dataset=dataset, namespace=table.namespace, name=table.name)


@pytest.mark.parametrize("told_first", [True, False])
def test_what_was_made_from_the_table_is_made_from_the_dataset(world, dataset, told_first):
    version = world.submit("1", measured=False)
    if told_first:
        reads(version)
    bind(world, dataset)
    if not told_first:
        reads(version)
    assert dependent_versions(dataset) == [version]
    assert [(place.namespace, place.name) for place in addresses_of(dataset)] == [(TABLE.namespace, TABLE.name)]
    assert bind(world, dataset) == addresses_of(dataset).get()
    assert ledger_actions(object_type="dataset", object_id=str(dataset.pk)) == ["dataset.registered", "dataset.changed"]


def test_after_it_is_taken_away_only_what_was_told_before_counts(world, dataset):
    first, second = world.submit("1", measured=False), world.submit("2", measured=False)
    bind(world, dataset)
    reads(first)
    remove_address(actor=world.tony, dataset=dataset, namespace=TABLE.namespace, name=TABLE.name)
    reads(second)
    assert dependent_versions(dataset) == [first]
    assert not addresses_of(dataset).exists()
    assert Place.objects.get(key=TABLE.key).dataset is None
    with pytest.raises(NotFound):
        remove_address(actor=world.tony, dataset=dataset, namespace=TABLE.namespace, name=TABLE.name)


def test_one_table_is_one_dataset(world, dataset):
    bind(world, dataset)
    other = register_dataset(actor=world.grace, slug="other", name="Other", source="s")
    with pytest.raises(Conflict, match="another dataset already"):
        add_address(actor=world.grace, dataset=other, namespace=TABLE.namespace, name=TABLE.name)
    assert not addresses_of(other).exists()


@pytest.mark.parametrize(
    ("namespace", "name", "field"),
    [
        ("countersign:datasets", "other", "namespace"),
        ("countersign:models", "mortgage-approval@1", "namespace"),
        ("", "x", "namespace"),
        ("x", "", "name"),
        ("x", "y" * 1001, "name"),
        ("x\x00", "y", "namespace"),
        ("x", "y\nz", "namespace"),
    ],
)
def test_names_have_their_form(world, dataset, namespace, name, field):
    with pytest.raises(InvalidInput) as refused:
        add_address(actor=world.tony, dataset=dataset, namespace=namespace, name=name)
    assert refused.value.field == field


def test_only_who_tends_it_says_where_it_lies(world, dataset):
    bind(world, dataset)
    for person in (world.ada, world.edsger, world.mallory):
        with pytest.raises(NotAllowed):
            add_address(actor=person, dataset=dataset, namespace="x", name="y")
        with pytest.raises(NotAllowed):
            remove_address(actor=person, dataset=dataset, namespace=TABLE.namespace, name=TABLE.name)
