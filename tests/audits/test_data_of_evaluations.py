"""What evaluations read: the file or the address that plays a role, and an error that says how to add what is not there."""

import pytest

from audits.models import JobStatus
from audits.services import evaluations as services
from audits.services.evaluations import evaluate_version, question_of
from audits.services.inputs import inputs_of
from governance.services.policies import register_policy
from governance.services.submissions import submit_version
from registry.canonical import digest_of, sha256_hex
from tests.scenario import manifest_yaml, predictions_csv, run_tasks

pytestmark = pytest.mark.django_db

DATA_POLICY = b"""
policy: staging-data
version: 1
applies_to: {risk_tier: [high], environment: staging}
evidence: {minimum_trust: claimed, max_age_days: 90}
rules:
  - {id: complete, check: quality, metric: completeness, columns: features, at_least: 0.9}
  - {id: expected, check: quality, metric: expectations_failed, expectations: expectations.yaml, at_most: 0}
  - {id: no-identifiers, check: pii, forbid: [email], in: features}
  - {id: nobody-named, check: pii, forbid: [email], in: test-predictions}
  - {id: hidden, check: anonymity, metric: k_anonymity, quasi: [income], at_least: 2}
sign_off: [{stage: owner, role: model-owner}]
"""
EXPECTATIONS = b"columns:\n  income: {min: 0}\n"
CLEAN = ("income,ratio,contact\n" + "".join(f"{n % 5},0.{n % 9},{n}\n" for n in range(100))).encode()
LEAKY = CLEAN.replace(b",0.3,", b",a.b@example.org,")
WAREHOUSE = "postgresql://warehouse.example/credit?table=training"


def submit(world, *, artifacts="", data="", files=(), version="1"):
    """A version with further artifacts and data, judged for staging by the policy over data as well."""
    register_policy(actor=world.edsger, content=DATA_POLICY)
    manifest = manifest_yaml(version).replace(
        b"path: predictions.csv}]", f"path: predictions.csv}}{artifacts}]".encode()
    )
    contents = {"model.skops": b"model", "predictions.csv": predictions_csv(n=300), **dict(files)}
    digests = {path: world.upload(content) for path, content in contents.items()}
    made, _ = submit_version(actor=world.ada, manifest=manifest + data.encode(), files=digests)
    return made


def with_data(world, training, **more):
    return submit(
        world,
        artifacts=", {role: training-data, path: training.csv}, {role: expectations, path: expectations.yaml}",
        files={"training.csv": training, "expectations.yaml": EXPECTATIONS},
        **more,
    )


def statuses(world, version):
    rules = world.assess(version, "staging").verdict.document["rules"]
    return {rule["id"]: rule["status"] for rule in rules}


@pytest.mark.usefixtures("brisk")
def test_every_role_is_read_and_one_kind_may_read_several(world):
    version = with_data(world, CLEAN)
    run_tasks()
    found = {evaluation.key: evaluation for evaluation in version.evaluations.all()}
    assert {key: evaluation.status for key, evaluation in found.items() if evaluation.error} == {}
    assert {key: found[key].roles for key in ("quality", "pii", "pii:test-predictions", "anonymity:income")} == {
        "quality": ["training-data"],
        "pii": ["training-data"],
        "pii:test-predictions": ["test-predictions"],
        "anonymity:income": ["training-data"],
    }
    training = {"path": "training.csv", "sha256": sha256_hex(CLEAN), "role": "training-data"}
    stated = {"path": "expectations.yaml", "sha256": sha256_hex(EXPECTATIONS), "role": "expectations"}
    assert found["quality"].inputs == [training, stated]
    assert found["pii:test-predictions"].inputs == [
        {"path": "predictions.csv", "sha256": sha256_hex(predictions_csv(n=300))}
    ]
    assert set(statuses(world, version).values()) == {"pass"}


@pytest.mark.usefixtures("brisk")
def test_what_the_data_hold_decides(world):
    version = with_data(world, LEAKY.replace(b"\n4,", b"\n-4,"))
    run_tasks()
    judged = statuses(world, version)
    assert judged == {
        "complete": "pass", "expected": "fail", "no-identifiers": "fail", "nobody-named": "pass", "hidden": "pass",
    }  # fmt: skip


@pytest.mark.usefixtures("brisk")
def test_a_role_that_nothing_plays_is_an_error_that_says_how_to_add_it(world):
    version = submit(world)
    run_tasks()
    failed = version.evaluations.get(key="pii")
    assert failed.status == JobStatus.ERROR
    assert failed.error["message"] == (
        "the version has no data with the role training-data: add an artifact with the role training-data, or an entry "
        "for it in the manifest's data list, and submit again"
    )
    assert statuses(world, version)["no-identifiers"] == "error"
    assert version.evaluations.get(key="pii:test-predictions").status == JobStatus.SUCCEEDED


