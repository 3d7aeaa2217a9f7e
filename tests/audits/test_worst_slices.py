"""Worst slices: the planted one is found, its shadows are not listed twice, and limits hold for all slices at once."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import combinations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as peer

from audits.engines.duckdb_engine import open_arrow
from audits.evaluate import evaluate
from audits.measures.quantiles import quantiles
from audits.measures.slices import lattice
from audits.measures.slices.axes import cut_by
from audits.measures.slices.metrics import SliceMetric
from audits.measures.slices.search import find_worst
from registry.errors import InvalidInput

NAMES = {"label": "y", "prediction": "p"}


def lenders(seed=0, n=6000, *, right=0.9, in_planted=0.55) -> pd.DataFrame:
    """Decisions that are right nine times in ten, but not for the young in the north."""
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "region": draw.choice(["east", "north", "west"], n),
            "product": draw.choice(["car", "home", "study", "other"], n),
            "age": draw.integers(18, 80, n),
            "income": np.exp(draw.normal(10, 1, n)),
        }
    )
    planted = (frame["region"] == "north") & (frame["age"] < 30)
    label = draw.integers(0, 2, n)
    hit = draw.random(n) < np.where(planted, in_planted, right)
    return frame.assign(y=label, p=np.where(hit, label, 1 - label), w=draw.uniform(0.5, 2, n))


def report_of(tmp_path, frame, **parameters):
    path = tmp_path / "predictions.parquet"
    frame.to_parquet(path)
    return evaluate("performance", [path], {**NAMES, "slices": ["region", "product", "age", "income"], **parameters})


def worst(report, metric="accuracy_score"):
    return next(m for m in report["measurements"] if m["metric"] == f"worst_slice_{metric}")


def test_the_planted_slice_is_found_and_its_parents_and_children_are_not_listed(tmp_path):
    frame = lenders()
    report = report_of(tmp_path, frame)
    found = worst(report)
    assert set(found["slice"]) == {"region", "age"}
    assert found["slice"]["region"] == "north"
    assert found["slice"]["age"].startswith("below ")
    edge = float(found["slice"]["age"].removeprefix("below "))
    inside = frame[(frame["region"] == "north") & (frame["age"] < edge)]
    assert found["n"] == len(inside)
    assert found["value"] == pytest.approx(peer.accuracy_score(inside["y"], inside["p"]), abs=1e-12)
    assert "the worst of " in found["note"]
    listed = next(s for s in report["series"] if s["name"] == "slices")["rows"]
    assert [row[-1] for row in listed].count(True) == 1
    assert not [row[1] for row in listed if row[1] in ("region = north", f"age = below {edge:g}")]
    assert worst(report, "recall_score")["slice"]["region"] == "north"
    assert worst(report, "false_positive_rate")["slice"]["region"] == "north"


def test_rates_of_single_slices_are_scikit_learns_with_weights(tmp_path):
    frame = lenders(1, 3000)
    report = report_of(tmp_path, frame, weight="w", slices=["region", "product"])
    for metric in ("accuracy_score", "recall_score"):
        found = worst(report, metric)
        kept = frame
        for column, group in found["slice"].items():
            kept = kept[kept[column] == group]
        expected = getattr(peer, metric)(kept["y"], kept["p"], sample_weight=kept["w"])
        assert found["value"] == pytest.approx(expected, abs=1e-12)


def test_log_loss_and_absolute_error_have_worst_slices_too(tmp_path):
    frame = lenders(2, 2000)
    frame["s"] = np.where(frame["p"] == 1, 0.8, 0.2)
    found = worst(report_of(tmp_path, frame, score="s"), "log_loss")
    assert found["slice"]["region"] == "north"
    assert found["method"] == "student-sidak"
    frame["y"] = frame["income"]
    frame["p"] = frame["income"] + np.where(frame["product"] == "car", 500.0, 1.0)
    report = report_of(tmp_path, frame, task="regression", slices=["region", "product"])
    assert worst(report, "mean_absolute_error")["slice"] == {"product": "car"}
    assert worst(report, "mean_absolute_error")["value"] == pytest.approx(500)


def test_classes_have_worst_slices(tmp_path):
    frame = lenders(3)
    classes = np.array(["bad", "good"])
    frame["y"], frame["p"] = classes[frame["y"]], classes[frame["p"]]
    found = worst(report_of(tmp_path, frame, task="multiclass", slices=["region", "age"]))
    assert found["slice"]["region"] == "north"


@contextmanager
def cut_of(frame, columns):
    with open_arrow(pa.Table.from_pandas(frame, preserve_index=False)) as engine:
        yield cut_by(engine, columns, most_levels=100)


def accuracy(cut, prediction="p"):
    return SliceMetric(name="accuracy_score", of=None, value=cut.source["y"] == cut.source[prediction])


def test_every_combination_is_counted_whatever_the_blocks(monkeypatch):
    frame = lenders(4, 800)
    frame["age"] = frame["age"] // 20
    columns = ["region", "product", "age"]
    expected = {}
    for depth in (1, 2, 3):
        for chosen in combinations(columns, depth):
            for key, rows in frame.groupby(list(chosen)):
                expected[chosen, tuple(map(str, key))] = (len(rows), float((rows["y"] == rows["p"]).mean()))
    for most in (1, 1 << 15):
        monkeypatch.setattr(lattice, "MOST_CELLS", most)
        found = {}
        with cut_of(frame, columns) as cut:
            for chosen, sums in lattice.combined_sums(cut, accuracy(cut).sums("a_")):
                for place in zip(*np.nonzero(sums["n"]), strict=True):
                    names = tuple(cut.axes[i].names[k] for i, k in zip(chosen, place, strict=True))
                    share = sums["a_total"][place] / sums["n"][place]
                    found[tuple(columns[i] for i in chosen), names] = (int(sums["n"][place]), pytest.approx(share))
        assert found == expected


@given(st.lists(st.integers(2, 40), min_size=3, max_size=9))
@settings(max_examples=50, deadline=None)
def test_blocks_hold_every_triple_and_stay_small(sizes):
    blocks = lattice._blocks(sizes)
    triples = set(combinations(range(len(sizes)), 3))
    assert triples <= {t for block in blocks for t in combinations(block, 3)}
    for block in blocks:
        cells = np.prod([sizes[i] for i in block])
        assert cells <= lattice.MOST_CELLS or len(block) == 3


def test_where_nothing_is_wrong_limits_of_all_slices_hold_together():
    """No slice is worse than any other: the interval must hold the common accuracy, however many were looked at."""
    draw = np.random.default_rng(3)
    frame = pd.DataFrame({c: draw.integers(0, 4, 2000).astype(str) for c in "abc"}).assign(y=1)
    models = {f"p{i}": (draw.random(2000) < 0.85).astype(int) for i in range(150)}
    with cut_of(pd.concat([frame, pd.DataFrame(models)], axis=1), ["a", "b", "c"]) as cut:
        found = find_worst(cut, [accuracy(cut, name) for name in models], confidences=[0.95], least_rows=20)
    assert all(worst.looked_at == 12 + 48 + 64 for worst in found)
    assert np.mean([worst.low <= 0.85 <= worst.high for worst in found]) >= 0.94
    assert min(worst.listed[0].value for worst in found) > 0.75


def test_the_same_rows_in_another_order_give_the_same_bytes(tmp_path):
    frame = lenders(6, 1500)
    one = report_of(tmp_path, frame, weight="w")
    two = report_of(tmp_path, frame.sample(frac=1, random_state=1), weight="w")
    assert one["measurements"] == two["measurements"]
    assert one["series"] == two["series"]


def test_missing_values_are_a_slice_and_names_stay_as_written(tmp_path):
    rows = ["y,p,post,size", *["1,1,00123,1", "0,0,00124,2"] * 60, *["1,0,NA,3", "0,1,,4"] * 60]
    path = tmp_path / "p.csv"
    path.write_text("\n".join(rows) + "\n")
    report = evaluate("performance", [path], {**NAMES, "slices": ["post", "size"]})
    shown = [row[1] for row in next(s for s in report["series"] if s["name"] == "slices")["rows"]]
    assert "post = NA" in shown
    assert "post = unknown" in shown


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"slices": ["nowhere"]}, "no column 'nowhere'"),
        ({"slices": ["y"]}, "both as label and among slices"),
        ({"slices": ["region"], "disclosure": 5}, "small groups are held back"),
        ({"slices": ["product"], "max_groups": 3}, "more than 3 different values"),
    ],
)
def test_slices_that_cannot_be_cut(tmp_path, parameters, words):
    with pytest.raises(InvalidInput, match=words):
        report_of(tmp_path, lenders(0, 300), **parameters)


def test_too_small_data_say_so(tmp_path):
    found = worst(report_of(tmp_path, lenders(0, 40)))
    assert found["value"] is None
    assert "no slice over region, product, age, income holds 50 rows" in found["note"]


@given(st.integers(0, 10_000), st.sampled_from([1, 2, 7, 300, 40_000]), st.booleans())
@settings(max_examples=12, deadline=None)
def test_quantiles_are_exact(seed, n, weighted):
    draw = np.random.default_rng(seed)
    values = draw.choice([np.exp(draw.normal(0, 5, n)), draw.integers(-3, 3, n) / 3])
    weight = draw.integers(1, 4, n)
    with open_arrow(pa.table({"v": values, "w": weight})) as engine:
        found = quantiles(engine, "v", [0.05, 0.5, 0.9], weight="w" if weighted else None)
    rows = np.repeat(values, weight) if weighted else values
    assert found == pytest.approx(np.quantile(rows, [0.05, 0.5, 0.9], method="averaged_inverted_cdf"), rel=1e-12)
