"""Challenger against champion: paired on the same rows, honestly unpaired otherwise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import log_loss, roc_auc_score

from audits.comparison import compare
from audits.intervals import critical_value
from audits.paired import mcnemar, tango_difference
from registry.errors import InvalidInput
from tests.audits.prediction_cases import find, lender

Z95 = critical_value(0.95)


@pytest.mark.parametrize(
    ("first_only", "second_only", "n", "low", "high"),
    [
        (6, 16, 161, -0.1240, -0.0054),  # Cavo 2012, in Fagerland, Lydersen and Laake 2017, chapter 8
        (1, 7, 21, -0.517, -0.026),  # Bentur 2009, ibid.
    ],
)
def test_tango_gives_the_published_limits(first_only, second_only, n, low, high):
    found = tango_difference(first_only, second_only, n, Z95)
    assert found == (pytest.approx(low, abs=5e-4), pytest.approx(high, abs=5e-4))


@given(st.integers(0, 60), st.integers(0, 60), st.integers(1, 200))
def test_tango_is_antisymmetric_and_holds_the_difference(b, c, agreeing):
    n = b + c + agreeing
    low, high = tango_difference(b, c, n, Z95)
    assert tango_difference(c, b, n, Z95) == pytest.approx((-high, -low))
    assert -1 <= low <= (b - c) / n <= high <= 1
    assert low < high


@given(st.integers(0, 40), st.integers(0, 40))
def test_mcnemar_is_the_binomial_or_chi_squared_test(b, c):
    p, method = mcnemar(b, c)
    if b + c < 25:
        assert method == "mcnemar-exact"
        expected = stats.binomtest(b, b + c).pvalue if b + c else 1.0
    else:
        assert method == "mcnemar"
        expected = stats.chi2.sf((b - c) ** 2 / (b + c), 1)
    assert p == pytest.approx(expected, abs=1e-12)


def models(seed=0, n=400):
    """Two models' predictions of the same rows."""
    champion = lender(seed, n)
    draw = np.random.default_rng(seed + 1)
    score = np.clip(champion.score + draw.normal(0, 0.1, n) + 0.05 * champion.label, 0, 1)
    return replace(champion, score=score, prediction=(score > 0.5).astype(np.int8)), champion


def test_values_are_differences_of_scikit_learns():
    challenger, champion = models()
    found, warnings = compare(challenger, champion, confidences=[0.95])
    assert warnings == []
    area = find(found, "roc_auc_score")
    assert area.value == pytest.approx(
        roc_auc_score(champion.label, challenger.score) - roc_auc_score(champion.label, champion.score), abs=1e-12
    )
    assert area.method == "paired-delong"
    loss = find(found, "log_loss")
    expected = log_loss(champion.label, challenger.score) - log_loss(champion.label, champion.score)
    assert loss.value == pytest.approx(expected, abs=1e-12)
    accuracy = find(found, "accuracy_score")
    right = [(m.prediction == m.label) for m in (challenger, champion)]
    assert accuracy.value == pytest.approx(right[0].mean() - right[1].mean(), abs=1e-12)
    assert (accuracy.method, accuracy.n) == ("tango", 400)
    assert f"challenger {right[0].mean():.4f}, champion {right[1].mean():.4f}; discordant" in accuracy.note
    recall = find(found, "recall_score")
    assert recall.n == champion.label.sum()
    for m in found:
        assert m.low <= m.value <= m.high


def test_pairing_narrows_the_interval():
    challenger, champion = models(n=1000)
    order = np.random.default_rng(3).permutation(1000)
    shuffled = replace(
        champion,
        label=champion.label[order],
        prediction=champion.prediction[order],
        score=champion.score[order],
        sensitive={},
    )
    paired, _ = compare(challenger, champion, confidences=[0.95])
    unpaired, warnings = compare(replace(challenger, sensitive={}), shuffled, confidences=[0.95])
    assert "labels differ, first in row" in warnings[0]
    for metric in ("roc_auc_score", "log_loss", "accuracy_score"):
        one, two = find(paired, metric), find(unpaired, metric)
        assert one.value == pytest.approx(two.value, abs=1e-12)
        assert two.high - two.low > one.high - one.low
        assert "paired" not in two.method


def test_other_rows_are_said_to_be_other_rows():
    challenger, champion = models()
    found, warnings = compare(challenger, lender(9, 300), confidences=[0.95])
    assert "they have 400 and 300 rows" in warnings[0]
    assert find(found, "accuracy_score").method == "newcombe"
    codes, names = champion.sensitive["race"]
    moved = replace(champion, sensitive={"race": (np.roll(codes, 1), names), "sex": champion.sensitive["sex"]})
    assert "groups in column 'race' differ" in compare(challenger, moved, confidences=[0.95])[1][0]


def test_scores_on_one_side_only_are_not_compared():
    challenger, champion = models()
    found, warnings = compare(challenger, replace(champion, score=None), confidences=[0.95])
    assert "only one of the two has scores" in warnings[0]
    assert {m.metric for m in found} == {"accuracy_score", "recall_score", "false_positive_rate", "selection_rate"}


def test_few_rows_get_a_paired_bootstrap_with_a_seed():
    challenger, champion = models(n=120)
    one, again, other = (
        find(compare(challenger, champion, confidences=[0.95], seed=s)[0], "log_loss") for s in (1, 1, 2)
    )
    assert one.method == "paired-bootstrap"
    assert one == again != other


def test_weights_are_refused():
    challenger, champion = models()
    with pytest.raises(InvalidInput, match="sample weights"):
        compare(replace(challenger, weight=np.ones(400)), champion, confidences=[0.95])
