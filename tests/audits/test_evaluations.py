"""Evaluations of real versions: planned once, measured by a worker, and in ``error``, never a pass, for what cannot be measured."""

import pytest

from audits.models import Evaluation, JobStatus
from audits.services import evaluations as services
from audits.services.evaluations import evaluate_version, repeat_evaluation
from governance.services.gate import decide
from registry.artifact_store import read_bytes, storage_name
from registry.canonical import canonical_json, parse_json, sha256_hex
from registry.errors import Conflict, InvalidInput
from tests.scenario import ledger_actions, predictions_csv, run_tasks

pytestmark = pytest.mark.django_db

GOOD = predictions_csv(n=400).decode().splitlines()
HEADER, ROWS = GOOD[0], GOOD[1:]


def csv(rows, header=HEADER, encoding="utf-8") -> bytes:
    return ("\n".join([header, *rows]) + "\n").encode(encoding)


def with_cell(row: int, column: int, text: str) -> list[str]:
    """The good rows with one cell changed; ``row`` counts from 1."""
    cells = ROWS[row - 1].split(",")
    cells[column] = text
    return [*ROWS[: row - 1], ",".join(cells), *ROWS[row:]]


def each(change) -> list[str]:
    return [",".join(change(*line.split(","))) for line in ROWS]


