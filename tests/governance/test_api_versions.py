"""Submission by API, as a CI job does it: ask what is missing, upload, register; and files that are nobody else's."""

import pytest

from registry.canonical import sha256_hex
from registry.ledger import SYSTEM
from registry.models import Artifact, ModelVersion
from registry.roles import Role
from registry.services.people import assign_role
from tests.scenario import CARD, caller, ledger_actions, manifest_yaml, predictions_csv, run_tasks

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("brisk")]

MODEL, PREDICTIONS = b"model bytes", predictions_csv(n=400)
FILES = {"model.skops": sha256_hex(MODEL), "predictions.csv": sha256_hex(PREDICTIONS)}
BYTES = "application/octet-stream"


@pytest.fixture
def ci(world):
    return caller(world.ada, "submit", "read")


def submit(calls, name="1", files=FILES, **manifest):
    return calls.post("/versions", {"manifest": manifest_yaml(name, **manifest).decode(), "files": files})


def upload(calls):
    for data in (MODEL, PREDICTIONS):
        assert calls.call("PUT", f"/artifacts/{sha256_hex(data)}", data, media_type=BYTES).status_code == 201


def test_the_whole_way_of_a_ci_job(world, ci):
    read = ci.post("/manifests", manifest_yaml("1"), media_type="application/yaml").json()
    assert [file["path"] for file in read["files"]] == ["model.skops", "predictions.csv"]
    assert ci.post("/artifacts/missing", {"sha256": list(FILES.values())}).json() == {"missing": list(FILES.values())}
    upload(ci)
    assert ci.post("/artifacts/missing", {"sha256": list(FILES.values())}).json() == {"missing": []}
    answer = submit(ci)
    assert (answer.status_code, answer.json()["created"]) == (201, True)
    version = ModelVersion.objects.get()
    assert answer.json()["sha256"] == version.sha256
    assert {item["kind"]: item["status"] for item in answer.json()["evaluations"]} == {
        "performance": "queued",
        "fairness": "queued",
    }
    run_tasks()
    shown = ci.get("/versions/mortgage-approval/1/evaluations").json()["results"]
    assert {item["status"] for item in shown} == {"succeeded"}
    assert all(item["measurements"] for item in shown)
    assert ci.get("/versions/mortgage-approval/1").json()["manifest"]["version"] == "1"
    by_digest = ci.get(f"/versions/mortgage-approval/sha256:{version.sha256}")
    assert by_digest.json()["version"] == "1"


def test_the_same_submission_again_is_200_and_changes_nothing(world, ci):
    upload(ci)
    first, before = submit(ci), ledger_actions()
    again = submit(ci)
    assert (again.status_code, again.json()["created"]) == (200, False)
    assert again.json()["sha256"] == first.json()["sha256"]
    assert ledger_actions() == before


def test_an_upload_with_another_digest_stores_nothing(world, ci, settings):
    response = ci.call("PUT", f"/artifacts/{'0' * 64}", MODEL, media_type=BYTES)
    assert (response.status_code, response.json()["field"]) == (422, "sha256")
    assert not Artifact.objects.exists()
    assert not [path for path in (settings.DATA_DIR / "artifacts").rglob("*") if path.is_file()]


@pytest.mark.parametrize("address", ["zz", "0" * 63, "A" * 64, "sha256:", "md5:" + "0" * 32])
def test_an_upload_goes_to_a_digest(ci, address):
    assert ci.call("PUT", f"/artifacts/{address}", MODEL, media_type=BYTES).status_code == 422
    assert not Artifact.objects.exists()


def test_an_empty_upload_is_refused(ci):
    assert ci.call("PUT", f"/artifacts/{sha256_hex(b'')}", b"", media_type=BYTES).status_code == 422
    assert not Artifact.objects.exists()


def test_an_upload_again_is_200(ci):
    codes = [
        ci.call("PUT", f"/artifacts/sha256:{sha256_hex(MODEL)}", MODEL, media_type=BYTES).status_code for _ in "ab"
    ]
    assert codes == [201, 200]


