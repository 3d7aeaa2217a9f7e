"""The check ``prohibited-features``: no feature is made from a column that must not be used for the purpose. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from governance.rules import wording
from governance.rules.facts import Facts
from governance.rules.graph_rule import (
    Answer,
    GraphRule,
    feature_name,
    joined,
    no_features,
    subject_name,
    unknown_feature,
)
from governance.rules.lineage_facts import Feature, LineageFacts
from governance.rules.paths import stations, verb_of, way_between
from governance.rules.rule import common_fields
from registry.lineage.graph import COLUMN, OUT
from registry.terms import ANY_PURPOSE, Terms

Problem = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProhibitedFeaturesRule(GraphRule):
    """``{check: prohibited-features, columns: [sex, race]}``; case does not matter.

    Attributes
    ----------
    columns
        Names that no column on the way to a feature may have, besides those that datasheets prohibit.
    """

    check: ClassVar[str] = "prohibited-features"

    columns: tuple[str, ...] = ()

    @classmethod
    def parse(cls, data: Mapping[str, Any], path: str) -> Self:  # noqa: ARG003 - the schema sees everything here
        """Make the rule from its YAML mapping."""
        return cls(**common_fields(data), columns=tuple(data.get("columns", ())))

    def statement(self) -> str:
        """The rule as one sentence."""
        named = f", or from {wording.listed(self.columns)}" if self.columns else ""
        return f"No feature may be made from what a datasheet prohibits for the model's purpose{named}."

    def expected(self) -> str:
        """What the rule asks, in a few words."""
        return f"nothing prohibited by datasheets{', ' if self.columns else ''}{', '.join(self.columns)}"

    def answers(self, facts: Facts, lineage: LineageFacts) -> list[Answer]:
        """One answer for each feature."""
        return [self._feature(facts, lineage, feature) for feature in lineage.features] or [no_features(facts.subject)]

    def shown(self, facts: Facts, passing: int) -> str:
        """The sentence where all pass."""
        return f"No feature of {subject_name(facts.subject)} is made from what is prohibited."

    def _feature(self, facts: Facts, lineage: LineageFacts, feature: Feature) -> Answer:
        unknown = unknown_feature(lineage, feature, facts.subject)
        problems = [] if unknown is None else [unknown]
        if feature.node is not None:
            name = feature_name(feature, facts.subject)
            problems += [
                Answer(about=feature.name, status=status, sentence=sentence, fix=fix)
                for status, sentence, fix in self._problems(lineage, name, feature.node)
            ]
        return joined(feature.name, problems)

    def _problems(self, lineage: LineageFacts, name: str, start: int) -> Iterator[Problem]:
        graph = lineage.graph
        reached = sorted(graph.reached(start))
        columns: dict[int, set[str]] = {}
        for node in reached:
            found = graph.nodes[node]
            if found.role != COLUMN:
                continue
            columns.setdefault(found.place, set()).add(found.column.casefold())
            why = self._why(lineage, node)
            if why is None:
                continue
            way = way_between(graph, [node], {start})
            made = f"{verb_of(way)} {graph.label(node)}{stations(graph, way)}" if way else "is itself such a column"
            yield "fail", f"{name} {made}; {why}.", "Make the model without it."
        yield from self._without_datasheet(lineage, name, start, reached)
        for node in reached:
            found = graph.nodes[node]
            if found.role == OUT:
                yield from self._unknown_columns(lineage, name, start, node, columns.get(found.place, set()))

    def _why(self, lineage: LineageFacts, node: int) -> str | None:
        shown = lineage.graph.nodes[node].column
        column = shown.casefold()
        if column in {name.casefold() for name in self.columns}:
            return f"this policy prohibits {shown}"
        dataset = lineage.graph.place_of(node).dataset
        if dataset is None:
            return None
        for purpose in (lineage.purpose, ANY_PURPOSE):
            if column in _folded(lineage.datasets[dataset].prohibited.get(purpose, ())):
                return f"the datasheet of {dataset} prohibits {shown} for {'any purpose' if purpose == ANY_PURPOSE else purpose}"
        if not lineage.purpose and column in _folded(_all_prohibited(lineage.datasets[dataset])):
            return (
                f"the datasheet of {dataset} prohibits {shown} for some purposes, and nobody says what the model is for"
            )
        return None

    def _without_datasheet(self, lineage: LineageFacts, name: str, start: int, reached: list[int]) -> Iterator[Problem]:
        graph = lineage.graph
        unwritten = {slug for slug, terms in lineage.datasets.items() if terms.datasheet is None}
        nodes: dict[str, list[int]] = {}
        for node in reached:
            slug = graph.place_of(node).dataset
            if slug is not None and slug in unwritten:
                nodes.setdefault(slug, []).append(node)
        for slug, there in nodes.items():
            way = way_between(graph, there, {start})
            yield (
                "missing",
                f"{name} {verb_of(way)} {slug}{stations(graph, way)}; {slug} has no datasheet that could prohibit columns.",
                f"Write the datasheet of {slug}.",
            )

    def _unknown_columns(
        self, lineage: LineageFacts, name: str, start: int, node: int, known: set[str]
    ) -> Iterator[Problem]:
        """A place goes into the feature as a whole, and nobody knows whether what is prohibited is in it."""
        graph, place = lineage.graph, lineage.graph.place_of(node)
        terms = lineage.datasets[place.dataset] if place.dataset is not None else None
        prohibited = set() if terms is None else _folded(_prohibited(terms, lineage.purpose))
        if known and prohibited <= known:
            return
        if not known and not prohibited and not self.columns:
            return
        way = way_between(graph, [node], {start})
        yield (
            "missing",
            (
                f"{name} {verb_of(way)} {place.title}{stations(graph, way)}; not all columns of "
                f"{place.title} are known, so nobody can tell whether one is prohibited."
            ),
            f"State the columns of {place.title}, and which of them the feature is made from.",
        )


def _prohibited(terms: Terms, purpose: str) -> tuple[str, ...]:
    if not purpose:
        return _all_prohibited(terms)
    return (*terms.prohibited.get(purpose, ()), *terms.prohibited.get(ANY_PURPOSE, ()))


def _all_prohibited(terms: Terms) -> tuple[str, ...]:
    return tuple(column for columns in terms.prohibited.values() for column in columns)


def _folded(columns: tuple[str, ...]) -> set[str]:
    return {column.casefold() for column in columns}
