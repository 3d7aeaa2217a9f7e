"""Proxies: areas against scikit-learn, features that tell all and nothing, the sample, bad input."""

from __future__ import annotations

import json
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import roc_auc_score

from audits.auc import auc_interval, roc_auc
from audits.engines.duckdb_engine import open_arrow
from audits.evaluate import evaluate
from audits.evaluate_cli import main
from audits.intervals import critical_value
from audits.measures.proxies.encoding import feature_of
from audits.measures.proxies.macro_auc import macro_auc
from audits.measures.sampled_rows import sample_rows
from registry.errors import InvalidInput


def town(n=800, seed=0):
    """The postcode gives the race away, income a little, shoe size not at all."""
    draw = np.random.default_rng(seed)
    race = draw.choice(["black", "white"], n, p=[0.4, 0.6])
    sex = draw.choice(["f", "m", "x"], n, p=[0.5, 0.4, 0.1])
    return {
        "race": race,
        "sex": sex,
        "postcode": np.where(
            draw.random(n) < 0.85, np.where(race == "black", "N1", "S1"), draw.choice(["N1", "S1", "E1"], n)
        ),
        "income": draw.normal(30, 5, n) + 3 * (race == "white"),
        "shoe": draw.normal(40, 3, n),
    }


def save(tmp_path, data, name="town.parquet"):
    pq.write_table(pa.table({key: pa.array(list(v)) for key, v in data.items()}), tmp_path / name)
    return tmp_path / name


def area(report, **where):
    found = [m for m in report["measurements"] if m["slice"] == where]
    assert len(found) == 1
    return found[0]


FEATURES = ["postcode", "income", "shoe"]


def test_what_gives_a_group_away_is_found_and_what_does_not_is_not(tmp_path):
    report = evaluate("proxies", [save(tmp_path, town())], {"features": FEATURES, "sensitive": ["race", "sex"]})
    together = area(report, attribute="race")
    assert together["value"] > 0.88
    assert area(report, attribute="race", feature="postcode")["value"] > 0.85
    nothing = area(report, attribute="race", feature="shoe")
    assert nothing["low"] < 0.5 + 0.02
    assert abs(nothing["value"] - 0.5) < 0.05
    assert abs(area(report, attribute="sex")["value"] - 0.5) < 0.06
    rows = report["series"][0]["rows"]
    assert [row[1] for row in rows[:4]] == ["all features", "postcode", "income", "shoe"]
    assert {m["n"] for m in report["measurements"]} == {800}
    assert "all 800 rows" in together["note"]


def test_the_value_is_near_what_is_known_of_normal_distributions(tmp_path):
    """Two normals a standard deviation apart have an area of Φ(1/√2) = 0.760."""
    draw = np.random.default_rng(1)
    group = draw.choice(["a", "b"], 4000)
    data = {"group": group, "x": draw.normal(0, 1, 4000) + (group == "b")}
    report = evaluate("proxies", [save(tmp_path, data)], {"features": ["x"], "sensitive": ["group"]})
    alone = area(report, attribute="group", feature="x")
    assert alone["value"] == pytest.approx(0.760, abs=0.02)
    assert area(report, attribute="group")["value"] == pytest.approx(0.760, abs=0.025)


def test_the_macro_area_is_scikit_learns_and_its_variance_delongs():
    draw = np.random.default_rng(2)
    codes = draw.integers(0, 3, 500)
    # Parts of 64 are exact, so that what is equal stays equal and rows sum to 1.
    wanted = np.full((500, 3), 1 / 4) + np.eye(3)[codes] / 4
    probability = np.stack([draw.multinomial(64, row) for row in wanted]) / 64
    expected = roc_auc_score(codes, probability, multi_class="ovr", average="macro")
    assert macro_auc(codes, probability).value == pytest.approx(expected, abs=1e-12)
    two = (codes > 0).astype(np.int64)
    score = probability[:, 1:].sum(axis=1)
    ours, delongs = macro_auc(two, np.stack([1 - score, score], axis=1)), roc_auc(two, score)
    assert ours.value == pytest.approx(delongs.value, abs=1e-12)
    assert ours.variance == pytest.approx(delongs.variance, rel=0.01)


def test_limits_of_the_macro_area_cover():
    draw, z, held = np.random.default_rng(3), critical_value(0.95), 0
    big = _drawn(draw, 200_000)
    truth = roc_auc_score(big[0], big[1], multi_class="ovr", average="macro")
    for _ in range(300):
        low, high, _ = auc_interval(macro_auc(*_drawn(draw, 400)), z)
        held += low <= truth <= high
    assert 0.92 * 300 <= held <= 0.98 * 300


def _drawn(draw, n):
    codes = draw.integers(0, 3, n)
    raw = draw.normal(0, 1, (n, 3))
    raw[np.arange(n), codes] += 0.8
    probability = np.exp(raw)
    return codes, probability / probability.sum(axis=1, keepdims=True)


