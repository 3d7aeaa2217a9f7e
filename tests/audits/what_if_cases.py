"""A version whose model is linear, so that every contribution and every counterfactual is known in closed form."""

from __future__ import annotations

import numpy as np

from tests.audits.model_cases import FunctionModel, opened
from tests.scenario import manifest_yaml, predictions_csv

PEOPLE = 60
ROW = {"income": 20, "ratio": 0.5, "race": "b"}
DICTIONARY = b"""
features:
  income: {name: Yearly income, unit: thousand dollars, adverse_low: The income is low, only: increase}
  ratio: {name: Debt ratio, adverse_high: The debts are high for the income}
"""


def test_rows() -> bytes:
    """Incomes 1 to 60, ratios 0.00 to 0.59 in another order, and two groups."""
    lines = [f"{n},{n % 2},{n},{(n * 7 % PEOPLE) / 100},{'ab'[n % 2]}" for n in range(1, PEOPLE + 1)]
    return "\n".join(["application,approve,income,ratio,race", *lines, ""]).encode()


test_rows.__test__ = False


def score(columns):
    """0.5 where income is 40 and ratio 0.2."""
    return 0.5 + (columns["income"] - 40) / 100 - (columns["ratio"] - 0.2)


def linear(features=("income", "ratio", "race")) -> FunctionModel:
    """The model; it reads the group and makes nothing of it."""
    return FunctionModel(score, features, texts=("race",))


def run_instead_of_the_sandbox(monkeypatch, model=None) -> FunctionModel:
    """Let ``model`` be opened wherever a version's is."""
    found = model or linear()
    monkeypatch.setattr("audits.scoring.opening.open_model", lambda source, **options: opened(found))
    return found


def contribution(feature: str, value: float) -> float:
    """What a feature of a linear model adds: its coefficient times the distance from the background's mean."""
    rows = [line.split(",") for line in test_rows().decode().split()[1:]]
    mean = {"income": np.mean([float(row[2]) for row in rows]), "ratio": np.mean([float(row[3]) for row in rows])}
    return {"income": 1 / 100, "ratio": -1.0}[feature] * (value - mean[feature])


def submit_with_test_data(
    world,
    *,
    version="1",
    dictionary: bytes | None = DICTIONARY,
    model: bytes = b"model",
    features="income, ratio, race",
):
    """A version with test data and a feature dictionary."""
    from governance.services.submissions import submit_version

    files = {"model.skops": model, "predictions.csv": predictions_csv(n=300), "test.csv": test_rows()}
    more = ", {role: test-data, path: test.csv}"
    if dictionary is not None:
        files["features.yaml"] = dictionary
        more += ", {role: feature-dictionary, path: features.yaml}"
    manifest = manifest_yaml(version).decode()
    manifest = manifest.replace("path: predictions.csv}]", f"path: predictions.csv}}{more}]")
    manifest = manifest.replace("features: [income, ratio]", f"features: [{features}], key: [application]")
    manifest = manifest.replace("card:", "execution: {threshold: 0.5, classes: ['0', '1']}\ncard:")
    digests = {path: world.upload(content) for path, content in files.items()}
    made, _ = submit_version(actor=world.ada, manifest=manifest.encode(), files=digests)
    return made


def measured_ranges(world, version):
    """As if the explanation had been measured: an evaluation whose report holds the values of the features."""
    from audits.explain.ranges import ranges_series
    from audits.models import Evaluation, JobStatus
    from registry.canonical import canonical_json
    from registry.services.artifacts import keep_bytes

    rows = [line.split(",") for line in test_rows().decode().split()[1:]]
    columns = {
        "income": np.array([float(row[2]) for row in rows]),
        "ratio": np.array([float(row[3]) for row in rows]),
        "race": np.array([row[4] for row in rows], dtype=object),
    }
    report = {"series": [ranges_series(columns).as_json()]}
    return Evaluation.objects.create(
        version=version,
        kind="explanation",
        key="explanation",
        question="0" * 64,
        status=JobStatus.SUCCEEDED,
        parameters={"seed": 5, "background_rows": 40},
        report=keep_bytes(canonical_json(report)),
        requested_by=world.ada,
    )
