"""``evaluate drift`` from files to report: what drifted and what did not, what cannot be compared, and sketches."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.stats import chi2_contingency, ks_2samp, wasserstein_distance

from audits.engines.duckdb_engine import open_arrow
from audits.engines.port import Engine
from audits.evaluate import evaluate
from audits.evaluate_cli import main
from audits.measures.drift import value_counts
from audits.measures.drift.profile import count_table, profile_table
from audits.measures.drift.value_counts import text_of
from registry.canonical import canonical_json
from registry.errors import InvalidInput

QUICK = {"classifier": False, "key": ["id"]}


def people(rows, seed, shift=0.0, **more):
    draw = np.random.default_rng(seed)
    income = draw.normal(shift, 1, rows)
    frame = {
        "id": np.arange(rows),
        "income": income,
        "debt": 0.6 * income + draw.normal(size=rows),
        "children": draw.integers(0, 5, rows),
        "region": np.array(["north", "south", "east"])[draw.choice(3, rows, p=[0.5, 0.3, 0.2])],
        "tenure": np.where(draw.random(rows) < 0.2, np.nan, draw.exponential(size=rows)),
        "repaid": (draw.random(rows) < 0.3).astype(int),
    }
    return pd.DataFrame(frame | more)


def write(folder, name, frame):
    path = folder / f"{name}.parquet"
    frame.to_parquet(path, index=False)
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drift")
    return (
        write(folder, "reference", people(1500, 1)),
        write(folder, "moved", people(1200, 2, shift=0.6)),
        write(folder, "same", people(1200, 3)),
    )


def measured(report, metric, column=None):
    where = {"column": column} if column else {}
    found = [m for m in report["measurements"] if m["metric"] == metric and m["slice"] == where]
    assert len(found) == 1
    return found[0]


def series(report, name, column=None):
    where = {"column": column} if column else {}
    found = next(s for s in report["series"] if s["name"] == name and s["slice"] == where)
    return [dict(zip(found["columns"], row, strict=True)) for row in found["rows"]]


def test_values_are_scipys_and_intervals_hold_them(files):
    report = evaluate("drift", files[:2], QUICK)
    first, second = (pd.read_parquet(path) for path in files[:2])
    for column in ("income", "debt", "children"):
        ks, moved = measured(report, "ks_statistic", column), measured(report, "wasserstein_distance", column)
        assert ks["value"] == pytest.approx(ks_2samp(first[column], second[column]).statistic, abs=1e-12)
        peer = wasserstein_distance(first[column], second[column]) / np.std(first[column])
        assert moved["value"] == pytest.approx(peer, rel=1e-9)
    cuts = [row["low"] for row in series(report, "drift_histogram", "income")][1:]
    table = [np.histogram(side["income"], [-np.inf, *cuts, np.inf])[0] for side in (first, second)]
    rows = series(report, "drift_histogram", "income")
    assert [[row["reference"] for row in rows], [row["current"] for row in rows]] == [list(side) for side in table]
    assert table[0].tolist() == [150] * 10
    p, q = table[0] / 1500, table[1] / 1200
    assert measured(report, "psi", "income")["value"] == pytest.approx(((q - p) * np.log(q / p)).sum(), rel=1e-12)
    for m in report["measurements"]:
        if m["low"] is not None:
            assert m["low"] <= m["value"] <= m["high"]
            assert m["n"] > 0


def test_a_moved_column_drifts_and_the_same_population_does_not(files):
    moved, same = (evaluate("drift", [files[0], path], QUICK) for path in files[1:])
    assert {r["column"] for r in series(moved, "drift") if r["state"] == "drifted"} == {"income", "debt"}
    share = measured(moved, "drifted_share")
    assert (share["value"], share["n"]) == (pytest.approx(2 / 6), 6)
    assert "income, debt" in share["note"]
    assert share["low"] <= share["value"] <= share["high"]
    assert measured(same, "drifted_share")["value"] == 0
    assert series(moved, "drift")[0]["column"] == "income"


def test_a_file_against_itself_has_not_moved_at_all(files):
    report = evaluate("drift", [files[0], files[0]], QUICK)
    for m in report["measurements"]:
        if m["metric"] in ("psi", "ks_statistic", "wasserstein_distance", "cramers_v", "correlation_change"):
            assert m["value"] == 0
        if m["metric"] == "drift_p_value":
            assert m["value"] == 1


def test_the_order_of_rows_does_not_matter_and_the_same_input_gives_the_same_bytes(files, tmp_path):
    shuffled = write(tmp_path, "moved", pd.read_parquet(files[1]).sample(frac=1, random_state=5))
    parameters = {"key": ["id"], "sample": 100}
    first, second, third = (evaluate("drift", [files[0], path], parameters) for path in (files[1], files[1], shuffled))
    assert canonical_json(first) == canonical_json(second)
    assert canonical_json(first["measurements"]) == canonical_json(third["measurements"])


def test_a_trifle_that_many_rows_make_significant_is_no_drift(tmp_path):
    draw = np.random.default_rng(1)
    paths = [write(tmp_path, str(i), pd.DataFrame({"x": draw.normal(i * 0.03, 1, 60_000)})) for i in range(2)]
    report = evaluate("drift", paths, {"classifier": False})
    assert measured(report, "drift_p_value", "x")["value"] < 0.001
    assert measured(report, "drifted_share")["value"] == 0
    strict = evaluate("drift", paths, {"classifier": False, "wasserstein_at_least": 0.01})
    assert measured(strict, "drifted_share")["value"] == 1


def test_few_rows_leave_open_whether_anything_drifted(tmp_path):
    paths = [write(tmp_path, str(i), people(25, i, shift=i * 0.3)[["income"]]) for i in range(2)]
    share = measured(evaluate("drift", paths, {"classifier": False}), "drifted_share")
    assert (share["value"], share["low"], share["high"]) == (0, 0, 1)


def test_p_values_are_corrected_for_the_number_of_columns(files):
    plain, holm = (evaluate("drift", files[:2], {**QUICK, "correction": correction}) for correction in ("none", "holm"))
    raw = {r["column"]: r["p_value"] for r in series(plain, "drift")}
    for row in series(holm, "drift"):
        assert raw[row["column"]] <= row["p_value"] <= min(1.0, 6 * raw[row["column"]])
    assert measured(holm, "drift_p_value", "income")["value"] == pytest.approx(6 * raw["income"])


def test_labels_of_few_values_are_classes_and_marked(files):
    report = evaluate("drift", files[:2], {**QUICK, "label": "repaid"})
    row = next(r for r in series(report, "drift") if r["column"] == "repaid")
    assert (row["role"], row["kind"]) == ("label", "category")
    first, second = (pd.read_parquet(path)["repaid"].value_counts().sort_index() for path in files[:2])
    plain = evaluate("drift", files[:2], {**QUICK, "label": "repaid", "correction": "none"})
    peer = chi2_contingency([first, second], correction=False).pvalue
    assert measured(plain, "drift_p_value", "repaid")["value"] == pytest.approx(peer, rel=1e-9)
    assert [r["bin"] for r in series(report, "drift_histogram", "repaid")] == ["0", "1"]


def test_codes_can_be_named_as_categories(files):
    report = evaluate("drift", files[:2], {**QUICK, "categorical": ["children"]})
    assert measured(report, "cramers_v", "children")["value"] is not None
    assert [r["bin"] for r in series(report, "drift_histogram", "children")] == ["0", "1", "2", "3", "4"]


def test_columns_that_cannot_be_compared_are_named_and_count_as_drifted(tmp_path):
    first, second = people(200, 1), people(200, 2)
    second["debt"] = second["debt"].map("{:.2f} EUR".format)
    second = second.drop(columns="children").assign(fresh=1)
    first["blob"] = second["blob"] = [b"x"] * 200
    paths = [write(tmp_path, "a", first), write(tmp_path, "b", second)]
    report = evaluate("drift", paths, QUICK)
    failed = {r["column"]: r["note"] for r in series(report, "drift") if r["state"] == "not compared"}
    assert set(failed) == {"debt", "children", "fresh", "blob"}
    assert failed["debt"] == "has changed its type: number in the reference, text in the current data"
    assert [r["column"] for r in series(report, "drift")][:4] == sorted(failed)
    for column, why in failed.items():
        assert any(f"column {column!r} {why}" == warning for warning in report["warnings"])
        assert (measured(report, "psi", column)["value"], measured(report, "psi", column)["note"]) == (None, why)
    assert measured(report, "drifted_share")["value"] == pytest.approx(4 / 8)


def test_a_column_that_lost_all_its_values_has_drifted(tmp_path):
    first, second = people(300, 1), people(300, 2).assign(tenure=None, region=None)
    report = evaluate("drift", [write(tmp_path, "a", first), write(tmp_path, "b", second)], QUICK)
    rows = {r["column"]: r for r in series(report, "drift")}
    assert (rows["tenure"]["state"], rows["tenure"]["missing_current"]) == ("drifted", 1.0)
    assert (rows["region"]["state"], rows["region"]["vanished_categories"]) == ("drifted", ["east", "north", "south"])
    assert rows["tenure"]["ks_statistic"] is None


def test_dates_are_compared_as_time_and_truth_as_categories(tmp_path):
    def frame(seed, start):
        draw = np.random.default_rng(seed)
        days = pd.Timestamp(start) + pd.to_timedelta(draw.integers(0, 300, 400), unit="D")
        return pa.table(
            {"day": pa.array(days.date), "at": pa.array(days.astype("datetime64[us]")), "yes": draw.random(400) < 0.5}
        )

    for name, start in (("a", "2025-01-01"), ("b", "2026-01-01")):
        pq.write_table(frame(len(name), start), tmp_path / f"{name}.parquet")
    report = evaluate("drift", [tmp_path / "a.parquet", tmp_path / "b.parquet"], {})
    assert {r["column"]: r["state"] for r in series(report, "drift")} == {
        "day": "drifted",
        "at": "drifted",
        "yes": "stable",
    }
    assert measured(report, "domain_classifier_roc_auc")["value"] > 0.99


def test_the_correlation_that_changed_most_is_found(tmp_path):
    draw = np.random.default_rng(4)
    x, noise = draw.normal(size=(2, 2000)), draw.normal(size=(2, 2000))
    frames = [
        pd.DataFrame({"x": x[i], "y": sign * x[i] + noise[i], "z": np.where(noise[i] > 1, np.nan, draw.random(2000))})
        for i, sign in enumerate((1, -1))
    ]
    paths = [write(tmp_path, str(i), frame) for i, frame in enumerate(frames)]
    report = evaluate("drift", paths, {"classifier": False})
    limits = [
        (np.quantile(frames[0][c], 0.01, method="inverted_cdf"), np.quantile(frames[0][c], 0.99, method="inverted_cdf"))
        for c in "xy"
    ]
    peer = [
        np.corrcoef(*(np.clip(frame[c], *limit) for c, limit in zip("xy", limits, strict=True)))[0, 1]
        for frame in frames
    ]
    found = measured(report, "correlation_change")
    assert found["value"] == pytest.approx(abs(peer[1] - peer[0]), abs=0.002)
    assert found["low"] > 1.2
    rows = series(report, "correlation_change")
    assert [rows[0][name] for name in ("first", "second")] == ["x", "y"]
    sizes = [abs(row["change"]) for row in rows]
    assert sizes == sorted(sizes, reverse=True)
    assert all(row["low"] <= row["change"] <= row["high"] for row in rows)


def test_a_classifier_tells_moved_data_apart_and_says_by_what(files):
    report = evaluate("drift", files[:2], {"key": ["id"], "sample": 600})
    found = measured(report, "domain_classifier_roc_auc")
    assert 0.55 < found["low"] < found["value"] < found["high"] < 0.75
    assert series(report, "domain_classifier")[0]["column"] == "income"
    same = measured(
        evaluate("drift", [files[0], files[2]], {"key": ["id"], "sample": 600}), "domain_classifier_roc_auc"
    )
    assert same["low"] < 0.5 < same["high"]


def test_rows_are_not_drawn_without_a_key(files):
    found = measured(evaluate("drift", files[:2], {"sample": 600}), "domain_classifier_roc_auc")
    assert found["value"] is None
    assert "as the key" in found["note"]


def test_against_a_sketch_everything_is_as_against_the_reference(files, tmp_path, capsys):
    full = evaluate("drift", files[:2], QUICK)
    kept = tmp_path / "report.json"
    kept.write_text(json.dumps(full, sort_keys=True), encoding="utf-8")
    options = ["--no-classifier", "--key", "id", "--json", "--reference-sketch", str(kept)]
    assert main(["drift", "gone.parquet", str(files[1]), *options]) == 0
    again = json.loads(capsys.readouterr().out)
    kinds = [m for m in full["measurements"] if m["metric"] != "domain_classifier_roc_auc"]
    assert [m for m in again["measurements"] if m["metric"] != "domain_classifier_roc_auc"] == kinds
    assert again["series"] == full["series"]
    assert again["inputs"] == full["inputs"]
    assert "sketch" not in again
    assert len(again["parameters"]["reference_sketch"]["sha256"]) == 64


@pytest.fixture
def few_values(monkeypatch):
    """Numbers are put into bins as if there were millions."""
    monkeypatch.setattr(value_counts, "DISTINCT", 40)


def test_many_values_are_binned_and_the_bins_hold_the_exact_distances(files, few_values):
    report = evaluate("drift", files[:2], QUICK)
    first, second = (pd.read_parquet(path) for path in files[:2])
    for column in ("income", "debt"):
        ks, moved = measured(report, "ks_statistic", column), measured(report, "wasserstein_distance", column)
        assert "fine bins" in ks["note"]
        exact = ks_2samp(first[column], second[column]).statistic
        assert ks["value"] - 1e-12 <= exact <= ks["high"]
        peer = wasserstein_distance(first[column], second[column]) / np.std(first[column])
        assert moved["value"] == pytest.approx(peer, rel=0.01)
        assert moved["low"] <= peer <= moved["high"]
    assert [row["reference"] for row in series(report, "drift_histogram", "income")] == [150] * 10
    again = evaluate("drift", files[:2], {**QUICK, "reference_sketch": json.loads(json.dumps(report["sketch"]))})
    assert again["series"] == report["series"]


def test_duckdbs_own_histogram_counts_as_the_general_one_does():
    draw = np.random.default_rng(0)
    numbers = np.where(draw.random(4000) < 0.3, 0.1, draw.normal(size=4000).round(1))
    with open_arrow(pa.table({"x": pa.array(numbers, mask=draw.random(4000) < 0.1)})) as engine:
        columns = {"x": ("x", [float(edge) for edge in np.arange(-15, 15) / 10])}
        found = engine.histograms(columns)
        assert found == Engine.histograms(engine, columns)
        assert found["x"].missing + sum(found["x"].counts) == 4000


def test_a_disclosure_threshold_holds_back_rare_categories_and_single_values():
    table = pa.table({"c": ["a"] * 60 + ["b"] * 39 + ["rare"], "x": [float(i) for i in range(100)]})
    with open_arrow(table) as engine:
        engine.disclosure = 5
        profile = profile_table(engine, ["c", "x"], bins=4, step=lambda done: None)
        assert dict(profile.columns["c"].counted.counts) == {"a": 60, "b": 39, "(categories of few rows, held back)": 1}
        assert profile.columns["x"].counted.edges.tolist() == [25.0, 50.0, 75.0]
        assert profile.columns["x"].counted.binned.counts.tolist() == [25, 25, 25, 25]
        again = count_table(engine, ["c", "x"], profile, step=lambda done: None)
        assert again.columns["x"].counted.binned.counts.tolist() == [25, 25, 25, 25]


def test_categories_have_the_same_name_whatever_wrote_them():
    assert [text_of(value) for value in (1, 1.0, 0.5, True, "x")] == ["1", "1", "0.5", "true", "x"]


@pytest.mark.parametrize(
    ("parameters", "field", "message"),
    [
        ({"label": "nope"}, "label", "there is no column 'nope' in the reference; it was named as the label"),
        ({"columns": ["nope"]}, "columns", "no column 'nope' in either data set"),
        ({"categorical": ["nope"]}, "categorical", "no column 'nope' in either data set"),
        ({"key": ["nope"]}, "key", "there is no column 'nope'"),
        ({"bins": 1}, "bins", "whole number from 2"),
        ({"bins": 101}, "bins", "at most 100"),
        ({"correction": "bonferroni"}, "correction", "must be one of holm"),
        ({"label": "repaid", "prediction": "repaid"}, "prediction", "each needs its own"),
        ({"reference_sketch": {"rows": 1}}, "reference_sketch", "earlier report of drift"),
        ({"reference_sketch": {"columns": []}}, "reference_sketch", "not one that this version writes"),
        ({"reference_sketch": {"columns": [{}], "format": 1, "bins": 10}}, "reference_sketch", "damaged"),
        ({"reference_sketch": {"columns": [], "format": 1, "bins": 7}}, "reference_sketch", "has 7 bins, not 10"),
        ({"sample": 10}, "sample", "whole number from 100"),
        ({"tpyo": 1}, "tpyo", "no parameter"),
    ],
)
def test_what_cannot_be_asked_is_refused(files, parameters, field, message):
    with pytest.raises(InvalidInput, match=message) as error:
        evaluate("drift", files[:2], parameters)
    assert error.value.field == field


def test_an_empty_data_set_is_refused(files, tmp_path):
    empty = write(tmp_path, "empty", people(3, 1).head(0))
    with pytest.raises(InvalidInput, match="the current data has no rows"):
        evaluate("drift", [files[0], empty], QUICK)


def test_the_command_prints_tables_and_names_what_is_wrong(files, tmp_path, capsys):
    assert main(["drift", *map(str, files[:2]), "--no-classifier", "--key", "id"]) == 0
    out = capsys.readouterr().out
    assert "drifted_share" in out
    assert "sha256:" in out
    broken = tmp_path / "sketch.json"
    broken.write_text("{", encoding="utf-8")
    assert main(["drift", *map(str, files[:2]), "--reference-sketch", str(broken)]) == 2
    assert "cannot be read as JSON" in capsys.readouterr().err
