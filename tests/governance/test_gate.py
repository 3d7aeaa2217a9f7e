"""The gate's answer: allow only with everything, and each answer kept as it was given."""

import pytest

from governance.models import GateDecision
from governance.services.gate import decide
from tests.scenario import CARD, caller, ledger_actions, predictions_csv, run_tasks

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("brisk")]


def ask(world, version, environment="production", **more):
    return decide(actor=world.ada, version=version, environment=environment, **more)


@pytest.mark.parametrize("environment", ["staging", "unknown", "prod"])
def test_without_a_policy_nothing_is_let_through(world, environment):
    version = world.submit("1")
    decision = ask(world, version, environment)
    assert (decision.result, decision.answer["policy"], decision.answer["rules"]) == ("deny", None, [])
    assert "No policy covers" in decision.answer["reason"]


def test_a_use_case_of_another_tier_is_not_covered_by_its_neighbours_policy(world):
    from registry.ledger import SYSTEM
    from registry.roles import Role
    from registry.services.people import assign_role
    from registry.services.use_cases import create_use_case

    low = create_use_case(
        actor=world.edsger, slug="cards", name="Cards", objective="o", kpis=[], affected_people="p", risk_tier="low",
        owner=world.tony,
    )  # fmt: skip
    assign_role(actor=SYSTEM, person=world.ada, role=Role.DEVELOPER, on=low)
    from governance.services.submissions import submit_version
    from tests.scenario import manifest_yaml

    manifest = manifest_yaml("1", model="cards").replace(b"mortgage-underwriting", b"cards")
    files = {"model.skops": world.upload(b"m"), "predictions.csv": world.upload(predictions_csv())}
    version, _ = submit_version(actor=world.ada, manifest=manifest, files=files)
    run_tasks()
    assert ask(world, version).result == "deny"


def test_from_submission_to_allow(world):
    version = world.submit("1", measured=False)
    seen = [ask(world, version)]
    run_tasks()
    seen.append(ask(world, version))
    for person in (world.tony, world.grace, world.edsger):
        world.sign(person, version)
        seen.append(ask(world, version))
    assert [decision.result for decision in seen] == ["pending", "pending", "pending", "pending", "allow"]
    assert [decision.answer["waiting_for"] for decision in seen] == [
        ["evaluation"], ["sign-off"], ["sign-off"], ["sign-off"], [],
    ]  # fmt: skip
    assert [stage["state"] for stage in seen[2].answer["stages"]] == ["signed", "current", "waiting"]


def test_a_card_that_lacks_what_policy_asks_denies_with_the_fix(world):
    version = world.submit("1", card={key: text for key, text in CARD.items() if key != "limitations"})
    decision = ask(world, version)
    (rule,) = [rule for rule in decision.answer["rules"] if rule["status"] != "pass"]
    assert (decision.result, rule["id"]) == ("deny", "card-complete")
    assert "limitations" in (rule["sentence"] + rule["fix"] + rule["observed"]).lower()


def test_each_rule_is_explained_with_evidence_that_can_be_fetched(world):
    version = world.submit("1", predictions=predictions_csv(ratio=0.6))
    answer = ask(world, version).answer
    (rule,) = [rule for rule in answer["rules"] if rule["id"] == "impact-ratio"]
    assert (rule["status"], rule["n"]) == ("fail", 2000)
    assert all(rule[part] for part in ("title", "expected", "observed", "sentence", "fix", "evidence"))
    (evidence,) = rule["evidence"]
    from registry.canonical import sha256_hex

    path = evidence["url"].split("/api/v1", 1)[1]
    for person in (world.ada, world.grace, world.barbara):
        response = caller(person).get(path)
        assert (response.status_code, sha256_hex(response.content)) == (200, evidence["sha256"])
    assert caller(world.mallory).get(path).status_code == 404


def test_an_answer_is_kept_as_it_was_given(world):
    version = world.submit("1")
    decision = ask(world, version, context={"pipeline": "main", "passed": True})
    world.approve(version)
    kept = GateDecision.objects.get(pk=decision.pk)
    assert (kept.result, kept.answer, kept.context) == (
        "pending",
        decision.answer,
        {"pipeline": "main", "passed": True},
    )
    assert ledger_actions(object_id=str(decision.pk)) == ["gate.decided"]


def test_what_a_pipeline_says_of_itself_changes_nothing(world):
    version = world.submit("1", predictions=predictions_csv(ratio=0.6))
    assert ask(world, version, context={"passed": True, "result": "allow", "rules": []}).result == "deny"


def test_the_same_question_gives_the_same_verdict(world):
    version = world.submit("1")
    assert ask(world, version).verdict == ask(world, version).verdict
    assert version.verdicts.filter(outcome="clear").count() == 1


def test_a_decision_that_cannot_be_recorded_is_not_given(world, monkeypatch):
    from governance.services import gate

    version = world.submit("1")
    monkeypatch.setattr(gate.ledger, "record", lambda **entry: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        ask(world, version)
    monkeypatch.undo()
    assert not GateDecision.objects.exists()


def test_a_version_is_asked_about_by_name_or_digest_and_both_must_agree(world):
    version = world.submit("1")
    other = world.submit("2", predictions=predictions_csv(seed=2))
    calls = caller(world.ada, "gate", "read")

    def asked(**subject):
        return calls.post("/gates/production/decisions", {"subject": {"model": version.model.name, **subject}})

    by_digest = asked(digest=f"sha256:{version.sha256}")
    assert by_digest.json()["subject"]["version"] == "1"
    assert asked(version="1", digest=version.sha256).status_code == 200
    assert asked(version="1", digest=other.sha256).status_code == 409
    assert asked(digest="0" * 64).status_code == 404
    assert asked(digest="short").status_code == 422
    assert asked().status_code == 422
    again = calls.get(f"/decisions/{by_digest.json()['id']}")
    assert again.json() == by_digest.json()
    assert caller(world.mallory).get(f"/decisions/{by_digest.json()['id']}").status_code == 404
