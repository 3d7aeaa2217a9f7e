"""Anonymity: the published examples, a plain computation over the rows as oracle, and what cannot be asked."""

from __future__ import annotations

import csv
import math
from collections import Counter, defaultdict
from itertools import combinations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import entropy, wasserstein_distance

from audits.engines.duckdb_engine import open_arrow
from audits.evaluate import evaluate
from audits.evaluate_cli import main
from audits.measures.anonymity.classes import diversify_classes, size_classes
from audits.measures.anonymity.diversity import read_scale
from audits.measures.anonymity.identifying import find_identifying
from audits.measures.anonymity.keys import make_keys
from registry.canonical import canonical_json
from registry.errors import InvalidInput

HEART, VIRAL, CANCER = "heart disease", "viral infection", "cancer"

# Machanavajjhala, Kifer, Gehrke and Venkitasubramaniam (2007), "l-diversity", ACM TKDD 1(1), figures 2 and 3.
FOUR_ANONYMOUS = [
    *(("130**", "<30", condition) for condition in (HEART, HEART, VIRAL, VIRAL)),
    *(("1485*", ">=40", condition) for condition in (CANCER, HEART, VIRAL, VIRAL)),
    *(("130**", "3*", condition) for condition in (CANCER, CANCER, CANCER, CANCER)),
]
THREE_DIVERSE = [
    *(("1305*", "<=40", condition) for condition in (HEART, VIRAL, CANCER, CANCER)),
    *(("1485*", ">40", condition) for condition in (CANCER, HEART, VIRAL, VIRAL)),
    *(("1306*", "<=40", condition) for condition in (HEART, VIRAL, CANCER, CANCER)),
]

# Li, Li and Venkatasubramanian (2007), "t-closeness", ICDE, tables 4 and 5: zip code, age, salary in thousands.
SALARIES_OF_TABLE_4 = [
    *(("476**", "2*", salary) for salary in (3, 4, 5)),
    *(("4790*", ">=40", salary) for salary in (6, 11, 8)),
    *(("476**", "3*", salary) for salary in (7, 9, 10)),
]
SALARIES_OF_TABLE_5 = [
    *(("4767*", "<=40", salary) for salary in (3, 5, 9)),
    *(("4790*", ">=40", salary) for salary in (6, 11, 8)),
    *(("4760*", "<=40", salary) for salary in (4, 7, 10)),
]


def written(tmp_path, rows, header=("zip", "age", "told")):
    path = tmp_path / "records.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([header, *rows])
    return path


def measured(path, **parameters):
    report = evaluate("anonymity", [path], {"quasi": ["zip", "age"], "sensitive": ["told"], **parameters})
    return {m["metric"]: m["value"] for m in report["measurements"] if not m["slice"]}, report


def test_the_hospital_table_is_4_anonymous_and_tells_one_class_everything(tmp_path):
    values, _ = measured(written(tmp_path, FOUR_ANONYMOUS))
    assert values["k_anonymity"] == 4
    assert values["l_diversity_distinct"] == 1
    assert values["l_diversity_entropy"] == 1
    assert values["sample_uniqueness"] == 0
    assert values["average_reidentification_risk"] == 3 / 12


def test_the_other_hospital_table_is_3_diverse(tmp_path):
    values, _ = measured(written(tmp_path, THREE_DIVERSE))
    assert values["k_anonymity"] == 4
    assert values["l_diversity_distinct"] == 3
    assert values["l_diversity_entropy"] == pytest.approx(2 * math.sqrt(2))  # exp(H(1/4, 1/4, 1/2))


@pytest.mark.parametrize(("rows", "t"), [(SALARIES_OF_TABLE_4, 0.375), (SALARIES_OF_TABLE_5, 1 / 6)])
def test_the_salary_tables_are_as_close_as_published(tmp_path, rows, t):
    values, report = measured(written(tmp_path, rows))
    assert values["k_anonymity"] == 3
    assert values["t_closeness"] == pytest.approx(t, abs=1e-12)
    (note,) = [m["note"] for m in report["measurements"] if m["metric"] == "t_closeness" and m["slice"]]
    assert note.startswith("ordered distance")


