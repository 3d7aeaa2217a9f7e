"""The whole way on a small file: what the policy plans is what the engine measures is what the rules read."""

from __future__ import annotations

from random import Random

import pytest

from audits.evaluate import evaluate as measure
from governance.rules.data_metrics import ANONYMITY, BIAS_AUDIT, DRIFT, OF_SENSITIVE, PROXIES, QUALITY, REPRESENTATION
from governance.rules.metrics import AGGREGATES, COMPARISON, FAIRNESS, FLIPS, INEQUALITY, PER_CLASS, PERFORMANCE
from governance.rules.plan import plan
from governance.rules.policy_document import parse_policy
from registry.canonical import digest_of
from tests.governance.rules_factory import champion_rule, facts, flips_rule, impact_rule, policy, verdict

AMOUNTS = {"true_positive": 100, "false_positive": -500, "true_negative": 0, "false_negative": -20, "currency": "EUR"}
SCHEMA = {
    "label": "approve", "prediction": "predicted", "score": "score", "sensitive": ["race", "sex"], "amounts": AMOUNTS,
}  # fmt: skip
POPULATION = {"race": {"white": 0.7, "black": 0.3}}
EXPECTATIONS = {"columns": {"income": {"min": 0}, "branch": {"references": "branch"}}}


@pytest.fixture(scope="module")
def predictions(tmp_path_factory):
    """Test predictions of 600 applications: the challenger's and the champion's, on the same rows."""
    directory, paths = tmp_path_factory.mktemp("predictions"), []
    for name, noise in (("challenger", 0.4), ("champion", 0.45)):
        people, guesses = Random(7), Random(noise)
        lines = ["approve,predicted,score,race,sex"]
        for _ in range(600):
            race, sex = people.choice(("white", "white", "black")), people.choice("fm")
            label = int(people.random() < 0.6)
            score = min(max(0.5 + (label - 0.5) * 0.6 + guesses.uniform(-noise, noise), 0.01), 0.99)
            lines.append(f"{label},{int(score > 0.5)},{score:.4f},{race},{sex}")
        path = directory / f"{name}.csv"
        path.write_text("\n".join(lines) + "\n")
        paths.append(path)
    return paths


def gathered(content: bytes, predictions, schema=SCHEMA, others=None):
    """Facts made of real reports, as the service gathers them."""
    rows, evaluations = [], {}
    data = {"test-predictions": predictions[0], "champion/test-predictions": predictions[1], "": None, **(others or {})}
    for item in plan(parse_policy(content), schema, has_champion=True):
        key, parameters = item["key"], dict(item["parameters"])
        if item["kind"] == "quality":  # as the service does: the stated expectations, and the day of the measurement
            parameters |= {"expectations": EXPECTATIONS, "as_of": "2026-11-21"}
        report = measure(
            item["kind"], [None if role.endswith("?") else data[role] for role in item["roles"]], parameters
        )
        sha256 = digest_of(report)
        rows += [{**row, "kind": key, "evidence": sha256} for row in report["measurements"]]
        evaluations[key] = {
            "status": "succeeded",
            "trust": "claimed",
            "finished_at": "2026-11-21T05:00:00Z",
            "sha256": sha256,
            "error": None,
        }
    return facts(evaluations=evaluations, measurements=rows, features=schema.get("features", []))


def rule_for(check: str, metric: str) -> dict:
    if check == "comparison":
        return champion_rule(metric=metric) if metric in COMPARISON else flips_rule(metric)
    known = (PERFORMANCE if check == "performance" else FAIRNESS)[metric]
    rule = {"check": check, "metric": metric, "at_least": max(known.lowest, -1e9), "confidence": 0.95}
    if check == "fairness":
        rule["over"] = ["race", "sex", ["race", "sex"]]
        if metric in AGGREGATES and metric not in INEQUALITY:
            rule["minimum_group"] = 0.02
        if metric.startswith("representation"):
            rule["over"] = ["race"]
            rule |= {"metric": "representation_ratio", "population": POPULATION} if "ratio" in metric else {}
    return rule


METRICS = {
    "quality": QUALITY, "drift": DRIFT, "anonymity": ANONYMITY, "bias-audit": BIAS_AUDIT, "proxies": PROXIES,
    "representation": REPRESENTATION,
}  # fmt: skip

