"""The check ``terms``: whatever the model depends on may be used for its purpose, there, and now. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, Self

from governance.rules import wording
from governance.rules.facts import Facts, Subject
from governance.rules.graph_rule import (
    STATE_IT,
    Answer,
    GraphRule,
    feature_name,
    joined,
    no_features,
    subject_name,
    unknown_feature,
)
from governance.rules.lineage_facts import LineageFacts
from governance.rules.paths import TRAINING_LEVEL, Behind, stations, verb_of
from governance.rules.rule import common_fields
from registry.terms import ANY_PURPOSE, Terms

_LONGEST_REASON = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsAsked:
    """What is asked of the terms of every dataset.

    Attributes
    ----------
    fresh, lawful_basis
        Whether the data must be fresh, and the datasheet state a lawful basis.
    unregistered
        Whether places that nobody registered are let be; else they are missing.
    """

    fresh: bool = False
    lawful_basis: bool = False
    unregistered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsRule(GraphRule):
    """``{check: terms, purposes: permit, fresh: true, lawful_basis: true, unregistered: allow}``."""

    check: ClassVar[str] = "terms"

    asked: TermsAsked

    @classmethod
    def parse(cls, data: Mapping[str, Any], path: str) -> Self:  # noqa: ARG003 - the schema sees everything here
        """Make the rule from its YAML mapping."""
        return cls(**common_fields(data), asked=parse_terms_asked(data))

    def statement(self) -> str:
        """The rule as one sentence."""
        return f"{terms_words('Every dataset that the model depends on', self.asked)}."

    def expected(self) -> str:
        """What the rule asks, in a few words."""
        more = [" fresh" if self.asked.fresh else "", " lawful basis" if self.asked.lawful_basis else ""]
        return ",".join(["permitted by the terms of every dataset", *filter(None, more)])

    def answers(self, facts: Facts, lineage: LineageFacts) -> list[Answer]:
        """One answer for each dataset, and one for each feature whose datasets nobody knows."""
        return terms_answers(facts, lineage, self.asked)

    def shown(self, facts: Facts, passing: int) -> str:
        """The sentence where all pass."""
        return f"{subject_name(facts.subject)} depends on {_datasets(passing)}, whose terms permit it."


def parse_terms_asked(data: Mapping[str, Any]) -> TermsAsked:
    """Read what is asked of terms from a rule's mapping."""
    return TermsAsked(
        fresh=data.get("fresh", False),
        lawful_basis=data.get("lawful_basis", False),
        unregistered=data.get("unregistered") == "allow",
    )


def terms_words(subject: str, asked: TermsAsked) -> str:
    """What is asked of terms, as a sentence without its point."""
    asks = [
        "must permit the model's purpose and the regions of its use",
        *(["be fresh"] if asked.fresh else []),
        *(["have a lawful basis"] if asked.lawful_basis else []),
        "not be withdrawn, and be within its licence and its retention",
    ]
    known = "" if asked.unregistered else "; whatever lies on the way must be registered"
    return f"{subject} {wording.listed(asks)}{known}"


def terms_answers(facts: Facts, lineage: LineageFacts, asked: TermsAsked) -> list[Answer]:
    """Judge the terms of everything that the features and the training depend on."""
    subject, graph = facts.subject, lineage.graph
    answers = [
        unknown
        for feature in lineage.features
        if (unknown := unknown_feature(lineage, feature, subject)) is not None
    ]  # fmt: skip
    if not lineage.features:
        answers.append(no_features(subject))
    trained = lineage.model is not None and any(
        edge.level == TRAINING_LEVEL for edge in graph.incoming.get(lineage.model, ())
    )
    if not trained:
        answers.append(_no_training(subject))
    starts = [feature.node for feature in lineage.features if feature.node is not None]
    behind = Behind(graph, [*starts, *([] if lineage.model is None else [lineage.model])])
    nearest: dict[int, int] = {}
    for node in behind.nodes:
        nearest.setdefault(graph.nodes[node].place, node)
    for place in sorted(place for place in nearest if graph.places[place].kind != "model"):
        found = _place_answer(facts, lineage, behind, nearest[place], asked)
        answers += [found] if found is not None else []
    return answers or [_no_dataset(subject)]


def _place_answer(facts: Facts, lineage: LineageFacts, behind: Behind, node: int, asked: TermsAsked) -> Answer | None:
    place = lineage.graph.place_of(node)
    if place.dataset is None:
        if asked.unregistered:
            return None
        why = f"nobody registered {place.title} as a dataset, so its terms are not known"
        return Answer(
            about=place.title,
            kind="place",
            status="missing",
            sentence=f"{_dependence(facts.subject, lineage, behind, node)}; {why}.",
            fix=f"Register {place.title} as a dataset and write its datasheet.",
        )
    terms = lineage.datasets[place.dataset]
    dependence = ""
    problems = []
    for status, what, fix in _problems(terms, facts, lineage, asked):
        dependence = dependence or _dependence(facts.subject, lineage, behind, node)
        problems.append(Answer(about=terms.slug, status=status, sentence=f"{dependence}; {what}.", fix=fix))
    return joined(terms.slug, problems, kind="dataset")


