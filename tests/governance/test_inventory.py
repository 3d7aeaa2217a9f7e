"""The inventory: filters, order and pages in the database, other registries beside ours, and what a regulator is given."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.utils import timezone

from governance.inventory_cells import safe_cell
from governance.page_selectors.inventory import Filters, Inventory, inventory_rows, read_filters
from governance.page_selectors.stage_filter import STAGES
from governance.page_selectors.standing import newest_versions, standings_of
from registry.ledger import SYSTEM
from registry.models import ExternalVersion, RegisteredModel
from registry.roles import Role
from registry.services.deployments import end_deployment, record_deployment
from registry.services.external_imports import import_csv
from registry.services.external_registries import add_registry, change_registry, link_model
from registry.services.people import assign_role, grant_duty
from registry.services.use_cases import create_use_case
from tests.scenario import predictions_csv, tamper

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("brisk")]
FILE = b"model,version,owner,stage\nchurn,1,Tony,Staging\nchurn,2,Tony,Production\n=cmd|' /C calc'!A0,1,,\n"


@pytest.fixture
def stocked(world):
    """Three models here, each at another stage, and two in a spreadsheet that somebody sent."""
    grant_duty(actor=SYSTEM, person=world.edsger, permission="registry.add_external_registry")
    first = world.submit("1")
    world.approve(first)
    world.promote(first)
    world.submit("3", model="overdraft", predictions=predictions_csv(ratio=0.6))
    world.submit("1", model="cards", measured=False)
    sheet = add_registry(actor=world.edsger, name="sheet", kind="csv")
    import_csv(actor=world.edsger, registry=sheet, data=FILE)
    return world


def names(person, **asked) -> list[str]:
    found = Inventory(person, Filters(**asked))
    rows = inventory_rows(found[0:100])
    assert len(rows) == found.count()
    return [row.here.model.name if row.here else f"there {row.elsewhere.newest.model_name}" for row in rows]


def deploy(world, name: str, version: str, **said):
    model = RegisteredModel.objects.get(name=name)
    told = {"environment": "production", "kind": "service", "location": "https://score.bank.example", **said}
    return record_deployment(actor=world.ada, version=model.versions.get(name=version), **told)


HERE = ["cards", "mortgage-approval", "overdraft"]


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ({}, ["there =cmd|' /C calc'!A0", "cards", "there churn", "mortgage-approval", "overdraft"]),
        ({"source": "here"}, HERE),
        ({"source": "elsewhere"}, ["there =cmd|' /C calc'!A0", "there churn"]),
        ({"source": "sheet"}, ["there =cmd|' /C calc'!A0", "there churn"]),
        ({"source": "nowhere"}, []),
        ({"q": "CHUR"}, ["there churn"]),
        ({"q": "underwriting"}, HERE),
        ({"tier": "high"}, HERE),
        ({"tier": "low"}, []),
        ({"use_case": "mortgage-underwriting"}, HERE),
        ({"owner": "tony"}, HERE),
        ({"owner": "ada"}, []),
        ({"stage": "approved"}, ["mortgage-approval"]),
        ({"stage": "blocked"}, ["overdraft"]),
        ({"stage": "measuring"}, ["cards"]),
        ({"stage": "nonsense"}, []),
        ({"environment": "production"}, ["mortgage-approval"]),
        ({"environment": "staging"}, []),
        ({"noncompliant": "yes"}, []),
        ({"dataset": "hmda-boston"}, HERE),
        ({"dataset": "unheard-of"}, []),
        ({"q": "cards", "stage": "blocked"}, []),
    ],
)
def test_each_filter_lets_through_what_it_names(stocked, asked, shown):
    assert names(stocked.edsger, **asked) == shown


def test_it_is_ordered_both_ways_by_every_head(stocked):
    other = create_use_case(
        actor=stocked.edsger, slug="a-first", name="A first", objective="o", kpis=[], affected_people="p", risk_tier="low",
        owner=stocked.ada,
    )  # fmt: skip
    assign_role(actor=SYSTEM, person=stocked.edsger, role=Role.COMPLIANCE_OFFICER, on=other)
    RegisteredModel.objects.filter(name="overdraft").update(use_case=other)
    for by, first in {"name": "cards", "use_case": "overdraft", "tier": "overdraft", "owner": "overdraft"}.items():
        assert names(stocked.edsger, source="here", sort=by)[0] == first
        assert names(stocked.edsger, source="here", sort=f"-{by}")[-1] == first
    assert names(stocked.edsger, source="here", sort="-newest") == ["cards", "overdraft", "mortgage-approval"]
    assert len(names(stocked.edsger, sort="newest")) == len(names(stocked.edsger, sort="-owner")) == 5


def test_what_runs_and_would_not_be_let_in_again_is_found(stocked):
    pointer = RegisteredModel.objects.get(name="mortgage-approval").pointers.get()
    tamper(pointer, noncompliant_since=timezone.now(), noncompliance="The licence is withdrawn.")
    assert names(stocked.ada, noncompliant="yes") == ["mortgage-approval"]
    assert names(stocked.ada, noncompliant="yes", environment="production") == ["mortgage-approval"]
    assert names(stocked.ada, noncompliant="yes", environment="staging") == []


def test_deployments_are_found_by_place_while_they_last(stocked):
    told = deploy(stocked, "overdraft", "3", environment="staging", kind="batch", region="US-NY")
    assert names(stocked.ada, environment="staging") == ["overdraft"]
    assert names(stocked.ada, kind="batch", region="us-ny") == ["overdraft"]
    assert names(stocked.ada, kind="service", region="US-NY") == []
    assert names(stocked.ada, kind="batch", environment="production") == []
    end_deployment(actor=stocked.ada, deployment=told)
    assert names(stocked.ada, environment="staging") == names(stocked.ada, kind="batch") == []


def test_everybody_sees_only_their_own(stocked):
    assert names(stocked.mallory) == []
    assert names(stocked.ada) == HERE
    assert len(names(stocked.barbara)) == 5  # who reads the whole ledger sees other registries, too
    link_model(
        actor=stocked.edsger,
        registry=ExternalVersion.objects.first().registry,
        model_name="churn",
        model=RegisteredModel.objects.get(name="cards"),
    )
    assert names(stocked.ada) == ["cards", "there churn", "mortgage-approval", "overdraft"]


def test_the_stage_in_the_database_is_the_one_that_pages_compute(stocked):
    """On every step of a review's way, and after its signatures ran out."""
    model = RegisteredModel.objects.get(name="mortgage-approval")

    def agree():
        (version,) = newest_versions([model])
        computed = {standing.stage for standing in standings_of([version])}
        stored = {stage for stage in STAGES if names(stocked.ada, stage=stage, q="mortgage-approval")}
        assert stored == computed
        return stored

    assert agree() == {"approved"}
    version = stocked.submit("2", measured=False)
    assert agree() == {"measuring"}
    stocked.assess(version)
    from tests.scenario import run_tasks

    run_tasks()
    assert agree() == {"review"}
    stocked.sign(stocked.tony, version)
    assert agree() == {"review"}
    stocked.sign(stocked.grace, version, meaning="request_changes")
    assert agree() == {"blocked"}
    version = stocked.submit("4")
    stocked.approve(version)
    assert agree() == {"approved"}
    sign_off = version.reviews.get().sign_offs.get(person=stocked.edsger)
    tamper(sign_off, valid_until=timezone.now() - timedelta(days=1))
    assert agree() == {"review"}
    version = stocked.submit("5")
    stocked.sign(stocked.tony, version, meaning="reject")
    assert agree() == {"rejected"}


