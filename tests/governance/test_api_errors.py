"""Errors of the API: one shape, the right status, and nothing that a strict reader of JSON would refuse is read."""

import json
from types import SimpleNamespace

import pytest
from django.core.management import call_command

from tests.scenario import caller, ledger_actions, manifest_yaml, predictions_csv

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("brisk")]

GATE = "/gates/production/decisions"


def assert_problem(response, status: int, code: str | None = None):
    """RFC 9457: the media type, and the members that every problem has."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    assert {"type", "title", "detail"} <= body.keys()
    assert body["type"] == f"urn:countersign:problem:{body['code']}"
    if code:
        assert body["code"] == code
    return body


@pytest.fixture
def ada_calls(world):
    return caller(world.ada)


def test_no_token_and_bad_tokens_are_401_and_say_how_to_sign_in(world):
    for headers in (
        {},
        {"Authorization": "Bearer cs_wrong"},
        {"Authorization": "Bearer "},
        {"Authorization": "Basic YTpi"},
    ):
        from django.test import Client

        response = Client().get("/api/v1/models", headers=headers)
        assert_problem(response, 401)
        assert response["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_addresses_that_lead_nowhere_are_404_problems(ada_calls, method):
    assert_problem(ada_calls.call(method, "/nonsense/at/all", b""), 404, "not-found")


def test_a_method_that_is_not_there_is_405(ada_calls):
    assert_problem(ada_calls.call("PATCH", "/use-cases"), 405)


def test_a_media_type_that_is_not_read_is_415(ada_calls):
    assert_problem(ada_calls.post(GATE, b"a=b", media_type="application/x-www-form-urlencoded"), 415)


def test_any_accept_header_gets_the_one_representation_there_is(world, ada_calls):
    from django.test import Client

    for accept in ("text/html", "application/pdf", "application/problem+json", "*/*"):
        response = Client().get(
            "/api/v1/models", headers={"Authorization": f"Bearer {ada_calls.secret}", "Accept": accept}
        )
        assert (response.status_code, response["Content-Type"]) == (200, "application/json")


@pytest.mark.parametrize(
    "body",
    [
        b'{"subject": {"model": "a", "model": "b", "version": "1"}}',
        b'{"subject": {"model": "a", "version": "1"}, "context": {"x": NaN}}',
        b'{"subject": {"model": "a", "version": "1"}, "context": {"x": -Infinity}}',
        b'{"subject": {"model": "a", "version": "1"}, "context": {"x": "\\u0000"}}',
        b'{"subject": {"model": "a", "version": "1"}, "context": {"\\ud800": 1}}',
        b'{"subject"',
        b"{'subject': 1}",
        b'{"subject": "\xff"}',
        b"[" * 100_000,
        b'{"a": 1} trailing',
    ],
    ids=lambda body: body[:40].decode("latin-1"),
)
def test_json_is_read_strictly(ada_calls, body):
    assert_problem(ada_calls.post(GATE, body), 400)


def test_too_much_json_is_refused(ada_calls):
    assert_problem(ada_calls.post(GATE, b'{"context": {"x": "' + b"a" * 2_500_000 + b'"}}'), 400)


@pytest.mark.parametrize(
    "body", [b"[]", b"1", b'"text"', b"null", b"{}", b'{"subject": []}', b'{"subject": {"model": 1}}']
)
def test_json_of_another_shape_is_422_and_names_the_fields(ada_calls, body):
    assert assert_problem(ada_calls.post(GATE, body), 422, "invalid")["errors"]


def test_errors_of_a_manifest_name_its_field(world, ada_calls):
    manifest = manifest_yaml("1").replace(b"model: mortgage-approval", b"model: Mortgage Approval")
    for response in (
        ada_calls.post("/manifests", manifest, media_type="application/yaml"),
        ada_calls.post("/versions", {"manifest": manifest.decode(), "files": {}}),
    ):
        assert assert_problem(response, 422, "invalid")["field"] == "model"
    assert_problem(ada_calls.post("/manifests", b"a: [", media_type="application/yaml"), 422)


def test_conflicts_say_what_is_there_and_what_was_sent(world, ada_calls):
    first = world.submit("1", measured=False)
    files = {"model.skops": world.upload(b"another"), "predictions.csv": world.upload(predictions_csv())}
    response = ada_calls.post("/versions", {"manifest": manifest_yaml("1").decode(), "files": files})
    body = assert_problem(response, 409, "conflict")
    assert body["field"] == "version"
    assert body["registered_sha256"] == first.sha256
    assert len(body["submitted_sha256"]) == 64
    assert body["submitted_sha256"] != first.sha256


def test_what_is_not_allowed_is_403_and_what_is_hidden_404(world):
    version = world.submit("1")
    promote = {"model": version.model.name, "version": "1", "environment": "production"}
    assert_problem(caller(world.barbara).post("/promotions", promote), 403, "not-allowed")
    assert_problem(caller(world.mallory).post("/promotions", promote), 404, "not-found")
    assert_problem(caller(world.ada).post("/promotions", promote), 409, "conflict")


def test_bytes_that_were_changed_are_an_integrity_problem(world, settings):
    from registry.artifact_store import storage_name

    version = world.submit("1")
    world.approve(version)
    sha256 = version.files.get(role="model").artifact_id
    path = settings.DATA_DIR / "artifacts" / storage_name(sha256)
    path.chmod(0o600)
    path.write_bytes(b"other")
    promote = {"model": version.model.name, "version": "1", "environment": "production"}
    assert_problem(caller(world.ada).post("/promotions", promote), 409, "integrity")
    assert "version.promoted" not in ledger_actions()


@pytest.mark.parametrize(
    "address", ["/models/a%00b", "/models?model__name=%00", "/reviews?state=%00", "/artifacts/%00"]
)
def test_addresses_that_no_database_can_look_up_are_refused(ada_calls, address):
    response = ada_calls.get(address)
    assert response.status_code in {200, 400, 404, 422}, response.content


def test_a_number_too_large_is_not_there(ada_calls):
    assert_problem(ada_calls.get(f"/policies/consumer-credit/{10**30}"), 404)
    assert_problem(ada_calls.get("/models?cursor=nonsense"), 404)


def test_a_dataset_has_not_more_rows_than_a_number_can_say(world, ada_calls):
    ada_calls.post("/datasets", {"slug": "d", "name": "d", "source": "s"})
    stated = {"label": "1", "sha256": "a" * 64, "rows": 2**70}
    assert_problem(ada_calls.post("/datasets/d/versions", stated), 422)


def test_every_problem_can_be_read_as_plain_json(world):
    raw = caller(world.ada).post(GATE, b"{}").content
    assert json.loads(raw)["status"] == 422


def test_the_schema_is_openapi_3_1_without_a_warning(tmp_path, db):
    target = tmp_path / "schema.json"
    call_command("spectacular", "--validate", "--fail-on-warn", "--format", "openapi-json", "--file", str(target))
    schema = json.loads(target.read_text())
    assert schema["openapi"].startswith("3.1")
    assert "/api/v1/gates/{environment}/decisions" in schema["paths"]
    assert SimpleNamespace(**schema["components"]["securitySchemes"]["bearer"]).scheme == "bearer"


def test_the_schema_is_served_to_everybody(client):
    response = client.get("/api/v1/schema")
    assert response.status_code == 200
    assert b"openapi: 3.1" in response.content
