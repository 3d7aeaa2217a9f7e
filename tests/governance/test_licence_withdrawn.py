"""A licence is withdrawn far upstream of a model in production: its gate denies, everybody learns why, and it can be undone."""

import io
import json

import pytest

from governance.models import EnvironmentPointer, Notice
from governance.services.dossier_exports import request_dossier
from governance.services.gate import decide
from governance.services.policies import register_policy
from registry.artifact_store import read_bytes
from registry.models import Dataset
from registry.services.dataset_standing import restore_dataset, withdraw_dataset
from registry.services.datasets import register_dataset
from registry.services.datasheets import revise_datasheet
from registry.services.lineage_events import record_events
from tests.scenario import ledger_actions, run_tasks

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("brisk")]

POLICY = b"""
policy: consumer-credit
version: 2
applies_to: {risk_tier: [high], environment: production}
evidence: {minimum_trust: claimed, max_age_days: 90}
rules:
  - {id: known-origin, check: lineage, every: feature, reaches: source}
  - {id: terms-permit, check: terms}
  - {id: no-identifiers, check: pii, classes: [identifier], in: features}
sign_off:
  - {stage: owner, role: model-owner}
  - {stage: validation, role: validator, independent_of: [developer, data-owner]}
  - {stage: compliance, role: compliance-officer, valid_days: 365}
"""
SHEET = {
    "licence": {"name": "Agreement of 1990 with the lenders"},
    "purposes": ["mortgage-underwriting"],
    "lawful_basis": "contract",
}
LENDER = {"namespace": "postgres://lender:5432", "name": "loans.public.files"}
EVENT = {
    "eventType": "COMPLETE",
    "eventTime": "2026-11-01T06:00:00Z",
    "producer": "https://example.org/etl",
    "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
    "run": {"runId": "0192f6a0-0000-7000-8000-000000000001"},
    "job": {"namespace": "etl", "name": "collect_applications"},
    "inputs": [LENDER],
    "outputs": [
        {
            "namespace": "countersign:datasets",
            "name": "hmda-boston",
            "facets": {
                "columnLineage": {
                    "_producer": "https://example.org/etl",
                    "_schemaURL": "https://openlineage.io/spec/facets/1-2-0/ColumnLineageDatasetFacet.json",
                    "fields": {
                        column: {"inputFields": [{**LENDER, "field": source}]}
                        for column, source in {"income": "monthly_income", "ratio": "debt_ratio"}.items()
                    },
                }
            },
        }
    ],
}


@pytest.fixture
def upstream(world):
    """The lender's files, from which the data set is collected; both registered by tony, with their terms."""
    from registry.services.dataset_addresses import add_address

    files = register_dataset(actor=world.tony, slug="loan-files", name="Loan files", source="the lender's archive")
    revise_datasheet(actor=world.tony, dataset=files, sheet={**SHEET, "is_source": True}, base=0)
    add_address(actor=world.tony, dataset=files, namespace=LENDER["namespace"], name=LENDER["name"])
    known = Dataset.objects.filter(slug="hmda-boston").first()
    boston = known or register_dataset(actor=world.tony, slug="hmda-boston", name="Applications", source="collected")
    revise_datasheet(actor=boston.owner, dataset=boston, sheet=SHEET, base=0)
    record_events(actor=world.tony, events=[EVENT])
    return files


@pytest.fixture
def running(world, upstream, django_capture_on_commit_callbacks):
    """A version in production, under a policy that asks where everything comes from."""
    register_policy(actor=world.edsger, content=POLICY)
    version = world.submit("1")
    assert decide(actor=world.ada, version=version, environment="production").result == "pending"
    world.approve(version)
    world.promote(version)
    return version


def withdraw(world, dataset, capture) -> None:
    with capture(execute=True):
        withdraw_dataset(actor=world.tony, dataset=dataset, reason="The lender ended the agreement.")
    run_tasks()


def pointer() -> EnvironmentPointer:
    return EnvironmentPointer.objects.get()


def test_what_runs_turns_non_compliant_without_anybody_asking(
    world, running, upstream, django_capture_on_commit_callbacks
):
    withdraw(world, upstream, django_capture_on_commit_callbacks)
    assert pointer().noncompliant_since is not None
    assert "loan-files" in pointer().noncompliance
    assert "environment.noncompliant" in ledger_actions()
    notice = Notice.objects.get(recipient=world.tony, kind="environment.noncompliant")
    assert "no longer allowed" in notice.subject
    assert "The lender ended the agreement" in notice.body


def test_the_gate_denies_at_once_with_the_path_that_explains_it(world, running, upstream):
    withdraw_dataset(actor=world.tony, dataset=upstream, reason="The lender ended the agreement.")
    answer = decide(actor=world.ada, version=running, environment="production").answer
    assert answer["result"] == "deny"
    (rule,) = [rule for rule in answer["rules"] if rule["status"] == "fail"]
    assert rule["id"] == "terms-permit"
    for word in ("mortgage-approval@1", "hmda-boston", "loan-files", "withdrawn", "The lender ended the agreement"):
        assert word in rule["sentence"], rule["sentence"]