@pytest.mark.usefixtures("brisk")
def test_expectations_that_are_not_there_are_an_error(world):
    version = submit(world, artifacts=", {role: training-data, path: training.csv}", files={"training.csv": CLEAN})
    run_tasks()
    assert "expectations at expectations.yaml" in version.evaluations.get(key="quality").error["message"]
    assert statuses(world, version)["expected"] == "error"


@pytest.mark.usefixtures("brisk")
def test_expectations_that_cannot_be_read_are_an_error(world):
    version = submit(
        world,
        artifacts=", {role: training-data, path: training.csv}, {role: expectations, path: expectations.yaml}",
        files={"training.csv": CLEAN, "expectations.yaml": b"columns: {income: {least: 0}}"},
    )
    run_tasks()
    failed = version.evaluations.get(key="quality")
    assert failed.status == JobStatus.ERROR
    assert "least" in failed.error["message"]


@pytest.mark.usefixtures("brisk")
def test_two_files_with_one_role_are_an_error(world):
    version = submit(
        world,
        artifacts=", {role: training-data, path: a.csv}, {role: training-data, path: b.csv}",
        files={"a.csv": CLEAN, "b.csv": LEAKY},
    )
    run_tasks()
    assert "a.csv and b.csv" in version.evaluations.get(key="pii").error["message"]


def test_an_address_is_read_where_it_lies_but_only_on_hosts_that_are_allowed(world):
    version = submit(world, data=f'data: [{{role: training-data, url: "{WAREHOUSE}"}}]\n')
    evaluation = version.evaluations.get(key="pii")
    assert evaluation.inputs == [{"path": WAREHOUSE, "url": WAREHOUSE, "role": "training-data"}]
    run_tasks()
    evaluation.refresh_from_db()
    assert evaluation.status == JobStatus.ERROR
    assert "warehouse.example" in evaluation.error["message"]
    assert "COUNTERSIGN_ENGINE_HOSTS" in evaluation.error["message"]


def test_an_address_reaches_the_engine_as_submitted_and_untrusted(world, monkeypatch):
    from audits import evaluate as engine

    seen = []
    monkeypatch.setattr(engine, "evaluate", lambda kind, data, parameters, **_: seen.append((kind, data)) or 1 / 0)
    submit(world, data=f'data: [{{role: training-data, url: "{WAREHOUSE}"}}]\n')
    run_tasks()
    (data,) = next(data for kind, data in seen if kind == "anonymity")
    assert (data.name, data.path, data.url, data.trusted) == (WAREHOUSE, None, WAREHOUSE, False)


def test_the_question_covers_role_digest_and_address():
    plan = {"kind": "pii", "parameters": {}}
    asked = [
        [{"path": "a.csv", "sha256": "a" * 64, "role": "training-data"}],
        [{"path": "a.csv", "sha256": "b" * 64, "role": "training-data"}],
        [{"path": "a.csv", "sha256": "a" * 64, "role": "test-data"}],
        [{"path": WAREHOUSE, "url": WAREHOUSE, "role": "training-data"}],
        [{"path": WAREHOUSE, "url": f"{WAREHOUSE}2", "role": "training-data"}],
    ]
    assert len({question_of(plan, inputs) for inputs in asked}) == len(asked)


def test_questions_from_before_there_were_roles_are_still_answered(world):
    version = world.submit("1", measured=False)
    evaluation = version.evaluations.get(kind="performance")
    file = {"path": "predictions.csv", "sha256": sha256_hex(predictions_csv())}
    columns = {"label": "approve", "prediction": "predicted", "score": "score"}
    before = {"kind": "performance", "parameters": {**columns, "confidences": [0.95]}, "inputs": [file]}
    assert evaluation.question == digest_of(before)


def test_freshness_counts_to_the_day_of_the_measurement_and_is_no_part_of_the_question(world):
    version = with_data(world, CLEAN)
    evaluation = version.evaluations.get(key="quality")
    plan = {"key": "quality", "kind": "quality", "roles": evaluation.roles, "parameters": dict(evaluation.parameters)}
    assert plan["parameters"].pop("as_of") == evaluation.created_at.date().isoformat()
    assert question_of(plan, evaluation.inputs) == evaluation.question
    assert evaluate_version(actor=world.ada, version=version, plans=[plan]) == [evaluation]


def test_data_that_are_left_out_take_no_place(world):
    version = with_data(world, CLEAN)
    plan = {"kind": "quality", "roles": ["training-data", "", "test-predictions"], "parameters": {}}
    found, missing = inputs_of(version, plan, None)
    assert ([item["path"] for item in found], missing) == (["training.csv", "predictions.csv"], [])


def test_a_report_that_is_too_large_is_an_error(world, monkeypatch):
    monkeypatch.setattr(services, "MOST_REPORT_BYTES", 1000)
    version = world.submit("1")
    assert set(version.evaluations.values_list("status", flat=True)) == {"error"}
    assert "ask about fewer columns or groups" in version.evaluations.first().error["message"]
