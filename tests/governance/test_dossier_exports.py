"""Dossiers: rendered by a worker from what stands, for who asked, with proofs that hold offline."""

import pytest

import countersign_verify
from audits import jobs
from audits.models import JobStatus
from governance.models import DossierExport
from governance.services import dossier_exports
from governance.services.dossier_exports import reclaim_dossiers, render_dossier, request_dossier
from registry.artifact_store import read_bytes
from registry.canonical import canonical_json, parse_json, sha256_hex
from tests.scenario import ledger_actions, predictions_csv, run_tasks, tamper

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("brisk")]

DOCUMENTS = {
    "dossier.json", "dossier.pdf", "ml-bom.cdx.json", "model-card.html", "model-card.json", "model-card.md", "verification.pem",
}  # fmt: skip
EVIDENCE = {"evidence-fairness.json", "evidence-performance.json"}
PROOF = {"attestation.dsse.json"}
LEDGER = {"ledger.jsonl", "checkpoint.txt"}


def exported(world, version, person=None) -> dict[str, bytes]:
    export = request_dossier(actor=person or world.barbara, version=version, environment="production")
    run_tasks()
    export.refresh_from_db()
    assert export.status == JobStatus.SUCCEEDED, export.error
    return {file.name: read_bytes(file.artifact_id) for file in export.files.all()}


@pytest.fixture
def promoted(world):
    version = world.submit("1")
    world.approve(version)
    world.promote(version)
    return version


def test_a_promoted_version_leaves_everything_and_it_verifies_offline(world, promoted, tmp_path):
    files = exported(world, promoted)
    assert set(files) == DOCUMENTS | EVIDENCE | PROOF | LEDGER
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    attestation = countersign_verify.verify_attestation(
        files["attestation.dsse.json"], files["verification.pem"], subject=f"sha256:{promoted.sha256}",
        environment="production",
    )  # fmt: skip
    assert attestation.ok, attestation.reason
    ledger = countersign_verify.verify_ledger(
        tmp_path / "ledger.jsonl", [files["checkpoint.txt"]], files["verification.pem"]
    )
    assert ledger.ok, ledger.reason
    assert files["dossier.pdf"].startswith(b"%PDF-")


def test_the_dossier_says_what_was_decided_signed_and_measured(world, promoted, unset):
    files = exported(world, promoted)
    dossier = parse_json(files["dossier.json"])
    assert canonical_json(dossier) == files["dossier.json"]
    assert dossier["decision"]["result"] == "promoted"
    assert [item["printed_name"] for item in dossier["sign_offs"]] == ["Tony Hoare", "Grace Hopper", "Edsger Dijkstra"]
    assert {item["state"] for item in dossier["sign_offs"]} == {"live"}
    assert dossier["promotion"]["attestation_sha256"] == sha256_hex(files["attestation.dsse.json"])
    evidence = {item["kind"]: item["sha256"] for item in dossier["evaluations"]}
    assert evidence["fairness"] == sha256_hex(files["evidence-fairness.json"])
    assert b"Grace Hopper" in files["model-card.html"] or b"Hopper" in files["dossier.json"]


def test_who_may_not_read_the_whole_ledger_gets_none_of_it(world, promoted, unset):
    assert set(exported(world, promoted, world.ada)) == DOCUMENTS | EVIDENCE | PROOF


@pytest.mark.parametrize(
    ("stand", "result"),
    [("denied", "blocked"), ("waiting", "pending"), ("rejected", "rejected"), ("approved", "approved")],
)
def test_every_stand_can_be_shown(world, stand, result, unset):
    version = world.submit("1", predictions=predictions_csv(ratio=0.6) if stand == "denied" else None)
    if stand == "rejected":
        world.sign(world.tony, version, meaning="reject")
    if stand == "approved":
        world.approve(version)
    files = exported(world, version, world.ada)
    assert parse_json(files["dossier.json"])["decision"]["result"] == result
    assert "attestation.dsse.json" not in files


def test_where_no_policy_decides_the_export_is_an_error_for_people(world):
    version = world.submit("1")
    export = request_dossier(actor=world.ada, version=version, environment="staging")
    run_tasks()
    export.refresh_from_db()
    assert (export.status, "no policy" in export.error["message"]) == ("error", True)
    assert ledger_actions(object_id=str(export.pk)) == ["dossier.requested", "dossier.failed"]


def test_evidence_changed_on_disk_is_not_exported(world, promoted, settings):
    from registry.artifact_store import storage_name

    path = settings.DATA_DIR / "artifacts" / storage_name(promoted.evaluations.get(kind="fairness").report_id)
    path.chmod(0o600)
    path.write_bytes(b"{}")
    export = request_dossier(actor=world.ada, version=promoted, environment="production")
    run_tasks()
    export.refresh_from_db()
    assert (export.status, export.files.count()) == ("error", 0)


def test_a_dead_workers_export_is_rendered_by_the_next_and_once(world, promoted, unset):
    from datetime import timedelta

    from django.utils import timezone

    export = request_dossier(actor=world.ada, version=promoted, environment="production")
    jobs.claim(DossierExport, export.pk)
    tamper(export, lease_until=timezone.now() - timedelta(seconds=1))
    assert reclaim_dossiers() == [export]
    run_tasks()
    export.refresh_from_db()
    assert (export.status, export.attempt) == ("succeeded", 2)
    count = export.files.count()
    render_dossier(export_id=export.pk)
    assert export.files.count() == count
    assert ledger_actions(object_id=str(export.pk)).count("dossier.rendered") == 1


def test_a_crash_while_rendering_is_an_error_without_inner_words(world, promoted, monkeypatch):
    def crash(export):
        raise RuntimeError("secret path /srv")

    monkeypatch.setattr(dossier_exports, "_files", crash)
    export = request_dossier(actor=world.ada, version=promoted, environment="production")
    run_tasks()
    export.refresh_from_db()
    assert (export.status, export.files.count()) == ("error", 0)
    assert "secret" not in export.error["message"]


def test_signatures_of_an_ended_review_read_as_stale(world, unset):
    from governance.services.submissions import revise_model_card
    from tests.scenario import CARD

    version = world.submit("1")
    world.approve(version)
    revise_model_card(actor=world.ada, version=version, sections={**CARD, "limitations": "Other words."})
    dossier = parse_json(exported(world, version, world.ada)["dossier.json"])
    assert {item["state"] for item in dossier["sign_offs"]} == {"stale"}
    assert dossier["decision"]["result"] == "pending"