def test_the_page_and_the_paper_say_why(world, running, upstream, client, django_capture_on_commit_callbacks):
    from pypdf import PdfReader

    withdraw(world, upstream, django_capture_on_commit_callbacks)
    client.force_login(world.grace)
    page = client.get("/models/mortgage-approval/versions/1").content.decode()
    assert "is no longer allowed there" in page
    assert "loan-files" in page
    assert "The lender ended the agreement" in page
    export = request_dossier(actor=world.barbara, version=running, environment="production")
    run_tasks()
    export.refresh_from_db()
    (pdf,) = [file for file in export.files.all() if file.name == "dossier.pdf"]
    paper = " ".join(
        " ".join(sheet.extract_text().split()) for sheet in PdfReader(io.BytesIO(read_bytes(pdf.artifact_id))).pages
    )
    assert "loan-files" in paper
    assert "The lender ended the agreement" in paper
    (card,) = [file for file in export.files.all() if file.name == "model-card.json"]
    origins = json.loads(read_bytes(card.artifact_id))["origins"]
    assert {item["name"]: item["sources"] for item in origins["features"]} == {
        "income": ["loan-files.monthly_income"], "ratio": ["loan-files.debt_ratio"],
    }  # fmt: skip
    assert {item["slug"]: item["status"] for item in origins["datasets"]}["loan-files"] == "fail"


def test_restored_it_is_judged_again_and_signed_anew(world, running, upstream, django_capture_on_commit_callbacks):
    withdraw(world, upstream, django_capture_on_commit_callbacks)
    with django_capture_on_commit_callbacks(execute=True):
        restore_dataset(actor=world.tony, dataset=Dataset.objects.get(pk=upstream.pk), reason="A new agreement.")
    run_tasks()
    verdict = running.verdicts.order_by("-pk").first()
    assert verdict.outcome == "clear"
    assert "signature" in pointer().noncompliance
    world.approve(running)
    assert decide(actor=world.ada, version=running, environment="production").result == "allow"
    assert pointer().noncompliant_since is None
    assert "environment.compliant" in ledger_actions()


def test_a_model_that_depends_on_nothing_of_it_is_left_alone(
    world, running, upstream, django_capture_on_commit_callbacks
):
    other = register_dataset(actor=world.tony, slug="branch-offices", name="Branches", source="ours")
    revise_datasheet(actor=world.tony, dataset=other, sheet=SHEET, base=0)
    withdraw(world, other, django_capture_on_commit_callbacks)
    assert pointer().noncompliant_since is None
    assert decide(actor=world.ada, version=running, environment="production").result == "allow"


def revise(world, dataset, capture, **changes) -> None:
    """Tony writes the next datasheet of the lender's files."""
    number = dataset.datasheets.count()
    with capture(execute=True):
        revise_datasheet(actor=world.tony, dataset=dataset, sheet={**SHEET, "is_source": True, **changes}, base=number)
    run_tasks()


def test_a_purpose_that_is_no_longer_permitted_ends_the_use(
    world, running, upstream, django_capture_on_commit_callbacks
):
    revise(world, upstream, django_capture_on_commit_callbacks, purposes=["fair-lending-research"])
    assert pointer().noncompliant_since is not None
    assert "mortgage-underwriting" in pointer().noncompliance
    assert decide(actor=world.ada, version=running, environment="production").result == "deny"
    revise(world, upstream, django_capture_on_commit_callbacks)
    assert running.verdicts.order_by("-pk").first().outcome == "clear"


def test_retention_that_elapses_is_found_by_itself_on_the_day_after(
    world, running, upstream, django_capture_on_commit_callbacks, monkeypatch
):
    from datetime import timedelta

    from django.utils import timezone

    from governance.services.rejudging import judge_what_runs

    last = timezone.now().date()
    revise(world, upstream, django_capture_on_commit_callbacks, retention={"until": last.isoformat()})
    assert pointer().noncompliant_since is None
    assert judge_what_runs() == 0
    tomorrow = timezone.now() + timedelta(days=1)
    monkeypatch.setattr(timezone, "now", lambda: tomorrow)
    assert judge_what_runs() == 1
    assert pointer().noncompliant_since is not None
    assert "loan-files" in pointer().noncompliance


def test_a_version_under_review_is_blocked_and_its_owner_told(world, upstream, django_capture_on_commit_callbacks):
    register_policy(actor=world.edsger, content=POLICY)
    version = world.submit("1")
    world.sign(world.tony, version)
    withdraw(world, upstream, django_capture_on_commit_callbacks)
    assert version.reviews.get().state == "withdrawn"
    notice = Notice.objects.get(recipient=world.tony)
    assert notice.subject == "mortgage-approval@1 no longer meets the policy of production"
    assert "The lender ended the agreement" in notice.body


def test_every_version_that_depends_on_it_is_denied(world, upstream, django_capture_on_commit_callbacks):
    register_policy(actor=world.edsger, content=POLICY)
    versions = [world.submit("1"), world.submit("2")]
    withdraw(world, upstream, django_capture_on_commit_callbacks)
    for version in versions:
        assert version.verdicts.order_by("-pk").first().outcome == "blocked"
        assert decide(actor=world.ada, version=version, environment="production").result == "deny"
