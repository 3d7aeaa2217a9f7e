"""A submitted model, explained by the service in its sandbox, with what data the version has; and judged by its rules."""

from __future__ import annotations

import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression

from audits.kinds.explanation import KIND
from audits.models import JobStatus
from audits.sandbox.errors import SandboxUnavailable
from audits.sandbox.probe import probe
from audits.scoring import opening
from governance.services.policies import register_policy
from governance.services.submissions import submit_version
from registry import artifact_store
from registry.canonical import parse_json
from tests.scenario import manifest_yaml, predictions_csv, run_tasks

pytestmark = pytest.mark.django_db
needs_sandbox = pytest.mark.skipif(not probe().works, reason=f"no sandbox works here: {probe().reason}")

POLICY = b"""
policy: staging-explained
version: 1
applies_to: {risk_tier: [high], environment: staging}
evidence: {minimum_trust: recomputed}
rules:
  - {id: not-by-ratio, check: explanation, forbid_top: [ratio], top: 1, confidence: 0.95}
  - {id: alike, check: explanation, metric: importance_share_difference, over: [race], at_most: 0.9, confidence: 0.95}
sign_off: [{stage: owner, role: model-owner}]
"""
WORDS = b"features: {income: {name: Income of the household, adverse_low: Income is low}}"


def rows(seed):
    draw = np.random.default_rng(seed)
    income, ratio = draw.normal(3, 1, 120).round(2), draw.random(120).round(3)
    approve = (income + draw.normal(0, 0.3, 120) > 3).astype(int)
    lines = [
        f"{i},{r},{a},{g}" for i, r, a, g in zip(income, ratio, approve, draw.choice(["a", "b"], 120), strict=True)
    ]
    return "\n".join(["income,ratio,approve,race", *lines, ""]).encode(), np.column_stack([income, ratio]), approve


def submit(world, tmp_path, *more, version="1"):
    """A version whose model decides by income, with test data and further files ``(role, path, bytes)``."""
    register_policy(actor=world.edsger, content=POLICY)
    test, inputs, approve = rows(0)
    skops.io.dump(LogisticRegression().fit(inputs, approve), tmp_path / "model.skops")
    files = {
        "model.skops": (tmp_path / "model.skops").read_bytes(),
        "predictions.csv": predictions_csv(n=300),
        "test.csv": test,
        **{path: content for _, path, content in more},
    }
    added = "".join(f", {{role: {role}, path: {path}}}" for role, path, _ in [("test-data", "test.csv", b""), *more])
    manifest = manifest_yaml(version).replace(b"path: predictions.csv}]", f"path: predictions.csv}}{added}]".encode())
    digests = {path: world.upload(content) for path, content in files.items()}
    return submit_version(actor=world.ada, manifest=manifest, files=digests)[0]


def explained(version):
    (evaluation,) = version.evaluations.filter(kind=KIND.name)
    return evaluation


def report_of(evaluation):
    return parse_json(artifact_store.read_bytes(evaluation.report_id))


def statuses(world, version):
    return {rule["id"]: rule["status"] for rule in world.assess(version, "staging").verdict.document["rules"]}


@needs_sandbox
@pytest.mark.usefixtures("brisk")
def test_a_version_is_explained_against_its_own_test_data_where_it_has_no_other(world, tmp_path):
    version = submit(world, tmp_path)
    run_tasks()
    evaluation = explained(version)
    assert (evaluation.status, evaluation.error) == (JobStatus.SUCCEEDED, None)
    assert (evaluation.roles, evaluation.trust) == (["model", "test-data", "", ""], "recomputed")
    report = report_of(evaluation)
    assert [item["path"] for item in report["inputs"]] == ["model.skops", "test.csv"]
    assert report["explanation"]["method"] == "exact"
    assert statuses(world, version) == {"not-by-ratio": "pass", "alike": "pass"}


@needs_sandbox
@pytest.mark.usefixtures("brisk")
def test_training_data_are_the_background_and_the_dictionary_gives_the_words(world, tmp_path):
    version = submit(
        world, tmp_path, ("training-data", "training.csv", rows(1)[0]), ("feature-dictionary", "words.yaml", WORDS)
    )
    run_tasks()
    evaluation = explained(version)
    assert (evaluation.status, evaluation.error) == (JobStatus.SUCCEEDED, None)
    assert evaluation.roles == ["model", "test-data", "training-data", "feature-dictionary"]
    (importance,) = [series for series in report_of(evaluation)["series"] if series["name"] == "importance"]
    assert importance["rows"][0][:2] == ["income", "Income of the household"]


@pytest.mark.usefixtures("brisk")
def test_a_dictionary_with_a_slip_is_an_error_that_names_it(world, tmp_path):
    version = submit(world, tmp_path, ("feature-dictionary", "words.yaml", b"features: {income: {nmae: Income}}"))
    run_tasks()
    evaluation = explained(version)
    assert evaluation.status == JobStatus.ERROR
    assert "words.yaml: features.income.nmae is not known here" in str(evaluation.error)
    assert set(statuses(world, version).values()) == {"error"}


@pytest.mark.usefixtures("brisk")
def test_where_no_sandbox_works_nothing_is_explained_and_nothing_passes(world, tmp_path, monkeypatch):
    def unavailable(*_, **__):
        raise SandboxUnavailable("no sandbox works here: bubblewrap is not installed")

    monkeypatch.setattr(opening, "open_model", unavailable)
    version = submit(world, tmp_path)
    run_tasks()
    assert explained(version).status == JobStatus.ERROR
    assert set(statuses(world, version).values()) == {"missing"}
