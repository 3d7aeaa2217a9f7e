"""Bad data never pass: each of a table of malformed inputs is refused in one clear sentence, with exit code 2."""

from __future__ import annotations

import pytest

from audits.evaluate_cli import main
from tests.audits.bad_data_cases import CASES, LINES, NAMES, lenders, second, text


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_it_is_refused_and_the_place_is_named(case, tmp_path, capsys):
    path = str(case.make(tmp_path))
    argv = [word.replace("{}", path) for word in case.command.split()]
    assert main(argv) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Traceback" not in printed.err
    said = printed.err.strip().splitlines()[-1]
    assert said.startswith("countersign evaluate")
    for word in case.words:
        assert word in said


def test_predictions_of_other_rows_are_not_compared_and_it_is_said_what_to_do(tmp_path, capsys):
    champion = second(lenders(), text(*LINES[:4]))(tmp_path)
    assert main(["comparison", str(champion), f"{champion}.other", *NAMES.split()]) == 2
    said = capsys.readouterr().err
    assert "they have 5 and 4 rows" in said
    assert "Submit predictions of the same rows" in said


def test_there_are_enough_of_them():
    assert len(CASES) >= 40
    assert len({case.name for case in CASES}) == len(CASES)