BAD = {
    "missing label column": (csv(ROWS, "approved,predicted,score,race"), "approve", None),
    "missing group column": (csv(ROWS, "approve,predicted,score,colour"), "race", None),
    "missing score column": (csv(ROWS, "approve,predicted,points,race"), "score", None),
    "label is NaN": (csv(with_cell(7, 0, "NaN")), "approve", 7),
    "label is empty": (csv(with_cell(7, 0, "")), "approve", 7),
    "prediction is text": (csv(with_cell(9, 1, "maybe")), "predicted", 9),
    "one class only": (csv(each(lambda y, p, s, r: ("1", p, s, r))), "approve", None),
    "score above 1": (csv(with_cell(11, 2, "1.5")), "score", 11),
    "score below 0": (csv(with_cell(11, 2, "-0.1")), "score", 11),
    "score is infinite": (csv(with_cell(11, 2, "inf")), "score", 11),
    "score is text": (csv(with_cell(11, 2, "high")), "score", 11),
    "a row too short": (csv([*ROWS[:20], "1,1", *ROWS[20:]]), None, 21),
    "a row too long": (csv([*ROWS[:20], "1,1,0.5,a,b,c", *ROWS[20:]]), None, 21),
    "10,000 groups": (
        csv([f"{i % 2},{i // 2 % 2},0.5,person-{i}" for i in range(10_000)]),
        "race",
        None,
    ),
    "a header alone": (csv([]), None, None),
    "nothing but a line": (b"\n", None, None),
    "noise": (bytes(range(256)) * 40, None, None),
    "Parquet's first bytes": (b"PAR1" + bytes(200) + b"PAR1", None, None),
    "another encoding": (csv(with_cell(3, 3, "année"), encoding="utf-16"), None, None),
    "Latin-1": (csv(with_cell(3, 3, "année"), encoding="latin-1"), None, 3),
    "NUL in a group": (csv(with_cell(3, 3, "a\x00b")), None, None),
    "the same column twice": (csv(ROWS, "approve,approve,score,race"), "approve", None),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_measured_is_an_error_with_its_place_and_the_gate_stays_shut(world, case):
    data, column, row = BAD[case]
    version = world.submit("1", predictions=data)
    failed = list(version.evaluations.filter(status=JobStatus.ERROR))
    assert failed, f"{case} was measured"
    for evaluation in failed:
        assert evaluation.error["file"] == "predictions.csv", evaluation.error
        assert evaluation.error["message"]
        assert evaluation.report_id is None
        assert not evaluation.measurements.exists()
        assert ledger_actions(object_id=str(evaluation.pk))[-1] == "evaluation.failed"
    assert column in {None, *(evaluation.error["column"] for evaluation in failed)}
    assert row in {None, *(evaluation.error["row"] for evaluation in failed)}

    decision = decide(actor=world.ada, version=version, environment="production")
    assert decision.result == "deny"
    statuses = {rule["check"]: rule["status"] for rule in decision.answer["rules"]}
    for evaluation in failed:
        assert statuses[evaluation.kind] == "error"
    assert not version.reviews.exists()


def test_an_empty_group_value_is_a_group_of_its_own_or_an_error_but_never_dropped(world):
    blank = [line if index % 3 else line[: line.rindex(",") + 1] for index, line in enumerate(ROWS)]
    version = world.submit("1", predictions=csv(blank))
    fairness = version.evaluations.get(kind="fairness")
    if fairness.status == JobStatus.ERROR:
        assert fairness.error["column"] == "race"
        return
    counted = fairness.measurements.filter(metric="count").exclude(slice={})
    assert sum(row.value for row in counted) == len(ROWS)
    assert len(counted) == 3


def test_a_version_without_predictions_is_an_error_and_denied(world):
    from governance.services.submissions import submit_version
    from tests.scenario import manifest_yaml

    manifest = manifest_yaml("1").replace(b", {role: test-predictions, path: predictions.csv}", b"")
    version, _ = submit_version(actor=world.ada, manifest=manifest, files={"model.skops": world.upload(b"model")})
    run_tasks()
    assert set(version.evaluations.values_list("status", flat=True)) == {"error"}
    assert "test-predictions" in version.evaluations.first().error["message"]
    assert decide(actor=world.ada, version=version, environment="production").result == "deny"


def test_bytes_changed_in_the_store_are_not_measured(world, settings):
    version = world.submit("1", measured=False)
    sha256 = version.files.get(role="test-predictions").artifact_id
    path = settings.DATA_DIR / "artifacts" / storage_name(sha256)
    path.chmod(0o600)
    path.write_bytes(predictions_csv(seed=2))
    run_tasks()
    assert set(version.evaluations.values_list("status", flat=True)) == {"error"}
    assert "changed" in version.evaluations.first().error["message"]
    assert decide(actor=world.ada, version=version, environment="production").result == "deny"


def test_an_engine_that_crashes_is_an_error_without_its_inner_words(world, monkeypatch):
    monkeypatch.setattr(services, "_measure", lambda evaluation, progress: {}["secret-path"])
    version = world.submit("1")
    error = version.evaluations.first().error
    assert "KeyError" in error["message"]
    assert "secret-path" not in error["message"]
    assert decide(actor=world.ada, version=version, environment="production").result == "deny"


def test_results_that_cannot_be_kept_are_an_error(world, monkeypatch):
    def refuse(data):
        raise OSError("disk full")

    monkeypatch.setattr(services, "keep_bytes", refuse)
    version = world.submit("1")
    assert set(version.evaluations.values_list("status", "report")) == {("error", None)}


def test_what_was_measured_is_the_stored_report(world):
    version = world.submit("1")
    assert set(version.evaluations.values_list("kind", "status", "trust")) == {
        ("performance", "succeeded", "claimed"),
        ("fairness", "succeeded", "claimed"),
    }
    for evaluation in version.evaluations.all():
        data = read_bytes(evaluation.report_id)
        report = parse_json(data)
        assert canonical_json(report) == data
        assert report["kind"] == evaluation.kind
        assert report["inputs"] == evaluation.inputs
        rows = [row.as_measurement().as_json() for row in evaluation.measurements.all()]
        assert rows == report["measurements"]
    assert version.evaluations.get(kind="performance").inputs == [
        {"path": "predictions.csv", "sha256": sha256_hex(predictions_csv())}
    ]


def test_the_same_question_is_asked_once(world):
    version = world.submit("1")
    before = ledger_actions()
    plans = [
        {"key": item.key, "kind": item.kind, "roles": item.roles, "parameters": item.parameters}
        for item in version.evaluations.all()
    ]
    again = evaluate_version(actor=world.ada, version=version, plans=plans)
    assert {item.pk for item in again} == set(version.evaluations.values_list("pk", flat=True))
    assert ledger_actions() == before


def test_only_an_error_is_asked_again(world, monkeypatch):
    version = world.submit("1")
    with pytest.raises(InvalidInput, match="ended in error"):
        repeat_evaluation(actor=world.ada, evaluation=version.evaluations.first())
    with monkeypatch.context() as broken:
        broken.setattr(services, "_measure", lambda evaluation, progress: 1 / 0)
        second = world.submit("2")
    failed = second.evaluations.get(kind="fairness")
    again = repeat_evaluation(actor=world.grace, evaluation=failed)
    assert (again.status, again.requested_by) == ("queued", world.grace)
    with pytest.raises(Conflict, match="asked again already"):
        repeat_evaluation(actor=world.grace, evaluation=failed)
    run_tasks()
    again.refresh_from_db()
    failed.refresh_from_db()
    assert (failed.status, again.status) == ("error", "succeeded")
    assert Evaluation.objects.filter(version=second, kind="fairness").count() == 2
