"""Every feature can be followed back to sources for which somebody answers."""

from __future__ import annotations

import pytest

from governance.rules.policy_document import parse_policy
from registry.errors import InvalidInput
from tests.governance.lineage_factory import edge, lineage, terms, trained
from tests.governance.rules_factory import auc_rule, card_rule, facts, judged, policy

RULE = {"check": "lineage", "every": "feature", "reaches": "source"}
INTO_MODEL = edge("hmda:income", "model:income")


def judge(*edges, rule=None, datasets=(), **changes):
    known = facts(lineage=lineage(*edges, datasets=datasets or [terms("hmda"), terms("crm")], **changes))
    return judged(RULE | (rule or {}), known)


def test_a_feature_from_a_source_passes():
    rule = judge(INTO_MODEL)
    assert rule["status"] == "pass"
    assert rule["sentence"] == (
        "The one feature of mortgage-approval@2026.11.2 is followed back to sources for which somebody answers."
    )
    assert rule["observed"] == "1 of 1 shown"
    assert rule["n"] is None
    assert rule["fix"] == ""


def test_an_end_that_nobody_registered_is_an_unknown_step_and_is_named_with_the_way():
    rule = judge(
        edge("raw.loans:amount", "staging.loans:amount"),
        edge("staging.loans:amount", "hmda:income", treatment={"method": "aggregation", "k": 12}),
        INTO_MODEL,
    )
    assert rule["status"] == "fail"
    assert rule["sentence"] == (
        "Feature income of mortgage-approval@2026.11.2 is made from raw.loans.amount, by staging.loans.amount, hmda.income "
        "(aggregated over at least 12); nobody says what raw.loans.amount is made from."
    )
    assert rule["fix"] == "Register raw.loans as a dataset with a datasheet, or state where it comes from."
    assert rule["details"][0]["slice"] == {"feature": "income"}


@pytest.mark.parametrize("others", [(), (edge("hmda:income", "model", manner="indirect"),)], ids=["none", "a filter"])
def test_a_feature_of_which_nobody_states_anything_is_missing(others):
    rule = judge(INTO_MODEL, *others, features=("income", "age"))
    assert rule["status"] == "missing"
    assert rule["sentence"] == "Nobody states what feature age of mortgage-approval@2026.11.2 is made from."
    assert rule["observed"] == "1 of 2 shown; not age"
    assert [detail["status"] for detail in rule["details"]] == ["pass", "missing"]


def test_a_feature_made_from_a_whole_dataset_passes_unless_columns_are_asked_for():
    into = edge("hmda", "model:income")
    assert judge(into)["status"] == "pass"
    rule = judge(into, rule={"at": "column"})
    assert rule["status"] == "fail"
    assert rule["sentence"] == (
        "Feature income of mortgage-approval@2026.11.2 cannot be followed back by column: of the step from hmda to "
        "mortgage-approval@2026.11.2.income only the whole is known."
    )
    assert judge(INTO_MODEL, rule={"at": "column"})["status"] == "pass"


def test_one_way_to_a_source_does_not_excuse_another_that_ends_nowhere():
    rule = judge(INTO_MODEL, edge("notes:text", "model:income", manner="indirect"))
    assert rule["status"] == "fail"
    assert "is influenced by notes.text; nobody says what notes.text is made from." in rule["sentence"]


def test_columns_of_a_whole_that_nobody_explains_are_ends_of_their_own():
    rule = judge(edge("hmda:income", "mart:income"), edge("notes:text", "other:x"), edge("mart", "model:income"),
                 edge("mart:surprise", "model:income"))  # fmt: skip
    assert rule["status"] == "fail"
    assert "nobody says what mart.surprise is made from" in rule["sentence"]


@pytest.mark.parametrize(
    ("changes", "status", "says"),
    [
        ({"owner": ""}, "fail", "nobody answers for hmda."),
        ({"datasheet": None, "is_source": False}, "missing", "hmda has no datasheet."),
        ({"is_source": False}, "fail", "nobody says what hmda is made from, nor that it is a source."),
    ],
)
def test_a_source_has_an_owner_and_a_datasheet_that_says_so(changes, status, says):
    rule = judge(INTO_MODEL, datasets=[terms("hmda", **changes)])
    assert rule["status"] == status
    assert rule["sentence"].endswith(says)
    assert rule["fix"]


def test_a_source_of_which_more_is_stated_is_no_end():
    rule = judge(INTO_MODEL, edge("raw:amount", "hmda:income"))
    assert rule["status"] == "fail"
    assert "raw.amount" in rule["sentence"]


def test_a_circle_that_never_reaches_a_source_fails_and_one_that_does_passes():
    circle = (edge("a:x", "b:x"), edge("b:x", "a:x"), edge("a:x", "model:income"))
    assert judge(*circle)["status"] == "fail"
    assert "in a circle" in judge(*circle)["sentence"]
    assert judge(*circle, edge("crm:x", "a:x"))["status"] == "pass"


@pytest.mark.parametrize(
    ("seen", "status"),
    [("2026-11-11T06:00:00Z", "pass"), ("2026-11-11T05:59:59Z", "fail"), (None, "missing")],
)
def test_a_step_must_have_been_stated_lately_where_the_policy_asks(seen, status):
    rule = judge(edge("hmda:income", "model:income", seen=seen), rule={"max_age_days": 10})
    assert rule["status"] == status
    if status == "fail":
        assert rule["sentence"] == (
            "Feature income of mortgage-approval@2026.11.2 depends on the step from hmda.income to "
            "mortgage-approval@2026.11.2.income, which was not confirmed since 2026-11-11; the policy accepts 10 days."
        )
        assert rule["fix"] == "Have nightly tell of it again."