def test_anothers_file_is_missing_cannot_be_read_and_cannot_be_claimed(world, ci):
    upload(ci)
    assign_role(actor=SYSTEM, person=world.mallory, role=Role.DEVELOPER, on=world.use_case)
    thief = caller(world.mallory)
    assert thief.post("/artifacts/missing", {"sha256": list(FILES.values())}).json()["missing"] == list(FILES.values())
    assert thief.get(f"/artifacts/{FILES['model.skops']}").status_code == 404
    response = submit(thief)
    assert (response.status_code, response.json()["field"]) == (422, "files")
    assert not ModelVersion.objects.exists()


def test_a_file_is_downloaded_as_it_was_uploaded_and_never_shown_as_a_page(world, ci):
    upload(ci)
    submit(ci)
    response = caller(world.grace, "read").get(f"/artifacts/{FILES['model.skops']}")
    assert response.content == MODEL
    assert response["Content-Type"] == BYTES
    assert response["Content-Disposition"].startswith("attachment")
    assert response["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("files", [{}, {"model.skops": FILES["model.skops"]}, {**FILES, "extra": FILES["model.skops"]}])
def test_files_are_those_of_the_manifest(ci, files):
    upload(ci)
    response = submit(ci, files=files)
    assert (response.status_code, response.json()["field"]) == (422, "files")


def test_the_responsible_person_is_behind_the_token_whoever_holds_it(world):
    calls = caller(world.ada, "submit", issued_by=world.tony)
    upload(calls)
    submit(calls)
    version = ModelVersion.objects.get()
    assert (version.submitted_by, version.responsible) == (world.ada, world.tony)


def test_cards_are_read_and_revised(world, ci):
    upload(ci)
    submit(ci)
    address = "/versions/mortgage-approval/1/card"
    assert ci.get(address).json()["sections"] == CARD
    revised = ci.call("PUT", address, {"sections": {**CARD, "limitations": "Few people.\n\n- of group b"}})
    assert (revised.status_code, revised.json()["revision"]) == (200, 2)
    assert ci.call("PUT", address, {"sections": {"unknown": "x"}}).json()["field"] == "unknown"
    assert caller(world.grace).call("PUT", address, {"sections": CARD}).status_code == 403


def test_an_evaluation_that_failed_is_asked_again_by_api(world, ci):
    upload(ci)
    bad = b"a,b\n1,2\n"
    ci.call("PUT", f"/artifacts/{sha256_hex(bad)}", bad, media_type=BYTES)
    submit(ci, files={**FILES, "predictions.csv": sha256_hex(bad)})
    run_tasks()
    failed = ci.get("/versions/mortgage-approval/1/evaluations").json()["results"][0]
    assert (failed["status"], failed["error"]["file"]) == ("error", "predictions.csv")
    assert caller(world.barbara).post(f"/evaluations/{failed['id']}/repeat").status_code == 403
    codes = [caller(world.grace).post(f"/evaluations/{failed['id']}/repeat").status_code for _ in "ab"]
    assert codes == [201, 409]


def test_lists_are_paged_by_cursor(world, ci):
    upload(ci)
    for name in ("1", "2", "3"):
        submit(ci, name)
    page = ci.get("/versions?page_size=2").json()
    assert [item["version"] for item in page["results"]] == ["3", "2"]
    rest = ci.get(page["next"].split("/api/v1", 1)[1]).json()
    assert ([item["version"] for item in rest["results"]], rest["next"]) == (["1"], None)
    assert ci.get("/versions?model__name=other").json()["results"] == []


def test_roles_are_managed_by_api(world):
    manager = caller(world.tony, "manage")
    body = {"username": "mallory", "role": "auditor"}
    address = "/use-cases/mortgage-underwriting/roles"
    assert manager.post(address, body).status_code == 201
    assert caller(world.mallory).get("/use-cases/mortgage-underwriting").status_code == 200
    assert manager.call("DELETE", address, body).status_code == 204
    assert caller(world.mallory).get("/use-cases/mortgage-underwriting").status_code == 404
    assert manager.post(address, {**body, "username": "nobody"}).status_code == 404
    assert manager.post(address, {**body, "username": "tony"}).status_code == 403
