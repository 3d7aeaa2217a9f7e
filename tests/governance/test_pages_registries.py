"""Pages of other registries and of deployments: who may do what there, and what is asked before it happens."""

from __future__ import annotations

import base64

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from registry.ledger import SYSTEM
from registry.models import Deployment, ExternalRegistry, ExternalVersion
from registry.services.external_imports import import_csv
from registry.services.external_registries import add_registry, link_model
from registry.services.people import grant_duty

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("brisk")]
FILE = b"model,version,stage\nchurn,1,Production\n<script>,2,\n"


@pytest.fixture
def sheet(world):
    grant_duty(actor=SYSTEM, person=world.edsger, permission="registry.add_external_registry")
    return add_registry(actor=world.edsger, name="sheet", kind="csv")


def upload(client, data: bytes = FILE):
    return client.post("/registries/sheet/import", {"file": SimpleUploadedFile("models.csv", data)})


def test_an_import_is_shown_before_it_happens(world, sheet, client):
    client.force_login(world.edsger)
    body = upload(client).content.decode()
    assert "New: 2" in body
    assert "&lt;script&gt; 2" in body
    assert ExternalVersion.objects.count() == 0
    expected = body.partition('name="expected" value="')[2][:64]
    sent = {"packed": base64.b64encode(FILE).decode(), "expected": expected}
    assert client.post("/registries/sheet/import", sent).status_code == 302
    assert ExternalVersion.objects.count() == 2


def test_errors_name_row_and_column_on_the_page(world, sheet, client):
    client.force_login(world.edsger)
    answer = upload(client, b"model,version\n,1\nb,\n")
    assert answer.status_code == 422
    body = answer.content.decode()
    assert "Nothing was imported." in body
    assert "row 2, model" in body
    assert "row 3, version" in body
    assert client.post("/registries/sheet/import", {"packed": "%%%"}).status_code == 422
    assert client.post("/registries/sheet/import").status_code == 422


def test_without_the_duty_nothing_is_connected_changed_or_imported(world, sheet, client):
    import_csv(actor=world.edsger, registry=sheet, data=FILE)
    client.force_login(world.barbara)  # who reads the whole ledger sees it
    assert client.get("/registries/sheet").status_code == 200
    assert client.get("/connect-registry").status_code == 403
    assert client.post("/registries/sheet", {"act": "pause"}).status_code == 403
    assert upload(client).status_code == 403
    client.force_login(world.ada)
    for path in (
        "/registries/sheet",
        "/registries/sheet/import",
        f"/registries/sheet/models/{ExternalVersion.objects.first().pk}",
    ):
        assert client.get(path).status_code == 404
    assert ExternalRegistry.objects.get().is_active


def test_it_is_paused_and_goes_on(world, sheet, client):
    client.force_login(world.edsger)
    client.post("/registries/sheet", {"act": "pause"})
    assert "paused" in client.get("/registries/sheet").content.decode()
    assert upload(client).status_code == 422
    client.post("/registries/sheet", {"act": "resume"})
    assert ExternalRegistry.objects.get().is_active
    assert client.post("/registries/sheet", {"act": "explode"}).status_code == 422


def test_a_server_that_operators_did_not_list_is_refused_on_the_form(world, sheet, client, monkeypatch):
    monkeypatch.delenv("COUNTERSIGN_MLFLOW_HOSTS", raising=False)
    client.force_login(world.edsger)
    answer = client.post("/connect-registry", {"name": "lab", "kind": "mlflow", "url": "https://mlflow.bank.example"})
    assert answer.status_code == 422
    assert "COUNTERSIGN_MLFLOW_HOSTS" in answer.content.decode()


def test_linked_models_are_seen_with_what_they_are_not(world, sheet, client):
    model = world.submit("1", measured=False).model
    import_csv(actor=world.edsger, registry=sheet, data=FILE)
    link_model(actor=world.edsger, registry=sheet, model_name="churn", model=model)
    client.force_login(world.ada)
    there = ExternalVersion.objects.get(model_name="churn")
    body = client.get(f"/registries/sheet/models/{there.pk}").content.decode()
    assert "nothing of it was measured, and nothing of it is approved" in body
    assert "churn 1" in client.get("/models/mortgage-approval").content.decode()
    assert (
        "script"
        not in client.get("/registries/sheet").content.decode().partition("What it holds")[2].partition("<footer")[0]
    )
    answer = client.post(f"/registries/sheet/models/{there.pk}/link", {"model": ""})
    assert answer["Location"] == "/models"  # unlinked, it is no longer ada's to see
    assert client.get(f"/registries/sheet/models/{there.pk}").status_code == 404


def test_a_deployment_is_recorded_on_a_form_and_ended_once_confirmed(world, client):
    world.submit("1", measured=False)
    client.force_login(world.ada)
    said = {
        "version": "1",
        "environment": "production",
        "kind": "service",
        "location": "<b>svc</b>",
        "since": "2026-01-05T10:00",
    }
    assert client.post("/models/mortgage-approval/deployments/new", {**said, "since": "soon"}).status_code == 422
    assert client.post("/models/mortgage-approval/deployments/new", said).status_code == 302
    body = client.get("/models/mortgage-approval").content.decode()
    assert "not what was promoted" in body
    assert "&lt;b&gt;svc&lt;/b&gt;" in body
    deployment = Deployment.objects.get()
    assert deployment.since.isoformat() == "2026-01-05T10:00:00+00:00"
    end = f"/models/mortgage-approval/deployments/{deployment.pk}/end"
    assert "no longer run" in client.get(end).content.decode()
    assert Deployment.objects.get().until is None
    assert client.post(end).status_code == 302
    assert client.post(end).status_code == 409
    assert "Where it ran before" in client.get("/models/mortgage-approval").content.decode()


def test_who_has_no_such_role_records_nothing(world, client):
    world.submit("1", measured=False)
    for person, code in ((world.grace, 403), (world.mallory, 404)):
        client.force_login(person)
        assert client.get("/models/mortgage-approval/deployments/new").status_code == code
        assert client.post("/models/mortgage-approval/deployments/new", {"version": "1"}).status_code == code


def test_what_was_promoted_is_not_marked(world, client):
    from registry.services.deployments import record_deployment

    version = world.submit("1")
    world.approve(version)
    world.promote(version)
    record_deployment(actor=world.ada, version=version, environment="production", kind="service", location="svc")
    client.force_login(world.ada)
    assert "not what was promoted" not in client.get("/models/mortgage-approval").content.decode()