OF_TASKS = {
    "regression": [
        ("performance", "mean_absolute_error"), ("performance", "root_mean_squared_error"), ("performance", "r2_score"),
        ("performance", "mean_squared_error"), ("performance", "median_absolute_error"), ("performance", "mean_error"),
        ("fairness", "mean_prediction"), ("fairness", "mean_error"), ("fairness", "mean_absolute_error"),
        ("fairness", "mean_prediction_difference"), ("fairness", "mean_error_difference"),
        ("fairness", "mean_absolute_error_ratio"),
    ],
    "multiclass": [
        ("performance", "accuracy_score"), ("performance", "balanced_accuracy_score"), ("performance", "log_loss"),
        ("performance", "f1_score_macro"), ("performance", "f1_score_weighted"), ("performance", "roc_auc_score_ovr"),
        ("fairness", "selection_rate"), ("fairness", "demographic_parity_difference"),
        ("fairness", "demographic_parity_ratio"), ("fairness", "accuracy_score_difference"),
    ],
}  # fmt: skip
"""What is measured of other tasks than the usual one."""

EVERY = [
    (check, metric)
    for check, metrics in (
        ("performance", PERFORMANCE),
        ("fairness", FAIRNESS),
        ("comparison", {**COMPARISON, **FLIPS}),
    )
    for metric, known in metrics.items()
    if not known.task
]


def test_every_metric_that_a_policy_may_name_is_measured(predictions):
    content = policy(*(rule_for(check, metric) for check, metric in EVERY))
    for (check, metric), rule in zip(EVERY, verdict(content, gathered(content, predictions))["rules"], strict=True):
        assert rule["status"] in ("pass", "fail", "inconclusive"), (check, metric, rule["sentence"])
        assert all(detail["value"] is not None for detail in rule["details"])
        if check != "comparison":
            assert rule["status"] == "pass"


def test_a_column_that_the_manifest_does_not_declare_makes_the_rule_missing(predictions):
    content = policy(impact_rule(over=["race", "sex"]))
    rule = verdict(content, gathered(content, predictions, {**SCHEMA, "sensitive": ["race"]}))["rules"][0]
    assert [detail["status"] for detail in rule["details"]][1] == "missing"
    assert "does not declare sex" in rule["sentence"]


def test_a_score_that_the_manifest_does_not_name_makes_its_rules_missing(predictions):
    content = policy(rule_for("performance", "roc_auc_score"), rule_for("performance", "accuracy_score"))
    schema = {name: column for name, column in SCHEMA.items() if name != "score"}
    rules = verdict(content, gathered(content, predictions, schema))["rules"]
    assert [rule["status"] for rule in rules] == ["missing", "pass"]
    assert "schema.score" in rules[0]["fix"]


def test_the_sentence_holds_the_numbers_that_were_measured(predictions):
    content = policy(rule_for("performance", "accuracy_score"))
    known = gathered(content, predictions)
    row = next(row for row in known["measurements"] if row["metric"] == "accuracy_score")
    sentence = verdict(content, known)["rules"][0]["sentence"]
    assert f"{row['value']:.3f} (95 % interval {row['low']:.3f}–{row['high']:.3f}, n 600)" in sentence


@pytest.fixture(scope="module")
def other_tasks(tmp_path_factory):
    """Predictions of classes and of amounts for 600 people of two groups."""
    directory, random = tmp_path_factory.mktemp("tasks"), Random(11)
    classes, amounts = ["label,predicted,pa,pb,pc,race,sex"], ["label,predicted,race,sex"]
    for _ in range(600):
        race, sex = random.choice(("white", "white", "black")), random.choice("fm")
        label = random.choice("abc")
        guess = label if random.random() < 0.7 else random.choice("abc")
        shares = [0.6 if name == guess else 0.2 for name in "abc"]
        classes.append(",".join([label, guess, *map(str, shares), race, sex]))
        amount = random.gauss(100, 20)
        amounts.append(f"{amount:.3f},{amount + random.gauss(0, 10):.3f},{race},{sex}")
    (directory / "multiclass.csv").write_text("\n".join(classes) + "\n")
    (directory / "regression.csv").write_text("\n".join(amounts) + "\n")
    return directory


