"""``countersign policy check`` and ``simulate``: what they print, and their exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from governance.policy_cli import main
from governance.rules.evaluator import evaluate
from tests.governance.rules_factory import auc, auc_rule, evaluation, facts, impact, impact_rule, policy

ROOT = Path(__file__).parents[2]
EXAMPLE = str(ROOT / "docs/examples/consumer-credit.yaml")


@pytest.fixture
def files(tmp_path):
    def write(policy_bytes, known):
        policy_path, facts_path = tmp_path / "policy.yaml", tmp_path / "facts.json"
        policy_path.write_bytes(policy_bytes)
        facts_path.write_text(known if isinstance(known, str) else json.dumps(known))
        return [str(policy_path), str(facts_path)]

    return write


def test_check_prints_a_valid_policy_as_sentences(capsys):
    assert main(["check", EXAMPLE]) == 0
    out = capsys.readouterr().out
    assert out.startswith("consumer-credit version 1: valid\nsha256:")
    assert "Governs high risk on the way to production." in out
    assert "Evidence must be at least recomputed, and at most 90 days old." in out
    assert "One validator must sign" in out


def test_check_names_everything_that_is_wrong(files, capsys):
    path, _ = files(policy(auc_rule(at_lest=1), impact_rule(over=[])), "{}")
    assert main(["check", path]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "rules[0].at_lest is not known" in captured.err
    assert "rules[1].over must have at least 1 items" in captured.err


REVIEW = policy(auc_rule(on_inconclusive="review"))


@pytest.mark.parametrize(
    ("content", "known", "said"),
    [
        (policy(auc_rule()), facts(auc()), ("clear", 0)),
        (REVIEW, facts(auc(0.76, 0.7, 0.8)), ("review", 0)),
        (policy(auc_rule()), facts(auc(0.7, 0.6, 0.74)), ("blocked", 1)),
        (policy(auc_rule()), facts(), ("blocked", 1)),
        (
            policy(auc_rule()),
            facts(evaluations={"performance": evaluation("performance", status="queued", sha256=None)}),
            ("pending", 1),
        ),
    ],
)
def test_simulate_says_the_outcome_by_its_exit_code(files, capsys, content, known, said):
    outcome, code = said
    assert main(["simulate", *files(content, known)]) == code
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith(f"mortgage-approval 2026.11.2 → production: {outcome}")


def test_the_facts_in_the_guide_are_facts(files, capsys):
    example = (ROOT / "docs/policy.md").read_text().split("```json")[1].split("```")[0]
    digest = "a" * 64
    known = example.replace("…64 digits…", digest).replace("…the evaluation's sha256…", digest)
    assert main(["simulate", *files(policy(auc_rule()), known)]) == 0
    assert "0.850 (95 % interval 0.830–0.870, n 1,989)" in capsys.readouterr().out


def test_simulate_explains_each_rule(files, capsys):
    known = facts(auc(), impact(0.71, 0.64, 0.79))
    assert main(["simulate", *files(policy(auc_rule(), impact_rule()), known)]) == 1
    out = capsys.readouterr().out
    assert "✓ pass         rule-1" in out
    assert "✕ fail         rule-2" in out
    assert "    The impact ratio by race is 0.710" in out
    assert "    fix: Find in the evidence" in out


def test_simulate_prints_the_very_verdict_as_json(files, capsysbinary):
    content, known = policy(auc_rule()), facts(auc())
    assert main(["simulate", *files(content, known), "--json"]) == 0
    assert capsysbinary.readouterr().out == evaluate(content, known) + b"\n"


@pytest.mark.parametrize(
    ("known", "says"),
    [
        ("{", "not valid JSON"),
        ("[]", "must hold an object"),
        ('{"as_of": NaN}', "not JSON"),
        ('{"as_of": 1, "as_of": 2}', "duplicate key"),
        ("{}", "as_of is missing"),
    ],
)
def test_facts_that_cannot_be_read_are_bad_input(files, capsys, known, says):
    assert main(["simulate", *files(policy(auc_rule()), known)]) == 2
    assert says in capsys.readouterr().err


def test_a_file_that_is_not_there_is_bad_input(tmp_path, capsys):
    assert main(["check", str(tmp_path / "none.yaml")]) == 2
    assert "cannot be read: No such file" in capsys.readouterr().err
    assert main(["check", str(tmp_path)]) == 2


@pytest.mark.parametrize("words", [[], ["bless"], ["check"], ["simulate", EXAMPLE]])
def test_wrong_usage_is_bad_input(words, capsys):
    assert main(words) == 2
    assert "usage: countersign policy" in capsys.readouterr().err


def test_help_is_no_error(capsys):
    assert main(["--help"]) == 0
    assert "simulate" in capsys.readouterr().out


def test_it_loads_neither_django_nor_a_heavy_library():
    heavy = ["django", "pandas", "numpy", "sklearn", "fairlearn", "scipy", "matplotlib", "weasyprint"]
    code = (
        "import sys; from governance.policy_cli import main; code = main(['check', sys.argv[1]]); "
        f"print('LOADED', [name for name in {heavy} if name in sys.modules]); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code, EXAMPLE], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "LOADED []"