def test_the_same_rows_are_drawn_whatever_their_order_and_the_report_is_the_same(tmp_path):
    data = town(900)
    order = np.random.default_rng(5).permutation(900)
    one = save(tmp_path, data)
    two = save(tmp_path, {name: v[order] for name, v in data.items()}, "shuffled.parquet")
    reports = [
        evaluate("proxies", [path], {"features": FEATURES, "sensitive": ["race"], "rows": 400}) for path in (one, two)
    ]
    assert reports[0]["measurements"] == reports[1]["measurements"]
    assert "a sample of 400 of 900 rows" in reports[0]["measurements"][0]["note"]


def test_the_sample_without_a_key_is_even(tmp_path):
    data = town(2000)
    with open_arrow(pa.table({name: pa.array(list(v)) for name, v in data.items()})) as engine:
        sample = sample_rows(engine, ["race", "income"], 1000, key=[], seed=1)
        again = sample_rows(engine, ["race", "income"], 1000, key=[], seed=2)
    share = np.mean([value == "black" for value in sample.table["race"].to_pylist()])
    assert share == pytest.approx(0.4, abs=0.06)
    assert sample.table["income"].to_pylist() != again.table["income"].to_pylist()


def test_a_sensitive_feature_does_not_predict_itself(tmp_path):
    asked = {"features": ["shoe", "race"], "sensitive": ["race"], "rows": 200}
    report = evaluate("proxies", [save(tmp_path, town())], asked)
    assert "race" not in {m["slice"].get("feature") for m in report["measurements"]}
    assert any("'race' is a feature itself" in warning for warning in report["warnings"])


def test_missing_values_dates_and_small_groups_are_no_trouble(tmp_path):
    data = town(300)
    data["income"] = [None if i % 7 == 0 else float(v) for i, v in enumerate(data["income"])]
    data["race"] = ["zulu"] * 3 + [None] * 12 + list(data["race"][15:])
    data["since"] = [date(2020, 1, 1) + timedelta(days=i) for i in range(300)]
    report = evaluate("proxies", [save(tmp_path, data)], {"features": ["income", "since"], "sensitive": ["race"]})
    together = area(report, attribute="race")
    assert "left out with fewer than 10 rows: zulu (3)" in together["note"]
    assert together["n"] == 297
    assert area(report, attribute="race", feature="since")["value"] is not None


def test_one_group_alone_is_undefined_not_good(tmp_path):
    data = town(200)
    data["race"] = np.array(["white"] * 200)
    report = evaluate("proxies", [save(tmp_path, data)], {"features": ["shoe"], "sensitive": ["race"]})
    assert area(report, attribute="race")["value"] is None
    assert "fewer than two groups" in area(report, attribute="race")["note"]


def test_rare_levels_are_one():
    table = pa.table({"name": [f"n{i}" for i in range(200)] + ["common"] * 5})
    feature = feature_of(table, "name")
    assert feature.categorical
    assert len(set(feature.values.tolist())) == 61


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"features": ["shoe"], "sensitive": ["hair"]}, "no column 'hair'"),
        ({"features": ["hat"], "sensitive": ["race"]}, "no column 'hat'"),
        ({"features": [], "sensitive": ["race"]}, "name at least one column (features)"),
        ({"features": ["race"], "sensitive": ["race"]}, "cannot be its own proxy"),
        ({"features": ["shoe", "shoe"], "sensitive": ["race"]}, "twice"),
        ({"features": ["shoe"], "sensitive": ["income"]}, "at most 100 can be predicted"),
        ({"features": ["shoe"], "sensitive": ["race"], "rows": 10}, "whole number from 100"),
        ({"features": ["shoe"], "sensitive": ["race"], "model": "x"}, "no parameter 'model'"),
        ({"features": ["shoe"], "sensitive": ["race"], "key": ["income"]}, "a key is made of"),
    ],
)
def test_bad_input_is_refused(tmp_path, asked, message):
    with pytest.raises(InvalidInput) as error:
        evaluate("proxies", [save(tmp_path, town(150))], asked)
    assert message in str(error.value)


def test_too_few_rows_and_nested_columns_are_refused(tmp_path):
    with pytest.raises(InvalidInput, match="fewer than 50"):
        evaluate("proxies", [save(tmp_path, town(30))], {"features": ["shoe"], "sensitive": ["race"]})
    data = {**town(100), "list": [[1, 2]] * 100}
    with pytest.raises(InvalidInput, match="nested values"):
        evaluate("proxies", [save(tmp_path, data)], {"features": ["list"], "sensitive": ["race"]})


def test_the_command_prints_the_strongest_first(tmp_path, capsys):
    path = str(save(tmp_path, town(300)))
    options = ["--features", "shoe,postcode", "--sensitive", "race"]
    assert main(["proxies", path, *options]) == 0
    out = capsys.readouterr().out
    assert out.index("postcode") < out.index("shoe")
    assert main(["proxies", path, *options, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "proxies"