@pytest.mark.parametrize("task", OF_TASKS)
def test_every_metric_of_the_other_tasks_is_measured(other_tasks, task):
    schema = {"label": "label", "prediction": "predicted", "sensitive": ["race", "sex"], "task": task}
    schema |= {"scores": {"a": "pa", "b": "pb", "c": "pc"}} if task == "multiclass" else {}
    rules = [rule_for(check, metric) for check, metric in OF_TASKS[task]]
    if task == "multiclass":
        classes = {"check": "performance", "at_least": 0, "confidence": 0.95, "classes": "all"}
        rules += [{**classes, "metric": metric} for metric in PER_CLASS]
    content = policy(*rules)
    known = gathered(content, [other_tasks / f"{task}.csv", None], schema)
    for rule in verdict(content, known)["rules"]:
        assert rule["status"] == "pass", rule["sentence"]


@pytest.fixture(scope="module")
def data_sets(tmp_path_factory):
    """The data of 400 applications to learn from, of others to test on, and of the branches that they name."""
    directory = tmp_path_factory.mktemp("data")
    for name, seed in (("training-data", 1), ("test-data", 2)):
        random = Random(seed)
        lines = ["id,approve,income,debt,region,branch,race,sex,day"]
        for number in range(400):
            race = random.choice(("white", "black"))
            income = random.gauss(50 if race == "white" else 40, 10)
            day = f"2026-{random.randrange(1, 11):02}-{random.randrange(1, 28):02}"
            fields = (
                f"{name}-{number}", int(random.random() < 0.6), f"{abs(income):.1f}", f"{random.random() * 30:.1f}",
                random.choice("ns"), random.randrange(5), race, random.choice("fm"), day,
            )  # fmt: skip
            lines.append(",".join(map(str, fields)))
        (directory / f"{name}.csv").write_text("\n".join(lines) + "\n")
    (directory / "reference-data.csv").write_text("branch\n" + "".join(f"{number}\n" for number in range(5)))
    return {path.stem: path for path in directory.iterdir()}


ON_DATA = [
    *(("quality", metric, {}) for metric in QUALITY),
    *(
        ("drift", metric, {"columns": ["income"]} if metric != "cramers_v" else {"columns": ["region"]})
        for metric in DRIFT
    ),
    *(("anonymity", metric, {"quasi": ["region", "sex"]}) for metric in ANONYMITY),
    *(("bias-audit", metric, {"race": "race", "sex": "sex"}) for metric in BIAS_AUDIT),
    *(("representation", metric, {"over": ["race"]}) for metric in REPRESENTATION),
    ("representation", "group_share", {"over": ["sex", ["race", "sex"]]}),
    ("proxies", "proxy_roc_auc", {"attribute": "race"}),
    ("proxies", "proxy_roc_auc", {"attribute": "race", "each": "features"}),
]


def rule_on_data(check: str, metric: str, more: dict) -> dict:
    known = METRICS[check][metric]
    rule = {"check": check, "metric": metric, "at_least": known.lowest, **more}
    if check == "drift" and not known.per:
        rule.pop("columns")
    if metric in OF_SENSITIVE:
        rule["sensitive"] = ["debt"]
    if metric == "expectations_failed":
        rule["expectations"] = "expectations.yaml"
    if metric in ("validity", "referential_integrity", "label_leakage"):
        rule["columns"] = "all"
    return rule


def test_every_metric_of_data_is_measured(predictions, data_sets):
    rules = [rule_on_data(*asked) for asked in ON_DATA]
    rules += [{"check": "pii", "forbid": ["any"], "in": "features"}]
    rules += [{"check": "pii", "forbid": ["email", "national_id"], "in": "test-predictions"}]
    content = policy(*rules)
    schema = {**SCHEMA, "features": ["income", "debt", "region", "branch"], "timestamp": "day", "key": ["id"]}
    schema["population"] = POPULATION
    known = gathered(content, predictions, schema, data_sets)
    for rule in verdict(content, known)["rules"]:
        assert rule["status"] == "pass", (rule["id"], rule["sentence"])