def test_salaries_that_are_codes_have_the_equal_distance(tmp_path):
    values, report = measured(written(tmp_path, SALARIES_OF_TABLE_4), categorical=["told"])
    assert values["t_closeness"] == pytest.approx(1 - 3 / 9)
    assert "equal distance" in str(report["measurements"])


def expected(rows, ordered):
    """k, distinct and entropy l, t: over the rows, as the definitions say."""
    classes = defaultdict(list)
    for *quasi, told in rows:
        classes[tuple(quasi)].append(told)
    overall = Counter(told for *_, told in rows)
    place = {value: rank for rank, value in enumerate(sorted(v for v in overall if v is not None))}

    def distance(members):
        if ordered:
            inside, outside = ([place[v] for v in many if v is not None] for many in (members, overall.elements()))
            return wasserstein_distance(inside, outside) / max(len(place) - 1, 1) if inside else 0.0
        return sum(abs(members.count(v) / len(members) - overall[v] / len(rows)) for v in overall) / 2

    return (
        min(map(len, classes.values())),
        min(len(set(members)) for members in classes.values()),
        min(entropy(list(Counter(members).values())) for members in classes.values()),
        max(map(distance, classes.values())),
    )


values = st.sampled_from(["a", "b", "c", None])
numbers = st.sampled_from([1, 2, 5, 9, None])


def engine_of(rows, told):
    first, second, last = zip(*rows, strict=True)
    return open_arrow(
        pa.table({"q": pa.array(first, pa.string()), "r": pa.array(second, pa.int64()), "told": pa.array(last, told)})
    )


@settings(max_examples=25, deadline=None)
@given(
    rows=st.lists(st.tuples(values, numbers, st.sampled_from([1, 2, 3, 7, None])), min_size=1, max_size=30),
    ordered=st.booleans(),
    packed=st.booleans(),
)
def test_every_table_measures_as_the_definitions_say(rows, ordered, packed):
    with engine_of(rows, pa.int64()) as engine:
        if not packed:
            engine.name = "another engine"
        keys = make_keys(engine, ["q", "r"])
        assert bool(keys.digits) == packed
        sizes, found = diversify_classes(engine, keys, "told", [] if ordered else ["told"])
        assert sizes == size_classes(engine, keys)
    k, distinct, least, t = expected(rows, ordered)
    assert (sizes.k, found.distinct, sizes.rows) == (k, distinct, len(rows))
    assert found.entropy == pytest.approx(least, abs=1e-12)
    assert (found.distance or 0.0) == pytest.approx(t, abs=1e-12)


def unique_rows(rows, columns):
    counts = Counter(tuple(row[place] for place in columns) for row in rows)
    return sum(n == 1 for n in counts.values()), min(counts.values()), len(counts)


@pytest.mark.parametrize("packed", [True, False])
def test_identifying_columns_are_those_of_a_search_over_the_rows(packed):
    rows = [(i % 4, i % 5, i * i % 7, i % 2) for i in range(40)]
    names = ["a", "b", "c", "d"]
    table = pa.table({name: [row[place] for row in rows] for place, name in enumerate(names)})
    with open_arrow(table) as engine:
        if not packed:
            engine.name = "another engine"
        keys = make_keys(engine, names)
        found = find_identifying(engine, keys, size_classes(engine, keys), share=0.0, step=lambda note: None)

    def seen(hiding):
        return hiding.unique, hiding.k, hiding.classes

    for place, name in enumerate(names):
        assert seen(found.alone[name]) == unique_rows(rows, [place])
        assert seen(found.without[name]) == unique_rows(rows, [other for other in range(4) if other != place])
    singling = {
        size: {
            tuple(names[p] for p in few): unique_rows(rows, few)
            for few in combinations(range(4), size)
            if unique_rows(rows, few)[0] > 0
        }
        for size in (1, 2, 3)
    }
    smallest = next(sets for sets in singling.values() if sets)
    assert {columns: seen(hiding) for columns, hiding in found.smallest} == smallest
    reached = [unique for _, unique in found.greedy]
    assert reached == sorted(reached)
    assert reached[-1] == unique_rows(rows, range(4))[0]
    best = max(unique_rows(rows, [place])[::2] for place in range(4))
    assert unique_rows(rows, [names.index(found.greedy[0][0])])[::2] == best


