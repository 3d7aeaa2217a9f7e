"""The check ``lineage``: every feature can be followed back to sources for which somebody answers. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self, TypeAlias

from governance.rules import wording
from governance.rules.facts import Facts
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
from governance.rules.lineage_facts import Feature, LineageFacts
from governance.rules.paths import STRUCTURE, Behind, loose_ends, stations, verb_of
from governance.rules.rule import common_fields
from governance.rules.terms_rule import TermsAsked, parse_terms_asked, terms_answers, terms_words
from registry.errors import InvalidInput
from registry.lineage.graph import Graph, GraphEdge

Problem: TypeAlias = tuple[str, str, str]
"""A status, what is wrong, and the fix."""

_OF_TERMS = ("fresh", "lawful_basis", "unregistered")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Marks:
    """What the rule looks for at every node, found once for all features.

    Of the steps into a node: one known of the whole only, one of which nobody knows when it was stated, the oldest.
    """

    loose: frozenset[int]
    whole: Mapping[int, GraphEdge]
    unseen: Mapping[int, GraphEdge]
    oldest: Mapping[int, GraphEdge]

    @classmethod
    def of(cls, graph: Graph) -> Self:
        whole: dict[int, GraphEdge] = {}
        unseen: dict[int, GraphEdge] = {}
        oldest: dict[int, GraphEdge] = {}
        for edge in graph.edges:
            if edge.level == STRUCTURE:
                continue
            if edge.level == "dataset":
                whole.setdefault(edge.target, edge)
            if edge.seen is None:
                unseen.setdefault(edge.target, edge)
            elif edge.target not in oldest or _seen(edge) < _seen(oldest[edge.target]):
                oldest[edge.target] = edge
        return cls(loose=loose_ends(graph), whole=whole, unseen=unseen, oldest=oldest)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageRule(GraphRule):
    """``{check: lineage, every: feature, reaches: source, at: column, max_age_days: 30, terms: permit}``.

    Attributes
    ----------
    by_column
        Whether no step may be known of whole datasets only.
    max_age_days
        Every step must have been stated within so many days; None does not ask.
    terms
        What is asked of terms besides; None is nothing.
    """

    check: ClassVar[str] = "lineage"

    by_column: bool = False
    max_age_days: int | None = None
    terms: TermsAsked | None = None

    @classmethod
    def parse(cls, data: Mapping[str, Any], path: str) -> Self:
        """Make the rule from its YAML mapping."""
        for key in _OF_TERMS:
            if key in data and "terms" not in data:
                raise InvalidInput(f"{path}.{key} has no effect without terms: permit", field=f"{path}.{key}")
        age = data.get("max_age_days")
        return cls(
            **common_fields(data),
            by_column=data.get("at") == "column",
            max_age_days=None if age is None else int(age),
            terms=parse_terms_asked(data) if "terms" in data else None,
        )

    def statement(self) -> str:
        """The rule as one sentence."""
        by_column = ", column by column" if self.by_column else ""
        seen = (
            f", by steps that were stated within {wording.count(self.max_age_days)} days" if self.max_age_days else ""
        )
        terms = f"; {terms_words('every dataset on the way', self.terms)}" if self.terms else ""
        return f"Every feature must be followed back to sources for which somebody answers{by_column}{seen}{terms}."

    def expected(self) -> str:
        """What the rule asks, in a few words."""
        asks = ["every way ends at a source"]
        asks += ["known by column"] if self.by_column else []
        asks += [f"stated within {wording.count(self.max_age_days)} days"] if self.max_age_days else []
        asks += ["permitted by terms"] if self.terms else []
        return ", ".join(asks)

    def answers(self, facts: Facts, lineage: LineageFacts) -> list[Answer]:
        """One answer for each feature; where terms are asked for, one for each dataset too."""
        marks = _Marks.of(lineage.graph)
        found = [self._feature(facts, lineage, marks, feature) for feature in lineage.features]
        found = found or [no_features(facts.subject)]
        if self.terms is not None:
            told = {(answer.kind, answer.about) for answer in found if answer.status != "pass"}
            found += [
                answer
                for answer in terms_answers(facts, lineage, self.terms)
                if (answer.kind, answer.about) not in told
            ]  # fmt: skip
        return found

    def shown(self, facts: Facts, passing: int) -> str:
        """The sentence where all pass."""
        features = len(facts.lineage.features) if facts.lineage else 0
        every = "The one feature" if features == 1 else f"Each of the {wording.count(features)} features"
        terms = "; all terms permit it" if self.terms else ""
        return (
            f"{every} of {subject_name(facts.subject)} is followed back to sources for which somebody answers{terms}."
        )

    def _feature(self, facts: Facts, lineage: LineageFacts, marks: _Marks, feature: Feature) -> Answer:
        unknown = unknown_feature(lineage, feature, facts.subject)
        if unknown is not None or feature.node is None:
            return unknown or no_features(facts.subject)
        name, behind = feature_name(feature, facts.subject), Behind(lineage.graph, [feature.node])
        found = [
            *_loose_problems(lineage, name, behind, marks),
            *(_steps_of_the_whole(name, behind, marks) if self.by_column else ()),
            *(_old_steps(name, behind, marks, facts.as_of, self.max_age_days) if self.max_age_days is not None else ()),
        ]
        return joined(
            feature.name,
            [Answer(about=feature.name, status=status, sentence=text, fix=fix) for status, text, fix in found],
        )


def _loose_problems(lineage: LineageFacts, name: str, behind: Behind, marks: _Marks) -> Iterator[Problem]:
    graph, here = lineage.graph, [node for node in behind.nodes if node in marks.loose]
    if not here:
        yield (
            "fail",
            f"{name} is followed back in a circle and never to a source.",
            "State where the data in the circle come from first.",
        )
    for end in here:
        for status, what, fix in _end_problems(lineage, end):
            way = behind.way(end)
            yield status, f"{name} {verb_of(way)} {graph.label(end)}{stations(graph, way)}; {what}.", fix


def _end_problems(lineage: LineageFacts, end: int) -> Iterator[Problem]:
    place = lineage.graph.place_of(end)
    if place.dataset is None:
        what = f"nobody says what {lineage.graph.label(end)} is made from"
        yield "fail", what, f"Register {place.title} as a dataset with a datasheet, or state where it comes from."
        return
    terms = lineage.datasets[place.dataset]
    if not terms.owner:
        yield "fail", f"nobody answers for {terms.slug}", f"Register {terms.slug} with an owner."
    if terms.datasheet is None:
        yield "missing", f"{terms.slug} has no datasheet", f"Write the datasheet of {terms.slug}."
    elif not terms.is_source:
        yield (
            "fail",
            f"nobody says what {terms.slug} is made from, nor that it is a source",
            f"State where {terms.slug} comes from, or say in its datasheet that it is a source.",
        )


def _steps_of_the_whole(name: str, behind: Behind, marks: _Marks) -> Iterator[Problem]:
    graph = behind.graph
    whole = next((marks.whole[node] for node in behind.nodes if node in marks.whole), None)
    if whole is not None:
        yield (
            "fail",
            f"{name} cannot be followed back by column: of {_step(graph, whole)} only the whole is known.",
            "State which column is made from which.",
        )


def _old_steps(name: str, behind: Behind, marks: _Marks, as_of: datetime, days: int) -> Iterator[Problem]:
    graph = behind.graph
    unseen = next((marks.unseen[node] for node in behind.nodes if node in marks.unseen), None)
    if unseen is not None:
        yield (
            "missing",
            f"{name} depends on {_step(graph, unseen)}, and it is not known when that was stated last.",
            STATE_IT,
        )
    # All are written alike, in UTC: the first in the alphabet is the oldest.
    oldest = min((marks.oldest[node] for node in behind.nodes if node in marks.oldest), key=_seen, default=None)
    if oldest is not None and as_of - datetime.fromisoformat(_seen(oldest)) > timedelta(days=days):
        yield (
            "fail",
            (
                f"{name} depends on {_step(graph, oldest)}, which was not confirmed since {_seen(oldest)[:10]}; "
                f"the policy accepts {wording.count(days)} days."
            ),
            f"Have {oldest.job or 'whoever makes it'} tell of it again.",
        )


def _seen(edge: GraphEdge) -> str:
    return edge.seen or ""


def _step(graph: Graph, edge: GraphEdge) -> str:
    return f"the step from {graph.label(edge.source)} to {graph.label(edge.target)}"