def test_a_model_that_no_policy_covers_is_found(stocked):
    case = stocked.use_case
    case.risk_tier = "low"
    case.save()
    stocked.submit("1", model="unruled", measured=False)
    assert names(stocked.ada, stage="uncovered") == ["unruled"]


def test_unknown_orders_and_filters_are_passed_over():
    assert read_filters({"sort": "price", "colour": "red", "q": " x\x00 "}) == Filters(q="x")
    assert read_filters({"sort": "-newest"}).query == "sort=-newest"


def test_the_page_marks_other_registries_and_what_was_not_promoted(stocked, client):
    stocked.submit("2", measured=False)
    deploy(stocked, "mortgage-approval", "2")
    client.force_login(stocked.edsger)
    body = client.get("/models").content.decode()
    assert "not submitted here" in body
    assert "nothing of it was measured" in body
    assert "2 runs in production, not what was promoted" in body
    there = body[body.index("churn") :]
    assert "approved" not in there[: there.index("</tr>")]


@pytest.mark.parametrize("extra", [1, 30])
def test_the_page_asks_as_much_of_the_database_for_many_models_as_for_few(
    stocked, client, extra, django_assert_max_num_queries
):
    for number in range(extra):
        RegisteredModel.objects.create(name=f"m{number}", use_case=stocked.use_case, created_by=stocked.ada)
    client.force_login(stocked.edsger)
    client.get("/models")
    with django_assert_max_num_queries(QUERIES):
        assert client.get("/models?sort=-owner").status_code == 200


