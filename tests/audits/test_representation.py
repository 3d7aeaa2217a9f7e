"""Representation against a population: shares, ratios, absent groups, groups that the population does not name."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from audits.evaluate import evaluate
from audits.evaluate_cli import main
from audits.measures.representation import represent, representation_measurements
from audits.tensor import count
from registry.errors import InvalidInput
from tests.audits.prediction_cases import COLUMNS, csv_text, find, lender, write


def test_shares_and_ratios_by_hand():
    found = represent({"a": 30, "b": 70}, {"a": 0.5, "b": 0.5}, 0.95)
    assert found.share.tolist() == [0.3, 0.7]
    assert found.ratio.tolist() == [0.6, 1.4]


def test_the_test_is_scipys_chi_square():
    rows, population = {"a": 45, "b": 30, "c": 25}, {"a": 0.4, "b": 0.4, "c": 0.2}
    expected = stats.chisquare([45, 30, 25], [40, 40, 20]).pvalue
    assert represent(rows, population, 0.95).p_value == pytest.approx(expected, abs=1e-12)


def test_goodmans_limits_hold_for_all_groups_together():
    draw = np.random.default_rng(2)
    truth = {"a": 0.6, "b": 0.3, "c": 0.1}
    held = 0
    for counts in draw.multinomial(300, list(truth.values()), 400):
        found = represent(dict(zip(truth, counts.tolist(), strict=True)), truth, 0.95)
        held += bool(((found.low <= found.population) & (found.population <= found.high)).all())
    assert held >= 0.94 * 400


def test_a_group_without_rows_is_shown_with_share_zero():
    tensor = count(lender(seed=1)).margin(["race"])
    population = {"asian": 0.2, "black": 0.2, "white": 0.5, "native": 0.1}
    measured = representation_measurements(tensor, "race", population, [0.95])
    ratio = find(measured, "representation_ratio", race="native")
    assert (ratio.value, ratio.low) == (0, 0)
    assert 0 < ratio.high < 0.5
    assert find(measured, "count", race="native").value == 0
    shares = [m.value for m in measured if m.metric == "representation_share"]
    assert sum(shares) == pytest.approx(1)


def test_a_group_that_the_population_does_not_name_has_no_ratio():
    tensor = count(lender(seed=1)).margin(["race"])
    measured = representation_measurements(tensor, "race", {"asian": 0.4, "black": 0.6}, [0.95])
    ratio = find(measured, "representation_ratio", race="white")
    assert ratio.value is None
    assert "gives no share of this group" in ratio.note


def test_weights_count():
    predictions = lender(seed=9, weighted=True)
    measured = representation_measurements(
        count(predictions).margin(["race"]), "race", {"asian": 0.5, "black": 0.5}, [0.95]
    )
    codes = predictions.sensitive["race"][0]
    expected = predictions.weight[codes == 0].sum() / predictions.weight.sum()
    assert find(measured, "representation_share", race="asian").value == pytest.approx(expected, abs=1e-12)


def test_the_command_takes_a_population(tmp_path, capsys):
    path = str(write(tmp_path, csv_text()))
    options = ["--label", "repaid", "--prediction", "approved", "--sensitive", "race"]
    assert main(["fairness", path, *options, "--population", "race:black=0.5,white=0.5"]) == 0
    assert "representation_ratio" in capsys.readouterr().out
    assert main(["fairness", path, *options, "--population", "race"]) == 2
    assert "is not like race:black=0.13" in capsys.readouterr().err
    assert main(["fairness", path, *options, "--population", "race:black=0.5,white=0.2"]) == 2
    assert "must add up to 1" in capsys.readouterr().err


def test_a_population_of_a_column_that_is_not_compared_is_said(tmp_path):
    path = write(tmp_path, csv_text())
    report = evaluate(
        "fairness", [path], {**COLUMNS, "sensitive": ["race"], "population": {"sex": {"f": 0.5, "m": 0.5}}}
    )
    assert any("population of 'sex'" in warning for warning in report["warnings"])
    with pytest.raises(InvalidInput):
        evaluate("fairness", [path], {**COLUMNS, "sensitive": ["race"], "population": {"race": {"black": 2}}})
