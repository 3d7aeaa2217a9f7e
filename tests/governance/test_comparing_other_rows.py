"""A challenger that was tested on other rows than the champion: the service runs both on the challenger's test data."""

from __future__ import annotations

import numpy as np
import pytest

from audits.models import Evaluation
from audits.sandbox.errors import SandboxUnavailable
from tests.audits.model_cases import FunctionModel, opened
from tests.audits.what_if_cases import score, submit_with_test_data, test_rows

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("brisk")]

SINCE = 30


@pytest.fixture
def models(monkeypatch):
    """The challenger reads the group, the champion does not; it decides by income alone."""
    new = FunctionModel(lambda columns: np.clip(score(columns), 0, 1), ("income", "ratio", "race"), texts=("race",))
    old = FunctionModel(lambda columns: 0.5 + (columns["income"] - SINCE) / 100, ("income", "ratio"))
    monkeypatch.setattr(
        "audits.scoring.opening.open_model",
        lambda source, **_: opened(new if "race" in source.interface.inputs else old),
    )


@pytest.fixture
def champion(world):
    version = world.submit("1")
    world.approve(version)
    world.promote(version)
    return version


def decisions():
    """By hand: what the two decide on each of the test rows."""
    rows = [line.split(",") for line in test_rows().decode().split()[1:]]
    mine = [0.5 + (float(income) - 40) / 100 - (float(ratio) - 0.2) >= 0.5 for _, _, income, ratio, _ in rows]
    return mine, [float(income) >= SINCE for _, _, income, _, _ in rows]


def compared(world, version) -> Evaluation:
    from tests.scenario import run_tasks

    run_tasks()
    return Evaluation.objects.get(version=version, kind="comparison")


def test_both_models_are_run_on_the_challengers_test_data(world, champion, models):
    evaluation = compared(world, submit_with_test_data(world, version="2", dictionary=None))
    assert evaluation.status == "succeeded", evaluation.error
    assert evaluation.roles == ["test-predictions", "champion/test-predictions", "test-data", "model", "champion/model"]
    mine, theirs = decisions()
    flips = sum(a != b for a, b in zip(mine, theirs, strict=True))
    found = evaluation.measurements.get(metric="flip_rate", slice={})
    assert (found.value, found.n) == (pytest.approx(flips / 60), 60)
    assert flips


def test_without_a_sandbox_it_is_an_error_and_the_rule_does_not_pass(world, champion, monkeypatch):
    def unavailable(source, **_):
        raise SandboxUnavailable("no sandbox works on this machine")

    monkeypatch.setattr("audits.scoring.opening.open_model", unavailable)
    version = submit_with_test_data(world, version="2", dictionary=None)
    evaluation = compared(world, version)
    assert evaluation.status == "error"
    assert "no sandbox works on this machine" in evaluation.error["message"]
    rules = {rule["id"]: rule["status"] for rule in world.assess(version).verdict.document["rules"]}
    assert rules["no-worse-than-champion"] == "missing"


def test_a_version_without_test_data_brings_no_models_into_the_question(world, champion):
    evaluation = compared(world, world.submit("2"))
    assert evaluation.roles == ["test-predictions", "champion/test-predictions", "", "", ""]
    assert [item["path"] for item in evaluation.inputs] == ["predictions.csv", "predictions.csv"]
