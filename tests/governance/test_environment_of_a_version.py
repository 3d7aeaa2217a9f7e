"""What a version records of its environment and which reports came with it, from submission to verdict."""

import json

import pytest

from governance.services.policies import register_policy
from governance.services.submissions import submit_version
from tests.scenario import POLICY, manifest_yaml, predictions_csv, run_tasks

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("brisk")]

RULES = b"""
  - {id: as-made, check: environment, metric: package_differences, at_most: 1}
  - {id: no-holes, check: environment, metric: vulnerabilities, severity: [critical], at_most: 0}
  - {id: looked-at, check: environment, metric: vulnerability_coverage, at_least: 0.9}
  - {id: built-again, check: reproduction, at_least: metric-equivalent}
sign_off:"""
RECORD = b"numpy==1.0.0\npytest\n"


def report(**versions):
    audited = [{"name": name, "version": version, "vulns": []} for name, version in versions.items()]
    audited[0]["vulns"] = [{"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["1.1"]}]
    return json.dumps({"dependencies": audited, "fixes": []}).encode()


def judged(world, *, record=RECORD, scan=None):
    """Statuses and sentences of the rules, by id, of a version with these files beside."""
    policy = POLICY.replace(b"version: 1", b"version: 2").replace(b"\nsign_off:", RULES)
    register_policy(actor=world.edsger, content=policy)
    artifacts, extra = b"artifacts: [", ""
    files = {"model.skops": b"model bytes", "predictions.csv": predictions_csv()}
    if record is not None:
        extra, files["requirements.txt"] = "environment: {python: '3', packages: requirements.txt}\n", record
    if scan is not None:
        artifacts, files["audit.json"] = b"artifacts: [{role: vulnerability-report, path: audit.json}, ", scan
    uploaded = {path: world.upload(data, world.ada) for path, data in files.items()}
    manifest = manifest_yaml("1", extra=extra).replace(b"artifacts: [", artifacts)
    version, _ = submit_version(actor=world.ada, manifest=manifest, files=uploaded)
    run_tasks()
    rules = {rule["id"]: rule for rule in world.assess(version).verdict.document["rules"]}
    return {name: rules[name] for name in ("as-made", "no-holes", "looked-at", "built-again")}


def test_a_record_with_a_report_is_judged(world, unset):
    rules = judged(world, scan=report(numpy="1.0.0", pytest="9"))
    assert (rules["as-made"]["status"], rules["as-made"]["observed"]) == ("pass", "1")
    # pip-audit tells no severity: the hole counts, whichever severities are asked about.
    assert rules["no-holes"]["status"] == "fail"
    assert rules["looked-at"]["status"] == "pass"


def test_without_a_report_nothing_is_known_of_holes(world, unset):
    rules = judged(world)
    assert rules["as-made"]["status"] == "pass"
    assert {rules["no-holes"]["status"], rules["looked-at"]["status"]} == {"missing"}
    assert "vulnerability-report" in rules["no-holes"]["fix"]


def test_a_report_on_another_version_covers_nothing(world, unset):
    rules = judged(world, record=b"numpy==1.0.0\n", scan=report(numpy="2.0.0"))
    assert rules["no-holes"]["status"] == "missing"
    assert rules["looked-at"]["status"] == "fail"


def test_without_a_record_everything_is_missing(world, unset):
    rules = judged(world, record=None, scan=report(numpy="1.0.0"))
    assert {rule["status"] for rule in rules.values()} == {"missing"}
    assert "environment.packages" in rules["as-made"]["fix"]
    assert "execution.rebuild" in rules["built-again"]["fix"]


def test_a_report_that_cannot_be_read_is_an_error_that_names_the_file_and_the_place(world, unset):
    rules = judged(world, scan=b'{"dependencies": [{"name": "numpy"}]}')
    assert rules["no-holes"]["status"] == "error"
    assert "audit.json: dependencies[0].version: is required" in rules["no-holes"]["sentence"]
