"""Answers of models become scores and decisions by one set of rules, and what is wrong is named with its row."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from audits.sandbox.errors import ModelFailed
from audits.scoring.answers import Answers, checked_outputs
from registry.errors import InvalidInput
from registry.execution import Interface

PAIR = np.array([[0.9, 0.1], [0.4, 0.6], [0.5, 0.5]])


def answers(known=(), **interface):
    return Answers("credit.skops", Interface(inputs=("x",), **interface), known)


def decisions(found):
    return found.column("prediction").to_pylist()


def test_the_score_is_the_positive_class_and_the_threshold_decides_at_and_above_it():
    last = answers(("no", "yes"), threshold=0.5).batch(PAIR, None, rows=3)
    assert last.column("score").to_pylist() == [0.1, 0.6, 0.5]
    assert decisions(last) == ["no", "yes", "yes"]
    first = answers(("no", "yes"), positive="no", threshold=0.5).batch(PAIR, None, rows=3)
    assert first.column("score").to_pylist() == [0.9, 0.4, 0.5]
    assert decisions(first) == ["no", "yes", "no"]


def test_without_a_threshold_the_models_own_decision_counts_even_against_its_scores():
    assert decisions(answers(("no", "yes")).batch(PAIR, ["yes", "no", "no"], rows=3)) == ["yes", "no", "no"]
    assert decisions(answers(("no", "yes")).batch(PAIR, None, rows=3)) == ["no", "yes", "no"]


def test_a_model_that_only_decides_scores_one_for_what_it_chose():
    found = answers(("a", "b")).batch(None, ["b", "a"], rows=2)
    assert found.column("score").to_pylist() == [1.0, 0.0]
    with pytest.raises(ModelFailed, match="neither scores nor decisions"):
        answers(("a", "b")).batch(None, None, rows=2)


def test_the_interface_may_name_the_classes_but_not_in_another_order():
    named = answers(("0", "1"), classes=("refused", "granted"), positive="granted")
    assert decisions(named.batch(PAIR, ["1", "0", "0"], rows=3)) == ["granted", "refused", "refused"]
    with pytest.raises(InvalidInput, match="in another"):
        answers(("0", "1"), classes=("1", "0"))
    with pytest.raises(InvalidInput, match="'a', 'b', 'c'"):
        answers(("0", "1"), classes=("a", "b", "c"))
    with pytest.raises(InvalidInput, match="positive class 'good' is not among the classes '0', '1'"):
        answers(positive="good")
    with pytest.raises(InvalidInput, match="task is binary, and the model has 3"):
        answers(("a", "b", "c"))
    with pytest.raises(InvalidInput, match="name them under"):
        answers(task="multiclass")


def test_one_number_alone_is_of_the_positive_class_unless_the_model_says_otherwise():
    single = np.array([[0.2], [0.7]])
    found = answers(classes=("granted", "refused"), positive="granted", threshold=0.5).batch(single, None, rows=2)
    assert found.column("score").to_pylist() == [0.2, 0.7]
    assert decisions(found) == ["refused", "granted"]
    with pytest.raises(InvalidInput, match="one output is of the class 'yes'"):
        answers(("no", "yes"), positive="no", threshold=0.0).batch(single, None, rows=2)
    with pytest.raises(InvalidInput, match=r"say execution\.threshold"):
        answers().batch(single, None, rows=2)


@pytest.mark.parametrize(
    ("values", "own", "said"),
    [
        (PAIR[:2], None, "answered with 2 rows to 3"),
        (np.ones((3, 4)), None, "4 numbers for each row; 1 or 2 was expected"),
        (np.array([[0, 1], [0, np.nan], [np.inf, 0]]), None, r"answered \[0.0, nan\] in row 1,001"),
        (PAIR, ["no", "yes"], "2 decisions to 3 rows"),
        (PAIR, ["no", "yes", "perhaps"], "decided 'perhaps' in row 1,002, which is none of the classes 'no', 'yes'"),
    ],
)
def test_what_is_wrong_is_named_with_its_first_row(values, own, said):
    with pytest.raises(ModelFailed, match=said) as failure:
        answers(("no", "yes")).batch(values, own, rows=3, first=1000)
    assert str(failure.value).startswith("credit.skops: the model ")


def test_all_outputs_of_a_step_are_texts_and_finite_numbers():
    def batch(column):
        return pa.RecordBatch.from_pydict({"said": column})

    assert checked_outputs("ocr", batch(["a", "b"]), 2).num_rows == 2
    for column, said in (
        (["a", None], "with nothing"),
        ([1.0, float("nan")], "not finite"),
        ([1, 2], "or as int64"),
        (["a"], "1 rows to 2"),
    ):
        with pytest.raises(ModelFailed, match=said):
            checked_outputs("ocr", batch(column), 2)
