"""The whole way: a version's training data are counted, the policy judges every group, and page and PDF show them."""

from __future__ import annotations

import pytest
from django.test import Client

from audits.audit_pdf import audit_html
from governance.dossier_builder import build_dossier
from governance.services.policies import register_policy
from governance.services.submissions import submit_version
from tests.scenario import manifest_yaml, predictions_csv, run_tasks

pytestmark = pytest.mark.django_db

POLICY = b"""
policy: staging-data
version: 1
applies_to: {risk_tier: [high], environment: staging}
evidence: {minimum_trust: claimed, max_age_days: 90}
rules:
  - {id: enough, check: representation, metric: group_count, over: [race], at_least: 20}
  - {id: alike, check: representation, metric: population_ratio, over: [race], at_least: 0.5, confidence: 0.95}
sign_off: [{stage: owner, role: model-owner}]
"""
# 100 people: 30 black, 60 white, 10 who did not say; nobody of the native people, who are a tenth of the population.
TRAINING = ("income,ratio,race\n" + "1,0.1,black\n" * 30 + "2,0.2,white\n" * 60 + "3,0.3,\n" * 10).encode()


@pytest.fixture
def version(world):
    register_policy(actor=world.edsger, content=POLICY)
    manifest = manifest_yaml("1").replace(
        b"path: predictions.csv}]", b"path: predictions.csv}, {role: training-data, path: training.csv}]"
    )
    population = b"sensitive: [race], population: {race: {black: 0.3, white: 0.6, native: 0.1}}"
    contents = {"model.skops": b"model", "predictions.csv": predictions_csv(n=300), "training.csv": TRAINING}
    files = {path: world.upload(content) for path, content in contents.items()}
    manifest = manifest.replace(b"sensitive: [race]", population)
    made, _ = submit_version(actor=world.ada, manifest=manifest, files=files)
    run_tasks()
    return made


def test_every_group_is_judged(world, version):
    rules = {rule["id"]: rule for rule in world.assess(version, "staging").verdict.document["rules"]}
    assert {name: rule["status"] for name, rule in rules.items()} == {"enough": "fail", "alike": "fail"}
    counted = {detail["slice"]["race"]: detail["value"] for detail in rules["enough"]["details"]}
    assert counted == {"black": 30, "white": 60, "native": 0}
    assert rules["enough"]["sentence"].startswith("The number of rows of race native in the training data is 0")


def test_the_page_shows_the_groups(world, version):
    world.assess(version, "staging")
    browser = Client()
    browser.force_login(world.ada)
    text = browser.get("/models/mortgage-approval/versions/1", {"environment": "staging"}).content.decode()
    assert "Rows by race, of 100" in text
    assert "Of the population" in text
    assert "native" in text


def test_so_does_the_document(world, version):
    dossier = build_dossier(world.assess(version, "staging"))
    html = audit_html(dossier)
    assert "Rows by race, of 100" in html
