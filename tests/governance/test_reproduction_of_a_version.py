"""A submitted version built again by a worker, from its manifest: one with another seed than it states is caught."""

import pytest

from audits.models import Evaluation
from audits.sandbox.probe import probe
from governance.services.policies import register_policy
from governance.services.submissions import submit_version
from tests.audits.test_reproduction import SCRIPT, rows, trained
from tests.scenario import POLICY, manifest_yaml, predictions_csv, run_tasks

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("brisk")]

RULES = b"""
  - {id: built-again, check: reproduction, at_least: metric-equivalent}
sign_off:"""
EXTRA = """environment: {python: '3', packages: requirements.txt}
execution:
  inputs: [income, debt]
  classes: ['0', '1']
  threshold: 0.5
  rebuild:
    script: train.py
    arguments: ['--seed', '{seed}']
    data: [data/train.csv]
    model: model.onnx
"""
FILES = b"""artifacts: [
  {role: model, path: model.onnx}, {role: test-data, path: test.csv}, {role: code, path: train.py},
  {role: training-data, path: data/train.csv}, {role: test-predictions, path: predictions.csv}]"""


def manifest():
    text = manifest_yaml("1", extra=EXTRA)
    before, after = text.split(b"artifacts: [", 1)
    return before + FILES + after.split(b"]", 1)[1].replace(b"features: [income, ratio]", b"features: [income, debt]")


def test_one_with_another_seed_is_caught_by_reproduction(world, unset, tmp_path, monkeypatch):
    if not probe().works:
        pytest.skip(f"no sandbox works here: {probe().reason}")
    (tmp_path / "files/data").mkdir(parents=True)
    (tmp_path / "files/train.py").write_text(SCRIPT)
    rows(300, 1).to_csv(tmp_path / "files/data/train.csv", index=False)
    model = trained(tmp_path, 8, monkeypatch, tmp_path)  # the manifest says 7
    policy = POLICY.replace(b"version: 1", b"version: 2").replace(b"\nsign_off:", RULES)
    register_policy(actor=world.edsger, content=policy)
    test = rows(400, 2).rename(columns={"repaid": "approve", "sex": "race"})
    files = {
        "model.onnx": model.read_bytes(),
        "test.csv": test.to_csv(index=False).encode(),
        "train.py": SCRIPT.encode(),
        "data/train.csv": (tmp_path / "files/data/train.csv").read_bytes(),
        "predictions.csv": predictions_csv(),
        "requirements.txt": b"numpy==1.0.0\n",
    }
    uploaded = {path: world.upload(data, world.ada) for path, data in files.items()}
    version, _ = submit_version(actor=world.ada, manifest=manifest(), files=uploaded)
    run_tasks()
    evaluation = Evaluation.objects.get(version=version, kind="reproduction")
    assert evaluation.status == "succeeded", evaluation.error
    (rebuild,) = [item for item in evaluation.inputs if item["role"] == "rebuild"]
    assert {file["path"] for file in rebuild["files"]} == {"data/train.csv", "requirements.txt"}
    assert rebuild["facts"]["seed"] == 7
    rules = {rule["id"]: rule for rule in world.assess(version).verdict.document["rules"]}
    assert rules["built-again"]["status"] == "fail"
    assert rules["built-again"]["observed"] == "not-reproduced"
    assert "decisions differ" in rules["built-again"]["sentence"]
    assert evaluation.trust == "recomputed"
