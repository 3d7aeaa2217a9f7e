"""The page of a version: what blocks first, the evidence, what is wrong with the input, documents, promotion."""

from __future__ import annotations

import pytest
from django.urls import reverse

from audits.models import Evaluation
from governance.models import DossierExport
from registry.models.ledger import LedgerEntry
from tests.scenario import predictions_csv, run_tasks

pytestmark = pytest.mark.django_db

BROKEN = b"approve,predicted,score,race\n1,1,0.9,a\n0,0,1.7,b\n1,0,0.2,a\n"


def url_of(version, name="version"):
    return reverse(name, args=[version.model.name, version.name])


def page(client, person, version, **asked) -> str:
    client.force_login(person)
    answer = client.get(url_of(version), asked)
    assert answer.status_code == 200
    return answer.content.decode()


def test_what_blocks_stands_before_what_passes(world, client):
    body = page(client, world.ada, world.submit("1", predictions=predictions_csv(ratio=0.6)))
    assert "Cannot be promoted to production" in body
    assert "1 rule is not met" in body
    assert body.index("What blocks") < body.index('id="rule-impact-ratio"') < body.index("Rules that are met")
    assert "at least 0.80" in body
    assert "submit a new version" in body


def test_evidence_has_pictures_with_tables_numbers_and_digests(world, client):
    version = world.submit("1")
    body = page(client, world.grace, version)
    pictures = version.verdicts.first().pictures
    drawn = pictures.exclude(svg="").count()
    assert drawn
    assert body.count("<figure") == pictures.count()
    assert body.count("The numbers behind the picture") == drawn
    for evaluation in version.evaluations.all():
        assert f"sha256:{evaluation.report_id}" in body
        assert reverse("api-artifact", args=[evaluation.report_id]) in body
    assert "Claimed by a client" in body


def test_people_s_text_is_never_markup(world, client):
    card = {"intended_use": "<script>alert(1)</script> **bold**", "limitations": "[x](javascript:alert(1))"}
    body = page(client, world.grace, world.submit("1", card=card))
    assert "<script>alert" not in body
    assert 'href="javascript' not in body
    assert "<strong>bold</strong>" in body


def test_an_input_error_names_file_column_and_row_and_can_be_measured_again(world, client):
    version = world.submit("1", predictions=BROKEN)
    body = page(client, world.ada, version)
    assert "This could not be measured." in body
    for place in ("predictions.csv", "score", "holds 1.7"):
        assert place in body
    failed = version.evaluations.filter(kind="performance").get()
    again = reverse("repeat", args=["mortgage-approval", "1", failed.pk])
    assert again in body
    client.post(again, {"environment": "production"})
    assert version.evaluations.filter(kind="performance").count() == 2
    run_tasks()
    assert page(client, world.ada, version).count("This could not be measured.") == 2


def test_an_evaluation_of_another_version_is_not_repeated_from_here(world, client):
    broken, other = world.submit("1", predictions=BROKEN), world.submit("2")
    failed = broken.evaluations.first()
    client.force_login(world.ada)
    assert client.post(reverse("repeat", args=[other.model.name, "2", failed.pk])).status_code == 404
    assert Evaluation.objects.filter(version=broken).count() == 2


def test_evidence_that_was_changed_on_disk_is_called_so(world, client):
    from django.core.files.storage import storages

    from registry.artifact_store import storage_name

    version = world.submit("1")
    path = storages["artifacts"].path(storage_name(version.evaluations.first().report_id))
    import pathlib

    pathlib.Path(path).chmod(0o600)
    pathlib.Path(path).write_bytes(b"{}")
    assert "The stored evidence was changed." in page(client, world.grace, version)


class TestProgress:
    def test_shows_what_runs_and_asks_again(self, world, client):
        version = world.submit("1", measured=False)
        version.evaluations.filter(kind="performance").update(
            status="running", progress=0.4, progress_note="counting groups", attempt=2
        )
        body = page(client, world.ada, version)
        assert "Cannot be promoted to production yet" in body
        assert f'hx-get="{url_of(version, "version-progress")}?environment=production"' in body
        part = client.get(url_of(version, "version-progress")).content.decode()
        for words in ("40 %", "counting groups", "attempt 2"):
            assert words in part
        assert "<noscript>" in part

    def test_ends_in_the_whole_page(self, world, client):
        version = world.submit("1")
        client.force_login(world.ada)
        answer = client.get(url_of(version, "version-progress"))
        assert answer["HX-Refresh"] == "true"
        assert "version-progress" not in page(client, world.ada, version)
        assert "htmx" not in page(client, world.ada, version)


class TestChanges:
    def test_are_counted_from_the_version_approved_before(self, world, client):
        first = world.submit("1")
        world.approve(first)
        world.promote(first)
        card = {"intended_use": "Support a loan officer in Boston.", "limitations": "Few applicants of some groups."}
        body = page(client, world.grace, world.submit("2", predictions=predictions_csv(seed=2), card=card))
        assert "What changed since 1" in body
        for words in ("ROC AUC", "predictions.csv", "in Boston"):
            assert words in body

    def test_where_nothing_was_approved_there_is_nothing_to_compare(self, world, client):
        assert "nothing to compare with" in page(client, world.grace, world.submit("1"))