def _problems(
    terms: Terms, facts: Facts, lineage: LineageFacts, asked: TermsAsked
) -> Iterator[tuple[str, str, str]]:  # fmt: skip
    """Status, what is wrong as a clause, and the fix, of everything in the terms that does not permit the use."""
    if terms.withdrawn_at is not None:
        reason = " ".join(terms.withdrawn_reason.split())[:_LONGEST_REASON].rstrip(" .")
        why = f" ({reason})" if reason else ""
        yield (
            "fail",
            f"{terms.slug} was withdrawn on {terms.withdrawn_at[:10]}{why}",
            f"Make the model without {terms.slug}, or have its owner restore it.",
        )
    if terms.datasheet is None:
        yield (
            "missing",
            f"{terms.slug} has no datasheet, so its terms are not known",
            f"Write the datasheet of {terms.slug}.",
        )
        return
    yield from _purpose_problems(terms, lineage)
    yield from _time_problems(terms, facts.as_of.date(), asked)
    if asked.lawful_basis and not terms.lawful_basis.strip():
        yield (
            "missing",
            f"the datasheet of {terms.slug} states no lawful basis",
            f"State the lawful basis in the datasheet of {terms.slug}.",
        )


def _purpose_problems(terms: Terms, lineage: LineageFacts) -> Iterator[tuple[str, str, str]]:
    purpose = lineage.purpose
    if ANY_PURPOSE not in terms.purposes:
        if not purpose:
            yield "missing", "nobody says for which purpose the model is used", "State the purpose of the use case."
        elif purpose not in terms.purposes:
            permitted = wording.listed(terms.purposes) if terms.purposes else "nothing"
            yield (
                "fail",
                f"{terms.slug} may be used for {permitted}, not for {purpose}",
                f"Make the model without {terms.slug}, or have its owner permit {purpose} in the datasheet.",
            )
    if terms.regions and not lineage.regions:
        yield (
            "missing",
            f"{terms.slug} may be used in {wording.listed(terms.regions)} only, and nobody says where the model is used",
            "State the regions in which the model is used.",
        )
    beyond = sorted(set(lineage.regions) - set(terms.regions)) if terms.regions else []
    if beyond:
        yield (
            "fail",
            f"{terms.slug} may be used in {wording.listed(terms.regions)}, not in {wording.listed(beyond)}",
            f"Make the model without {terms.slug}, or do not use it in {wording.listed(beyond)}.",
        )


def _time_problems(terms: Terms, today: date, asked: TermsAsked) -> Iterator[tuple[str, str, str]]:
    if _past(terms.licence_until, today):
        licence = f" {terms.licence}" if terms.licence else ""
        yield (
            "fail",
            f"the licence{licence} of {terms.slug} ran out after {terms.licence_until}",
            f"Renew the licence of {terms.slug} and state it in its datasheet, or make the model without it.",
        )
    if _past(terms.retention_until, today):
        yield (
            "fail",
            f"{terms.slug} was to be kept until {terms.retention_until} and no longer",
            f"Make the model without {terms.slug}.",
        )
    if asked.fresh and terms.fresh_until is None:
        yield (
            "missing",
            f"the datasheet of {terms.slug} does not tell until when it is fresh",
            f"State in the datasheet of {terms.slug} how often it is updated, and up to which day its data reach.",
        )
    elif asked.fresh and _past(terms.fresh_until, today):
        yield "fail", f"{terms.slug} was fresh until {terms.fresh_until}", f"Train on a newer version of {terms.slug}."


def _past(last: str | None, today: date) -> bool:
    return last is not None and today > date.fromisoformat(last)


def _dependence(subject: Subject, lineage: LineageFacts, behind: Behind, node: int) -> str:
    """How the model depends on a place, with the way: ``Feature x of m@2 is made from customers, by staging.y``."""
    graph, way = lineage.graph, behind.way(node)
    end = way[-1].target if way else node
    feature = next((feature for feature in lineage.features if feature.node == end), None)
    who = subject_name(subject) if feature is None else feature_name(feature, subject)
    return f"{who} {verb_of(way)} {graph.place_of(node).title}{stations(graph, way)}"


def _no_training(subject: Subject) -> Answer:
    return Answer(
        about="training",
        kind="lineage",
        status="missing",
        sentence=f"Nobody states what {subject_name(subject)} was trained on.",
        fix=f"Name the dataset under training in the manifest, and submit again. {STATE_IT}",
    )


def _no_dataset(subject: Subject) -> Answer:
    return Answer(
        about="datasets",
        kind="lineage",
        status="missing",
        sentence=f"{subject_name(subject)} depends on no registered dataset, so nobody states terms for what it is made from.",
        fix="Register what it is made from as datasets, and write their datasheets.",
    )


def _datasets(n: int) -> str:
    return "one dataset" if n == 1 else f"{wording.count(n)} datasets"