QUERIES = 34


def rows_of_csv(response) -> list[dict[str, str]]:
    text = b"".join(response).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_the_csv_holds_exactly_the_filtered_rows(stocked, client):
    client.force_login(stocked.edsger)
    rows = rows_of_csv(client.get("/inventory/export.csv?tier=high&sort=-name"))
    assert [row["model"] for row in rows] == list(reversed(HERE))
    assert [row["model"] for row in rows_of_csv(client.get("/inventory/export.csv?stage=blocked"))] == ["overdraft"]


def test_a_row_says_what_a_regulator_asks(stocked, client):
    stocked.submit("2", measured=False)
    deploy(stocked, "mortgage-approval", "2", region="EU", kind="embedded")
    client.force_login(stocked.barbara)
    (row,) = rows_of_csv(client.get("/inventory/export.csv?q=mortgage-approval"))
    version = RegisteredModel.objects.get(name="mortgage-approval").versions.get(name="1")
    assert row["purpose"] == "mortgage-underwriting"
    assert (row["owner"], row["risk_tier"], row["newest_version"]) == ("Tony Hoare", "high", "2")
    assert row["runs"].startswith("production: 1 since 20")
    assert f"sha256:{version.sha256}" in row["runs"]
    assert "approved until" in row["runs"]
    assert "production: 2 as embedded at https://score.bank.example (EU)" in row["deployments"]
    assert row["deployments"].endswith("not what was promoted")
    assert row["policy"] == "consumer-credit v1"
    assert row["datasets"] == "hmda-boston@1990"
    (row,) = rows_of_csv(client.get("/inventory/export.csv?q=overdraft"))
    assert row["last_evaluated"].startswith("20")
    assert row["stands"] == "production: blocked"


def test_other_registries_never_look_approved_in_the_export(stocked, client):
    client.force_login(stocked.edsger)
    rows = {row["model"]: row for row in rows_of_csv(client.get("/inventory/export.csv?source=sheet"))}
    assert rows["churn"]["stands"] == "Production, as sheet says"
    assert rows["churn"]["note"] == "not submitted here: nothing of it was measured"
    assert rows["churn"]["policy"] == rows["churn"]["runs"] == rows["churn"]["approvals_valid_until"] == ""
    assert "'=cmd|' /C calc'!A0" in rows


def test_the_workbook_says_what_was_asked_and_when(stocked, client):
    from openpyxl import load_workbook

    from registry import ledger

    client.force_login(stocked.edsger)
    response = client.get("/inventory/export.xlsx?source=elsewhere")
    book = load_workbook(io.BytesIO(b"".join(response)))
    rows = [[cell.value for cell in row] for row in book["Inventory"].iter_rows()]
    assert [row[1] for row in rows[1:]] == ["'=cmd|' /C calc'!A0", "churn"]
    assert {cell.data_type for row in book["Inventory"].iter_rows() for cell in row} <= {"s", "n", "inlineStr"}
    about = dict(book["About"].iter_rows(values_only=True))
    head = ledger.entries().first()
    assert (about["filter: source"], about["by"], about["models"]) == ("elsewhere", "Edsger Dijkstra", "2")
    assert (about["ledger entry"], about["ledger hash"]) == (str(head.seq), head.hash)


def test_nobody_exports_more_than_they_see(stocked, client):
    client.force_login(stocked.mallory)
    assert rows_of_csv(client.get("/inventory/export.csv")) == []
    client.logout()
    assert client.get("/inventory/export.csv").status_code == 302


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+x", "-x", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\uff1d1+1", "\u200b=1", "\u00a0=1", "\ufe63x", "-2+3"],
)
def test_formulas_are_neutralised(text):
    assert safe_cell(text).startswith("'")


@pytest.mark.parametrize("text", ["-5", "+3.5e2", "-.5", "a=b", "plain", "", "1990-01-01"])
def test_numbers_and_plain_text_stay(text):
    assert safe_cell(text) == text


def test_numbers_stay_numbers_and_what_xml_cannot_hold_is_replaced():
    assert safe_cell(-5) == -5
    assert safe_cell(None) == ""
    assert safe_cell("a\x00b\ud800") == "a\ufffdb\ufffd"


def test_a_paused_registry_still_shows_what_it_held(stocked):
    registry = ExternalVersion.objects.first().registry
    change_registry(actor=stocked.edsger, registry=registry, is_active=False)
    assert "there churn" in names(stocked.edsger)
