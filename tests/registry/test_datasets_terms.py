"""The terms of a dataset: from its latest datasheet, its newest data, and whether it is withdrawn."""

from datetime import date

import pytest
from django.utils import timezone

from registry.datasheet_terms import terms_of, terms_of_all
from registry.errors import Conflict, IntegrityFailure, InvalidInput, NotAllowed
from registry.models import DatasheetRevision
from registry.services.dataset_standing import name_steward, withdraw_dataset
from registry.services.datasets import register_dataset, register_dataset_version
from registry.services.datasheets import revise_datasheet
from registry.terms import Terms
from tests.scenario import ledger_actions

pytestmark = pytest.mark.django_db

SHEET = {
    "collection": {"period": {"from": "1990-01-01", "until": "1990-12-31"}},
    "licence": {"name": "Public domain", "until": "2030-06-30"},
    "purposes": ["mortgage-underwriting"],
    "prohibited": [
        {"purpose": "insurance-pricing", "columns": ["sex"], "reason": "Test-Achats"},
        {"purpose": "insurance-pricing", "columns": ["age", "sex"], "reason": "Ours"},
    ],
    "retention": {"days": 365},
    "freshness_days": 31,
    "regions": ["US"],
    "lawful_basis": "legal-obligation",
    "is_source": True,
}


@pytest.fixture
def dataset(world):
    return register_dataset(actor=world.tony, slug="hmda", name="HMDA", source="Federal Reserve")


def test_without_a_datasheet_nothing_is_permitted(dataset):
    assert terms_of(dataset) == Terms(slug="hmda", name="HMDA", owner="Tony Hoare")


def test_the_latest_datasheet_counts(world, dataset):
    revise_datasheet(actor=world.tony, dataset=dataset, sheet={"purposes": ["*"]}, base=0)
    revision = revise_datasheet(actor=world.tony, dataset=dataset, sheet=SHEET, base=1)
    dataset = name_steward(actor=world.tony, dataset=dataset, steward=world.ada)
    assert terms_of(dataset) == Terms(
        slug="hmda",
        name="HMDA",
        owner="Tony Hoare",
        steward="Ada Lovelace",
        datasheet=revision.sha256,
        licence="Public domain",
        licence_until="2030-06-30",
        purposes=("mortgage-underwriting",),
        prohibited={"insurance-pricing": ("age", "sex")},
        retention_until="1991-12-31",
        fresh_until="1991-01-31",
        regions=("US",),
        lawful_basis="legal-obligation",
        is_source=True,
    )


def test_spans_count_from_the_newest_data(world, dataset):
    revise_datasheet(actor=world.tony, dataset=dataset, sheet=SHEET, base=0)
    for label, day in (("b", date(2024, 2, 1)), ("a", date(2023, 1, 1)), ("c", None)):
        register_dataset_version(actor=world.tony, dataset=dataset, label=label, sha256="a" * 64, data_until=day)
    assert (terms_of(dataset).fresh_until, terms_of(dataset).retention_until) == ("2024-03-03", "2025-01-31")


def test_a_withdrawal_is_part_of_the_terms(world, dataset):
    withdrawn = withdraw_dataset(actor=world.tony, dataset=dataset, reason="Licence ended")
    terms = terms_of(withdrawn)
    assert terms.withdrawn_at is not None
    assert timezone.datetime.fromisoformat(terms.withdrawn_at) == withdrawn.withdrawn_at
    assert terms.withdrawn_reason == "Licence ended"


def test_many_are_read_in_as_many_queries_as_one(world, django_assert_num_queries):
    made = []
    for number in range(12):
        dataset = register_dataset(actor=world.tony, slug=f"d{number}", name="D", source="s")
        for revision in range(number % 3):
            revise_datasheet(
                actor=world.tony, dataset=dataset, sheet={"purposes": [f"p{number}-{revision}"]}, base=revision
            )
        made.append(dataset)
    with django_assert_num_queries(3):
        found = terms_of_all(made)
    assert [found[f"d{number}"].purposes for number in range(6)] == [(), ("p1-0",), ("p2-1",), (), ("p4-0",), ("p5-1",)]


def test_a_datasheet_changed_behind_our_back_is_not_believed(world, dataset):
    revise_datasheet(actor=world.tony, dataset=dataset, sheet=SHEET, base=0)
    DatasheetRevision.objects.update(content=b'{"purposes":["*"]}')
    with pytest.raises(IntegrityFailure, match="not what was written"):
        terms_of(dataset)


def test_the_same_sheet_again_makes_no_revision(world, dataset):
    first = revise_datasheet(actor=world.tony, dataset=dataset, sheet=SHEET, base=0)
    assert revise_datasheet(actor=world.tony, dataset=dataset, sheet=dict(reversed(SHEET.items())), base=0) == first
    assert ledger_actions(object_type="dataset") == ["dataset.registered", "datasheet.revised"]


def test_who_wrote_in_the_meantime_is_said(world, dataset):
    dataset = name_steward(actor=world.tony, dataset=dataset, steward=world.ada)
    revise_datasheet(actor=world.ada, dataset=dataset, sheet=SHEET, base=0)
    with pytest.raises(Conflict, match="Ada Lovelace wrote revision 1") as refused:
        revise_datasheet(actor=world.tony, dataset=dataset, sheet={"purposes": ["*"]}, base=0)
    assert refused.value.details == {"latest": 1, "author": "Ada Lovelace"}
    assert DatasheetRevision.objects.count() == 1


def test_only_owner_and_steward_write(world, dataset):
    for person in (world.ada, world.edsger, world.mallory):
        with pytest.raises(NotAllowed, match="the owner and the steward"):
            revise_datasheet(actor=person, dataset=dataset, sheet=SHEET, base=0)


def test_a_wrong_field_leaves_nothing_behind(world, dataset):
    with pytest.raises(InvalidInput) as refused:
        revise_datasheet(actor=world.tony, dataset=dataset, sheet=SHEET | {"regions": ["Mars"]}, base=0)
    assert refused.value.field == "regions[0]"
    assert not DatasheetRevision.objects.exists()
