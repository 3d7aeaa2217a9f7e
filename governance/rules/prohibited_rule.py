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
from governance.rules.paths import Behind, stations, verb_of
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
        whys = self._whys(lineage)
        return [self._feature(facts, lineage, whys, feature) for feature in lineage.features] or [
            no_features(facts.subject)
        ]

    def shown(self, facts: Facts, passing: int) -> str:
        """The sentence where all pass."""
        return f"No feature of {subject_name(facts.subject)} is made from what is prohibited."

    def _feature(self, facts: Facts, lineage: LineageFacts, whys: Mapping[int, str], feature: Feature) -> Answer:
        unknown = unknown_feature(lineage, feature, facts.subject)
        problems = [] if unknown is None else [unknown]
        if feature.node is not None:
            name = feature_name(feature, facts.subject)
            problems += [
                Answer(about=feature.name, status=status, sentence=sentence, fix=fix)
                for status, sentence, fix in self._problems(lineage, whys, name, Behind(lineage.graph, [feature.node]))
            ]
        return joined(feature.name, problems)

    def _problems(self, lineage: LineageFacts, whys: Mapping[int, str], name: str, behind: Behind) -> Iterator[Problem]:
        graph = lineage.graph
        columns: dict[int, set[str]] = {}
        for node in behind.nodes:
            found = graph.nodes[node]
            if found.role != COLUMN:
                continue
            columns.setdefault(found.place, set()).add(found.column.casefold())
            why = whys.get(node)
            if why is None:
                continue
            way = behind.way(node)
            made = f"{verb_of(way)} {graph.label(node)}{stations(graph, way)}" if way else "is itself such a column"
            yield "fail", f"{name} {made}; {why}.", "Make the model without it."
        yield from self._without_datasheet(lineage, name, behind)
        for node in behind.nodes:
            found = graph.nodes[node]
            if found.role == OUT:
                yield from self._unknown_columns(lineage, name, behind, node, columns.get(found.place, set()))

    def _whys(self, lineage: LineageFacts) -> dict[int, str]:
        """Of every column that is prohibited, why."""
        named = _folded(self.columns)
        stated = {slug: _stated_whys(terms, lineage.purpose) for slug, terms in lineage.datasets.items()}
        found = {}
        for index, node in enumerate(lineage.graph.nodes):
            column, dataset = node.column.casefold(), lineage.graph.places[node.place].dataset
            if node.role != COLUMN:
                continue
            if column in named:
                found[index] = f"this policy prohibits {node.column}"
            elif dataset is not None and column in stated[dataset]:
                found[index] = f"the datasheet of {dataset} prohibits {node.column} for {stated[dataset][column]}"
        return found

    def _without_datasheet(self, lineage: LineageFacts, name: str, behind: Behind) -> Iterator[Problem]:
        graph = lineage.graph
        nearest: dict[str, int] = {}
        for node in behind.nodes:
            slug = graph.place_of(node).dataset
            if slug is not None and lineage.datasets[slug].datasheet is None:
                nearest.setdefault(slug, node)
        for slug, node in nearest.items():
            way = behind.way(node)
            yield (
                "missing",
                f"{name} {verb_of(way)} {slug}{stations(graph, way)}; {slug} has no datasheet that could prohibit columns.",
                f"Write the datasheet of {slug}.",
            )

    def _unknown_columns(
        self, lineage: LineageFacts, name: str, behind: Behind, node: int, known: set[str]
    ) -> Iterator[Problem]:
        """A place goes into the feature as a whole, and nobody knows whether what is prohibited is in it."""
        graph, place = lineage.graph, lineage.graph.place_of(node)
        terms = lineage.datasets[place.dataset] if place.dataset is not None else None
        prohibited = set() if terms is None else set(_stated_whys(terms, lineage.purpose))
        if known and prohibited <= known:
            return
        if not known and not prohibited and not self.columns:
            return
        way = behind.way(node)
        yield (
            "missing",
            (
                f"{name} {verb_of(way)} {place.title}{stations(graph, way)}; not all columns of "
                f"{place.title} are known, so nobody can tell whether one is prohibited."
            ),
            f"State the columns of {place.title}, and which of them the feature is made from.",
        )


def _stated_whys(terms: Terms, purpose: str) -> dict[str, str]:
    """For which purposes a datasheet prohibits a column, of every column that counts; those of none are left out."""
    every = dict.fromkeys(_folded(terms.prohibited.get(ANY_PURPOSE, ())), "any purpose")
    if purpose:
        return {**every, **dict.fromkeys(_folded(terms.prohibited.get(purpose, ())), purpose)}
    some = dict.fromkeys(_folded(_all_prohibited(terms)), "some purposes, and nobody says what the model is for")
    return {**some, **every}


def _all_prohibited(terms: Terms) -> tuple[str, ...]:
    return tuple(column for columns in terms.prohibited.values() for column in columns)


def _folded(columns: tuple[str, ...]) -> set[str]:
    return {column.casefold() for column in columns}