class TestTheCard:
    def test_is_written_by_the_developer(self, world, client):
        version = world.submit("1", card={"owner": "Tony Hoare"})
        client.force_login(world.ada)
        assert "Who uses it" in client.get(url_of(version, "card")).content.decode()
        said = {"intended_use": "Support.\r\nNothing else.", "limitations": "Boston only.", "owner": "Tony Hoare"}
        done = client.post(url_of(version, "card"), said, follow=True)
        assert "The model card is revision 2 now." in done.content.decode()
        assert version.card_revisions.first().sections["intended_use"] == "Support.\nNothing else."

    def test_asks_before_it_makes_signatures_stale(self, world, client):
        version = world.submit("1")
        world.sign(world.tony, version)
        review = world.assess(version).review
        client.force_login(world.ada)
        said = {"intended_use": "Something else.", "limitations": "Few applicants of some groups."}
        asked = client.post(url_of(version, "card"), said).content.decode()
        assert "Tony Hoare signed the present text" in asked
        assert "Something else." in asked
        assert version.card_revisions.count() == 1
        client.post(url_of(version, "card"), said | {"confirmed": "yes"})
        assert version.card_revisions.count() == 2
        before = review.subject_sha256
        review.refresh_from_db()
        assert review.subject_sha256 != before

    def test_too_long_a_section_is_refused_without_losing_the_text(self, world, client):
        version = world.submit("1")
        client.force_login(world.ada)
        refused = client.post(url_of(version, "card"), {"intended_use": "x" * 50_001, "owner": "Tony, as before"})
        assert refused.status_code == 422
        assert "Tony, as before" in refused.content.decode()
        assert "longer than 50000 characters" in refused.content.decode()


class TestPromotion:
    def test_is_offered_when_everybody_signed_and_asks_by_name(self, world, client):
        version = world.submit("1")
        assert "Promote to production" not in page(client, world.ada, version)
        world.approve(version)
        assert "Promote to production" in page(client, world.ada, version)
        assert "Promote to production" not in page(client, world.grace, version)
        client.force_login(world.ada)
        asked = client.get(url_of(version, "promote"), {"environment": "production"}).content.decode()
        assert "Promote mortgage-approval 1 to production?" in asked
        assert not version.promotions.exists()
        done = client.post(url_of(version, "promote"), {"environment": "production"}, follow=True).content.decode()
        assert "Runs in production" in done
        assert "attestation.dsse.json" in done

    def test_is_refused_with_the_gate_s_reason(self, world, client):
        version = world.submit("1")
        client.force_login(world.ada)
        refused = client.post(url_of(version, "promote"), {"environment": "production"})
        assert refused.status_code == 409
        assert "may not go to production: Waiting for 1 signature" in refused.content.decode()
        assert not version.promotions.exists()

    def test_rolling_back_asks_and_returns_to_the_version_before(self, world, client):
        for name in ("1", "2"):
            version = world.submit(name, predictions=predictions_csv(seed=int(name)))
            world.approve(version)
            world.promote(version)
        client.force_login(world.tony)
        url = reverse("rollback", args=["mortgage-approval"])
        assert "2 runs in production now" in client.get(url, {"environment": "production"}).content.decode()
        done = client.post(url, {"environment": "production"}, follow=True).content.decode()
        assert "mortgage-approval@1 runs in production again." in done
        refused = client.post(url, {"environment": "production"})
        assert refused.status_code == 409
        assert "no earlier version" in refused.content.decode()


class TestTheDossier:
    def test_is_made_for_the_one_who_asks(self, world, client):
        version = world.submit("1")
        client.force_login(world.edsger)
        queued = client.post(url_of(version, "dossier"), {"environment": "production"}, follow=True).content.decode()
        assert "Making the documents" in queued
        assert client.get(url_of(version, "dossier-progress"), {"environment": "production"}).status_code == 200
        run_tasks()
        done = client.get(url_of(version, "dossier-progress"), {"environment": "production"})
        assert done["HX-Refresh"] == "true"
        body = page(client, world.edsger, version)
        export = DossierExport.objects.get()
        pdf = reverse("api-dossier-file", args=[export.pk, "dossier.pdf"])
        assert pdf in body
        assert b"".join(client.get(pdf).streaming_content).startswith(b"%PDF")
        assert pdf not in page(client, world.grace, version)

    def test_nobody_s_progress_is_not_there(self, world, client):
        version = world.submit("1")
        client.force_login(world.grace)
        assert client.get(url_of(version, "dossier-progress"), {"environment": "production"}).status_code == 404


def test_history_has_one_line_for_each_entry_about_the_version(world, client):
    first = world.submit("1")
    world.submit("11")
    body = page(client, world.barbara, first)
    mine = [entry for entry in LedgerEntry.objects.all() if entry.label.split(" ")[0] == "mortgage-approval@1"]
    assert mine
    for entry in mine:
        assert f'href="/ledger/{entry.seq}"' in body
    assert "mortgage-approval@11" not in body[body.index('id="history"') :]


def test_a_version_that_no_policy_covers_says_so(world, client):
    from registry.roles import Role
    from registry.services.people import assign_role
    from registry.services.use_cases import create_use_case

    case = create_use_case(
        actor=world.edsger, slug="chat", name="Chat", objective="Answer.", kpis=[], affected_people="Callers",
        risk_tier="low", owner=world.tony,
    )  # fmt: skip
    assign_role(actor=world.tony, person=world.ada, role=Role.DEVELOPER, on=case)
    from governance.services.submissions import submit_version
    from tests.scenario import manifest_yaml

    files = {"model.skops": world.upload(b"m"), "predictions.csv": world.upload(predictions_csv())}
    text = manifest_yaml("1", model="chat").replace(b"mortgage-underwriting", b"chat")
    version, _ = submit_version(actor=world.ada, manifest=text, files=files)
    body = page(client, world.ada, version)
    assert "No policy covers risk tier low" in body
    assert "Cannot be promoted: no policy covers this version" in body
    assert "no policy covers it" in client.get("/models").content.decode()
    assert "risk tier low has no policy" in client.get("/").content.decode().lower()
