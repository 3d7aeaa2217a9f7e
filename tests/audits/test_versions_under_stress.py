"""A submitted model is put under load and given slips by the service, as its policy asks and its manifest states."""

from __future__ import annotations

import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression

from audits.models import JobStatus
from audits.sandbox.errors import SandboxUnavailable
from audits.sandbox.probe import probe
from audits.scoring import opening
from governance.services.policies import register_policy
from governance.services.submissions import submit_version
from registry import artifact_store
from registry.canonical import parse_json
from tests.scenario import manifest_yaml, predictions_csv, run_tasks

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("brisk")]
needs_sandbox = pytest.mark.skipif(not probe().works, reason=f"no sandbox works here: {probe().reason}")

POLICY = b"""
policy: staging-stressed
version: 1
applies_to: {risk_tier: [high], environment: staging}
evidence: {minimum_trust: recomputed}
rules:
  - {id: in-time, check: load, metric: latency_p50_ms, rate: 30, at_most: 60000, confidence: 0.95}
  - {id: small, check: load, metric: model_size_mb, at_most: 0.0001}
  - {id: no-slower, check: load, metric: latency_ratio_to_champion, at_most: 1.5}
  - {id: steady, check: robustness, metric: decision_flip_rate, perturbation: noise-1, at_most: 0.2, confidence: 0.95}
  - {id: promised, check: robustness, metric: expectation_violations, requires: [income-up], at_most: 0}
  - {id: more-promised, check: robustness, metric: expectation_violations, requires: [income-up, swap], at_most: 0}
sign_off: [{stage: owner, role: model-owner}]
"""
EXECUTION = """
execution:
  load: {rates: [20], seconds: 1}
  expectations: [{id: income-up, feature: income, direction: increasing}]
"""


def submit(world, tmp_path):
    """A version whose model decides by income, with test data."""
    register_policy(actor=world.edsger, content=POLICY)
    draw = np.random.default_rng(0)
    inputs = np.column_stack([draw.normal(3, 1, 150).round(2), draw.random(150).round(3)])
    approve = (inputs[:, 0] + draw.normal(0, 0.3, 150) > 3).astype(int)
    skops.io.dump(LogisticRegression().fit(inputs, approve), tmp_path / "model.skops")
    lines = [f"{a},{b},{label},{draw.choice(['x', 'y'])}" for (a, b), label in zip(inputs, approve, strict=True)]
    files = {
        "model.skops": (tmp_path / "model.skops").read_bytes(),
        "predictions.csv": predictions_csv(n=300),
        "test.csv": "\n".join(["income,ratio,approve,race", *lines, ""]).encode(),
    }
    added = b"path: predictions.csv}, {role: test-data, path: test.csv}]"
    manifest = manifest_yaml("1").replace(b"path: predictions.csv}]", added) + EXECUTION.encode()
    return submit_version(actor=world.ada, manifest=manifest, files={p: world.upload(c) for p, c in files.items()})[0]


def statuses(world, version):
    return {rule["id"]: rule["status"] for rule in world.assess(version, "staging").verdict.document["rules"]}


@needs_sandbox
def test_what_policy_asks_and_the_manifest_states_is_measured_in_the_sandbox(world, tmp_path):
    version = submit(world, tmp_path)
    run_tasks()
    done = {item.kind: item for item in version.evaluations.filter(kind__in=("load", "robustness"))}
    assert {kind: (item.status, item.error) for kind, item in done.items()} == dict.fromkeys(
        done, (JobStatus.SUCCEEDED, None)
    )
    assert {item.trust for item in done.values()} == {"recomputed"}
    report = parse_json(artifact_store.read_bytes(done["load"].report_id))
    assert report["parameters"]["rates"] == [20, 30]
    assert report["parameters"]["saturation"] is False
    assert [item["path"] for item in report["inputs"]] == ["model.skops", "test.csv"]
    assert statuses(world, version) == {
        "in-time": "pass",
        "small": "fail",
        "no-slower": "pass",  # there is no champion yet
        "steady": "pass",
        "promised": "pass",
        "more-promised": "missing",
    }


def test_without_a_sandbox_nothing_of_it_passes(world, tmp_path, monkeypatch):
    def open_model(*_args, **_more):
        raise SandboxUnavailable("no sandbox works here")

    monkeypatch.setattr(opening, "open_model", open_model)
    version = submit(world, tmp_path)
    run_tasks()
    found = statuses(world, version)
    assert {found[rule] for rule in ("in-time", "small", "steady", "promised", "more-promised")} == {"missing"}
