"""The check ``lineage``: every feature can be followed back to sources for which somebody answers. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

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
from governance.rules.paths import ends, made_by, stations, verb_of, way_between
from governance.rules.rule import common_fields
from governance.rules.terms_rule import TermsAsked, parse_terms_asked, terms_answers, terms_words
from registry.errors import InvalidInput
from registry.lineage.graph import Graph, GraphEdge

_OF_TERMS = ("fresh", "lawful_basis", "unregistered")


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
        found = [self._feature(facts, lineage, feature) for feature in lineage.features] or [no_features(facts.subject)]
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

    def _feature(self, facts: Facts, lineage: LineageFacts, feature: Feature) -> Answer:
        unknown = unknown_feature(lineage, feature, facts.subject)
        if unknown is not None:
            return unknown
        assert feature.node is not None
        problems = [
            Answer(about=feature.name, status=status, sentence=sentence, fix=fix)
            for status, sentence, fix in self._problems(facts, lineage, feature, feature.node)
        ]
        return joined(feature.name, problems)

    def _problems(
        self, facts: Facts, lineage: LineageFacts, feature: Feature, node: int
    ) -> Iterator[tuple[str, str, str]]:
        graph, name = lineage.graph, feature_name(feature, facts.subject)
        loose = ends(graph, node)
        if not loose:
            yield (
                "fail",
                f"{name} is followed back in a circle and never to a source.",
                "State where the data in the circle come from first.",
            )
        for end in loose:
            for status, what, fix in _end_problems(lineage, end):
                way = way_between(graph, [end], {node})
                yield status, f"{name} {verb_of(way)} {graph.label(end)}{stations(graph, way)}; {what}.", fix
        steps = [edge for here in sorted(graph.reached(node)) for edge in made_by(graph, here)]
        if self.by_column:
            yield from _steps_of_the_whole(graph, name, steps)
        if self.max_age_days is not None:
            yield from _old_steps(graph, name, steps, facts.as_of, self.max_age_days)


def _end_problems(lineage: LineageFacts, end: int) -> Iterator[tuple[str, str, str]]:
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


def _steps_of_the_whole(graph: Graph, name: str, steps: list[GraphEdge]) -> Iterator[tuple[str, str, str]]:
    whole = next((edge for edge in steps if edge.level == "dataset"), None)
    if whole is not None:
        yield (
            "fail",
            f"{name} cannot be followed back by column: of {_step(graph, whole)} only the whole is known.",
            "State which column is made from which.",
        )


def _old_steps(
    graph: Graph, name: str, steps: list[GraphEdge], as_of: datetime, days: int
) -> Iterator[tuple[str, str, str]]:
    unseen = next((edge for edge in steps if edge.seen is None), None)
    if unseen is not None:
        yield (
            "missing",
            f"{name} depends on {_step(graph, unseen)}, and it is not known when that was stated last.",
            STATE_IT,
        )
    seen = [(datetime.fromisoformat(edge.seen), edge) for edge in steps if edge.seen is not None]
    if seen:
        last, oldest = min(seen, key=lambda item: item[0])
        if as_of - last > timedelta(days=days):
            yield (
                "fail",
                (
                    f"{name} depends on {_step(graph, oldest)}, which was not confirmed since {last:%Y-%m-%d}; "
                    f"the policy accepts {wording.count(days)} days."
                ),
                f"Have {oldest.job or 'whoever makes it'} tell of it again.",
            )


def _step(graph: Graph, edge: GraphEdge) -> str:
    return f"the step from {graph.label(edge.source)} to {graph.label(edge.target)}"
