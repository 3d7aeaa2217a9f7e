"""Trains one version of the mortgage model: a script as data scientists write it, which knows nothing of Countersign.

    python train.py TRAINING TEST --version plain|fair --regularisation 0.1 --seed 7

It leaves ``model.skops``, and ``predictions.parquet`` of the applications in TEST.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

CUT, DRAWN, PARITY = 0.5, 0.9, 0.97

FEATURES = [
    "appinc", "atotinc", "cototinc", "loanamt", "price", "loanprc", "hrat", "obrat", "term", "fixadj", "liq", "self",
    "yjob", "dep", "cosign", "gift", "other", "mortno", "mortperf", "mortlat1", "mortlat2", "chist", "cons", "pubrec",
    "gdlin", "unver", "multi", "unem", "mi", "inss", "inson",
]  # fmt: skip


def preparation() -> Any:
    """Medians for what is missing, then the same scale for all."""
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(SimpleImputer(strategy="median"), StandardScaler())


def fit(inputs: Any, label: Any, race: Any, *, fair: bool, regularisation: float) -> Any:
    """A fitted logistic regression. Race shapes the training of a fair one; it is never an input."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=regularisation, max_iter=2000)
    if not fair:
        return model.fit(inputs, label)
    from fairlearn.metrics import demographic_parity_ratio
    from fairlearn.reductions import DemographicParity, GridSearch
    from sklearn.metrics import roc_auc_score

    search = GridSearch(model, constraints=DemographicParity(), grid_size=30, grid_limit=0.3)
    search.fit(inputs, label, sensitive_features=race)

    def merit(candidate: Any) -> tuple[bool, float]:
        """Parity on the training data first, then how well it tells good from bad risks."""
        score = candidate.predict_proba(inputs)[:, 1]
        ratio = demographic_parity_ratio(label, score >= CUT, sensitive_features=race)
        enough = bool(ratio >= PARITY)
        return enough, float(roc_auc_score(label, score) if enough else ratio)

    return max(search.predictors_, key=merit)


def train(applications: Any, *, fair: bool, regularisation: float, seed: int) -> Any:
    """The pipeline, trained on nine tenths of the applications, which the seed draws."""
    import pandas as pd
    from sklearn.pipeline import make_pipeline

    drawn = applications.sample(frac=DRAWN, random_state=seed).sort_values("application").reset_index(drop=True)
    prepared = preparation().fit(drawn[FEATURES].astype(float))
    inputs = pd.DataFrame(prepared.transform(drawn[FEATURES].astype(float)))
    return make_pipeline(
        prepared, fit(inputs, drawn["approve"], drawn["race"], fair=fair, regularisation=regularisation)
    )


def predict(model: Any, applications: Any) -> Any:
    """What the model says of each application."""
    import pandas as pd

    scores = model.predict_proba(applications[FEATURES].astype(float))[:, 1]
    return pd.DataFrame(
        {
            "application": applications["application"],
            "approve": applications["approve"].astype(int),
            "predicted": (scores >= CUT).astype(int),
            "score": scores,
            "race": applications["race"],
            "sex": applications["sex"],
        }
    )


def main() -> None:
    """Train, and leave the files in the folder that it is called in."""
    import pandas as pd
    import skops.io

    parser = argparse.ArgumentParser()
    parser.add_argument("training", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--version", choices=("plain", "fair"), required=True)
    parser.add_argument("--regularisation", type=float, required=True)
    parser.add_argument("--seed", type=int, required=True)
    args = parser.parse_args()
    model = train(
        pd.read_parquet(args.training), fair=args.version == "fair", regularisation=args.regularisation, seed=args.seed
    )
    skops.io.dump(model, "model.skops")
    predict(model, pd.read_parquet(args.test)).to_parquet("predictions.parquet", index=False)


if __name__ == "__main__":
    main()
