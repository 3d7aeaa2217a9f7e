"""The bill of materials of a version that was really submitted: from the API, and the same in its dossier."""

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from audits.models import JobStatus
from governance.services.dossier_exports import request_dossier
from governance.services.submissions import submit_version
from registry.artifact_store import read_bytes
from registry.canonical import parse_json
from tests.scenario import caller, manifest_yaml, predictions_csv, run_tasks

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("brisk")]

PATH = "/versions/mortgage-approval/1/ml-bom"
EXTRA = "environment: {python: '3.11', packages: requirements.txt}\n"


@pytest.fixture
def version(world):
    files = {
        "model.skops": world.upload(b"model bytes", world.ada),
        "predictions.csv": world.upload(predictions_csv(), world.ada),
        "requirements.txt": world.upload(b"numpy==2.1.3\nScikit_Learn==1.6.0\n", world.ada),
    }
    made, _ = submit_version(actor=world.ada, manifest=manifest_yaml("1", extra=EXTRA), files=files)
    run_tasks()
    return made


def test_it_is_downloaded_valid_with_what_was_recorded_and_measured(world, version, unset):
    answer = caller(world.ada).call("GET", PATH)
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("application/vnd.cyclonedx+json")
    assert 'filename="ml-bom.cdx.json"' in answer["Content-Disposition"]
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(answer.content.decode()) is None
    bom = parse_json(answer.content)
    names = {component["name"] for component in bom["components"]}
    assert {"mortgage-approval", "hmda-boston", "numpy", "scikit-learn", "predictions.csv"} <= names
    card = next(item["modelCard"] for item in bom["components"] if "modelCard" in item)
    assert any(item["type"] == "roc_auc_score" for item in card["quantitativeAnalysis"]["performanceMetrics"])
    assert caller(world.ada).call("GET", f"{PATH}?environment=production").content == answer.content
    assert caller(world.ada).call("GET", f"{PATH}?environment=moon").status_code == 404
    assert caller(world.mallory).call("GET", PATH).status_code == 404


def test_the_dossier_holds_the_same_bytes(world, version, unset):
    export = request_dossier(actor=world.ada, version=version, environment="production")
    run_tasks()
    export.refresh_from_db()
    assert export.status == JobStatus.SUCCEEDED, export.error
    file = export.files.get(name="ml-bom.cdx.json")
    assert read_bytes(file.artifact_id) == caller(world.ada).call("GET", PATH).content


def test_packages_that_nobody_can_read_leave_the_rest(world, unset):
    files = {
        "model.skops": world.upload(b"model bytes", world.ada),
        "predictions.csv": world.upload(predictions_csv(), world.ada),
        "requirements.txt": world.upload(b"\xff\xfe no requirements", world.ada),
    }
    submit_version(actor=world.ada, manifest=manifest_yaml("1", extra=EXTRA), files=files)
    run_tasks()
    bom = parse_json(caller(world.ada).call("GET", PATH).content)
    assert not [component for component in bom["components"] if component["type"] == "library"]