def test_terms_are_judged_as_well_where_the_policy_asks():
    whole = (INTO_MODEL, trained("hmda"))
    withdrawn = [terms("hmda", withdrawn_at="2026-11-20T00:00:00Z", withdrawn_reason="The bank ended the contract.")]
    assert judge(*whole, datasets=withdrawn)["status"] == "pass"
    rule = judge(*whole, datasets=withdrawn, rule={"terms": "permit"})
    assert rule["status"] == "fail"
    assert "hmda was withdrawn on 2026-11-20 (The bank ended the contract)." in rule["sentence"]
    assert judge(*whole, rule={"terms": "permit"})["status"] == "pass"
    between = (edge("crm:income", "staging:income"), edge("staging:income", "hmda:income"))
    assert judge(*whole, *between, rule={"terms": "permit"})["status"] == "missing"
    assert judge(*whole, *between, rule={"terms": "permit", "unregistered": "allow"})["status"] == "pass"


def test_what_was_cut_off_is_missing_even_if_all_that_is_there_passes():
    known = lineage(INTO_MODEL, datasets=[terms("hmda")])
    known["graph"]["truncated"] = True
    rule = judged(RULE, facts(lineage=known))
    assert rule["status"] == "missing"
    assert "larger than what was gathered" in rule["sentence"]


def test_facts_without_lineage_and_manifests_without_features_are_missing():
    rule = judged(RULE, facts())
    assert rule["status"] == "missing"
    assert rule["sentence"] == "The lineage of mortgage-approval@2026.11.2 was not gathered, so this cannot be judged."
    assert judge(INTO_MODEL, features=())["status"] == "missing"


def test_lineage_has_no_trust_grade():
    known = facts(lineage=lineage(INTO_MODEL, datasets=[terms("hmda")]))
    assert judged(RULE, known, evidence={"minimum_trust": "recomputed", "max_age_days": 1})["status"] == "pass"


def test_many_features_are_told_shortly_and_listed_whole():
    names = [f"f{n}" for n in range(9)]
    rule = judge(*(edge(f"raw:{name}", f"model:{name}") for name in names), features=names)
    assert rule["sentence"].endswith("Nor is it shown for f2, f3, f4 and 4 more.")
    assert len(rule["details"]) == 9


def test_a_policy_says_what_parts_of_the_facts_it_reads():
    assert parse_policy(policy(auc_rule(), card_rule())).reads == frozenset()
    assert parse_policy(policy(auc_rule(), RULE)).reads == {"lineage"}


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"reaches": "sink"}, "rules[0].reaches"),
        ({"at": "row"}, "rules[0].at"),
        ({"max_age_days": 0}, "rules[0].max_age_days"),
        ({"fresh": True}, "rules[0].fresh"),
        ({"terms": "permit", "fresh": "yes"}, "rules[0].fresh"),
    ],
)
def test_a_rule_that_is_wrong_is_refused_by_its_path(changes, path):
    with pytest.raises(InvalidInput) as refused:
        parse_policy(policy(RULE | changes))
    assert refused.value.field == path


def damage(change):
    known = lineage(INTO_MODEL, trained("hmda"), datasets=[terms("hmda")], classes=[("hmda:income", "sensitive")])
    change(known)
    return facts(lineage=known)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda known: known.update(owner="x"), "lineage.owner"),
        (lambda known: known.pop("purpose"), "lineage.purpose"),
        (lambda known: known.update(model=99), "lineage.model"),
        (lambda known: known.update(model=known["features"][0]["node"]), "lineage.model"),
        (lambda known: known["features"].append(dict(known["features"][0])), "lineage.features[1].name"),
        (lambda known: known["features"][0].update(node=known["model"]), "lineage.features[0].node"),
        (lambda known: known["features"][0].update(node=-1), "lineage.features[0].node"),
        (lambda known: known["graph"]["edges"][0].update(source=1.5), "lineage.graph.edges[0].source"),
        (lambda known: known["graph"]["edges"][0].update(level="guess"), "lineage.graph.edges[0].level"),
        (lambda known: known["graph"]["edges"][0].update(masking=1), "lineage.graph.edges[0].masking"),
        (lambda known: known["graph"]["edges"][-1].update(treatment={"k": 3}), "treatment.method"),
        (lambda known: known["graph"].update(truncated=None), "lineage.graph.truncated"),
        (lambda known: known["classes"][0].update({"class": "secret"}), "lineage.classes[0].class"),
        (lambda known: known["datasets"].clear(), "lineage.graph.places[1].dataset"),
        (lambda known: known["datasets"]["hmda"].update(slug="other"), "lineage.datasets.hmda.slug"),
        (lambda known: known["datasets"]["hmda"].update(licence_until="soon"), "lineage.datasets.hmda.licence_until"),
        (lambda known: known["datasets"]["hmda"].update(is_source="yes"), "lineage.datasets.hmda.is_source"),
    ],
)
def test_facts_that_are_wrong_are_refused_by_their_path(change, path):
    with pytest.raises(InvalidInput) as refused:
        judged(RULE, damage(change))
    assert refused.value.field.endswith(path)


def test_a_node_that_is_no_whole_number_is_not_rounded():
    with pytest.raises(InvalidInput):
        judged(RULE, damage(lambda known: known.update(model=0.5)))
