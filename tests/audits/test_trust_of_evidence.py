"""The grade of evidence: a client's word until the service has made the very same predictions itself."""

from __future__ import annotations

import numpy as np
import pytest

import audits.scoring.opening
from audits.models import Trust
from audits.sandbox.errors import SandboxUnavailable
from audits.services.evaluations import run_evaluation
from governance.services.gate import decide
from governance.services.policies import register_policy
from governance.services.submissions import submit_version
from registry.canonical import parse_json
from tests.audits.model_cases import FunctionModel, opened
from tests.scenario import ledger_actions, run_tasks

pytestmark = pytest.mark.django_db

STRICT = b"""
policy: consumer-credit
version: 2
applies_to: {risk_tier: [high], environment: production}
evidence: {minimum_trust: recomputed, max_age_days: 90}
rules:
  - {id: discrimination-power, check: performance, metric: roc_auc_score, at_least: 0.70, confidence: 0.95}
  - {id: impact-ratio, check: fairness, metric: demographic_parity_ratio, over: [race], at_least: 0.80, confidence: 0.95}
sign_off:
  - {stage: owner, role: model-owner}
"""
MANIFEST = """
model: mortgage-approval
version: "{version}"
use_case: mortgage-underwriting
artifacts:
  - {{role: model, path: model.onnx}}
  - {{role: test-data, path: test.csv}}
  - {{role: test-predictions, path: predictions.csv}}
schema:
  {{label: approve, prediction: predicted, score: score, sensitive: [race], features: [income], key: [application]}}
execution: {{threshold: 0.5{execution}}}
"""


def score(columns):
    return 1 / (1 + np.exp(-columns["income"]))


def applications(n=600, *, race=True):
    rng = np.random.default_rng(1)
    income = np.round(rng.normal(0.7, 1.5, n), 6)
    approve = (rng.random(n) < score({"income": income})).astype(int)
    group = rng.choice(["a", "b"], n)
    head = "application,income,approve" + (",race" if race else "")
    rows = [
        f"{i},{x:.6f},{y}" + (f",{g}" if race else "")
        for i, (x, y, g) in enumerate(zip(income, approve, group, strict=True))
    ]
    return ("\n".join([head, *rows]) + "\n").encode(), income, approve, group


def predictions(*, raised=0):
    """The model's own predictions, with the scores of so many refused applications raised above the threshold."""
    _, income, approve, group = applications()
    scores = score({"income": income})
    refused = np.flatnonzero(scores < 0.5)[:raised]
    scores[refused] = 0.6
    rows = [
        f"{i},{y},{int(s >= 0.5)},{float(s)!r},{g}"
        for i, (y, s, g) in enumerate(zip(approve, scores, group, strict=True))
    ]
    return ("\n".join(["application,approve,predicted,score,race", *rows]) + "\n").encode()


@pytest.fixture
def submit(world, monkeypatch):
    model = FunctionModel(score, ("income",))
    monkeypatch.setattr(audits.scoring.opening, "open_model", lambda source, **more: opened(model))
    register_policy(actor=world.edsger, content=STRICT)

    def send(version="1", *, raised=0, race=True, execution="", measured=True):
        files = {
            "model.onnx": world.upload(b"stands for the model " + version.encode()),
            "test.csv": world.upload(applications(race=race)[0]),
            "predictions.csv": world.upload(predictions(raised=raised)),
        }
        manifest = MANIFEST.format(version=version, execution=execution).encode()
        if execution:
            manifest = manifest.replace(b"  - {role: model, path: model.onnx}\n", b"")
            del files["model.onnx"]
        made, _ = submit_version(actor=world.ada, manifest=manifest, files=files)
        if measured:
            run_tasks()
        return made

    return send


def grades(version):
    return dict(version.evaluations.values_list("kind", "trust"))


def answer(world, version):
    return decide(actor=world.ada, version=version, environment="production")


def test_predictions_that_the_service_made_itself_are_recomputed_evidence(world, submit):
    version = submit()
    assert set(grades(version).values()) == {Trust.RECOMPUTED}
    assert answer(world, version).result == "pending"  # signatures
    performance = version.evaluations.get(kind="performance")
    if performance.created_at < version.evaluations.get(kind="rescoring").finished_at:
        assert "evaluation.graded" in ledger_actions(object_id=str(performance.pk))


def test_doctored_predictions_stay_a_clients_word_and_block(world, submit):
    version = submit(raised=40)
    assert grades(version) == {"rescoring": "recomputed", "performance": "claimed", "fairness": "claimed"}
    decision = answer(world, version)
    assert decision.result == "deny"
    assert {rule["status"] for rule in decision.answer["rules"]} == {"missing"}


def test_groups_that_nobody_could_check_stay_a_clients_word(world, submit):
    version = submit(race=False)
    assert grades(version)["fairness"] == "claimed"
    assert answer(world, version).result == "deny"


def test_where_no_sandbox_works_rules_are_missing_and_say_why(world, submit, monkeypatch):
    def refused(source, **more):
        raise SandboxUnavailable("bubblewrap is not installed")

    monkeypatch.setattr(audits.scoring.opening, "open_model", refused)
    version = submit()
    assert version.evaluations.get(kind="rescoring").status == "error"
    decision = answer(world, version)
    assert decision.result == "deny"
    assert {rule["status"] for rule in decision.answer["rules"]} == {"missing"}
    facts = parse_json(bytes(version.verdicts.latest("pk").facts))
    assert facts["evaluations"]["rescoring"]["status"] == "unavailable"


def test_an_endpoint_of_the_users_own_may_run_anything(world, submit):
    version = submit(execution=", endpoint: {url: 'https://models.example', model: mortgage}")
    assert set(grades(version).values()) == {"claimed"}
    assert answer(world, version).result == "deny"


def test_while_they_are_being_rescored_rules_wait(world, submit):
    version = submit(measured=False)
    answer(world, version)  # plans what the policy asks for
    for evaluation in version.evaluations.exclude(kind="rescoring"):
        run_evaluation(evaluation_id=evaluation.pk)
    decision = answer(world, version)
    assert decision.result == "pending"
    assert {rule["status"] for rule in decision.answer["rules"]} == {"pending"}


def test_what_was_planned_in_between_is_graded_when_judged(world, submit):
    version = submit()
    version.evaluations.filter(kind="fairness").update(trust="claimed")
    assert answer(world, version).result == "pending"
    assert grades(version)["fairness"] == "recomputed"