def test_a_column_of_names_singles_everybody_out(tmp_path):
    rows = [(f"person {i}", "<30", HEART) for i in range(20)]
    values, report = measured(written(tmp_path, rows))
    series = {item["name"]: item for item in report["series"]}
    assert values["sample_uniqueness"] == values["average_reidentification_risk"] == 1
    assert series["identifying_columns"]["rows"][0] == ["zip", 20, 1.0, 1.0, 20, 1, 1.0]
    assert series["identifying_sets"]["rows"] == [[["zip"], 1.0, 1, 20]]
    assert series["class_sizes"]["rows"] == [[1, 1, 20, 20, 1.0]]
    assert any("population" in warning for warning in report["warnings"])


def test_a_missing_value_is_a_value_of_its_own(tmp_path):
    rows = [("", "<30", HEART), ("", "<30", VIRAL), ("130", "<30", HEART), ("130", "<30", "")]
    values, _ = measured(written(tmp_path, rows))
    assert values["k_anonymity"] == 2
    assert values["l_diversity_distinct"] == 2


def test_more_values_than_ranks_are_put_with_their_neighbours():
    with open_arrow(pa.table({"q": ["x"] * 50 + ["y"] * 50, "told": [float(i) for i in range(100)]})) as engine:
        scale = read_scale(engine, "told", most=10)
        assert scale.starts == tuple(float(i) for i in range(0, 100, 10))
        assert scale.counts == (10,) * 10
        assert scale.values == 100


def test_the_order_of_rows_and_columns_changes_nothing(tmp_path):
    one, report = measured(written(tmp_path, THREE_DIVERSE))
    again = measured(written(tmp_path, THREE_DIVERSE))[1]
    assert canonical_json(again) == canonical_json(report)
    turned, _ = measured(written(tmp_path, THREE_DIVERSE[::-1]), quasi=["age", "zip"])
    assert turned == one


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"quasi": []}, "at least one quasi-identifier"),
        ({"quasi": ["zip", "zip"]}, "twice"),
        ({"quasi": ["zip", "shoe"]}, "no column 'shoe'"),
        ({"quasi": [f"q{i}" for i in range(21)]}, "at most 20"),
        ({"quasi": "zip"}, "list"),
        ({"sensitive": ["zip"]}, "at once"),
        ({"sensitive": ["income"]}, "no column 'income'"),
        ({"sensitive": [], "categorical": ["told"]}, "not sensitive"),
        ({"single_out": 7}, "single_out"),
        ({"identify": "yes"}, "identify"),
        ({"k": 5}, "no parameter 'k'"),
    ],
)
def test_what_cannot_be_asked_is_refused(tmp_path, changes, message):
    with pytest.raises(InvalidInput, match=message):
        measured(written(tmp_path, THREE_DIVERSE), **changes)


def test_a_table_without_rows_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match="no rows"):
        measured(written(tmp_path, []))


def test_the_command_line_measures_and_says_what_is_wrong(tmp_path, capsys):
    path = str(written(tmp_path, THREE_DIVERSE))
    assert main(["anonymity", path, "--quasi", "zip,age", "--sensitive", "told"]) == 0
    assert "l_diversity_distinct" in capsys.readouterr().out
    assert main(["anonymity", path, "--quasi", "zip,shoe"]) == 2
    assert "there is no column 'shoe'" in capsys.readouterr().err
