"""The check ``pii`` with ``classes``: no personal data of some classes come, along the lineage, to where the rule looks. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from governance.rules.facts import Facts, Subject
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
from governance.rules.paths import STRUCTURE, TRAINING_LEVEL, lowering_words, stations
from governance.rules.rule import common_fields
from registry.lineage.classification import COVERS, Accepted, Finding, Propagation, propagate

FEATURES, TRAINING_DATA, PREDICTIONS = "features", "training-data", "predictions"

_WORDS = {
    "identifier": "identifiers",
    "pseudonym": "pseudonyms",
    "quasi-identifier": "quasi-identifiers",
    "sensitive": "sensitive data",
    "special-category": "data of special categories",
}
_MEND = (
    "Make it without this column, or with a treatment that the policy accepts and the job states; if the column does not "
    "hold this, have its steward say so and why."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassificationRule(GraphRule):
    """``{check: pii, classes: [identifier], in: features, influence: forbid, accepts: {keyed-hash: true}}``.

    Attributes
    ----------
    classes
        What must not be there; pseudonym covers identifier, and sensitive covers special-category.
    where
        ``features``, ``training-data`` or ``predictions``: what the model says, which holds what its features hold.
    influence
        Whether a class must not even decide, as by a filter.
    accepts
        Treatments that lower a class.
    """

    check: ClassVar[str] = "pii"

    classes: tuple[str, ...]
    where: str
    influence: bool = False
    accepts: Accepted = field(default_factory=Accepted)

    @classmethod
    def parse(cls, data: Mapping[str, Any], path: str) -> Self:  # noqa: ARG003 - the schema sees everything here
        """Make the rule from its YAML mapping."""
        return cls(
            **common_fields(data),
            classes=tuple(data["classes"]),
            where=data["in"],
            influence=data.get("influence") == "forbid",
            accepts=parse_accepts(data.get("accepts", {})),
        )

    @property
    def _forbidden(self) -> frozenset[str]:
        return frozenset(name for label in self.classes for name in (label, *COVERS.get(label, ())))

    @property
    def _kinds(self) -> str:
        *others, last = (_WORDS[label] for label in self.classes)
        return f"{', '.join(others)} or {last}" if others else last

    def statement(self) -> str:
        """The rule as one sentence."""
        influence = ", nor be influenced by them" if self.influence else ""
        return f"{_PLACES[self.where]} may hold {self._kinds}{influence}, as far as the lineage tells."

    def expected(self) -> str:
        """What the rule asks, in a few words."""
        return f"no {self._kinds}{', nor their influence' if self.influence else ''}"

    def shown(self, facts: Facts, passing: int) -> str:
        """The sentence where all pass."""
        return (
            f"As far as the lineage tells, the {self.where.replace('-', ' ')} of {subject_name(facts.subject)} "
            f"hold{'s' if self.where == TRAINING_DATA else ''} no {self._kinds}."
        )

    def answers(self, facts: Facts, lineage: LineageFacts) -> list[Answer]:
        """One answer for each feature, or for each thing that the model was trained on."""
        found = propagate(lineage.graph, lineage.classes, self.accepts)
        if self.where == TRAINING_DATA:
            return self._of_training(facts.subject, lineage, found)
        return [self._of_feature(facts.subject, lineage, found, feature) for feature in lineage.features] or [
            no_features(facts.subject)
        ]

    def _of_feature(self, subject: Subject, lineage: LineageFacts, found: Propagation, feature: Feature) -> Answer:
        unknown = unknown_feature(lineage, feature, subject)
        problems = [] if unknown is None else [unknown]
        if feature.node is not None:
            name = feature_name(feature, subject)
            of = f"The predictions of {subject_name(subject)} rest on feature {feature.name}, which"
            who = of if self.where == PREDICTIONS else name
            problems += [self._problem(feature.name, who, found, finding) for finding in self._bad(found, feature.node)]
        return joined(feature.name, problems)

    def _of_training(self, subject: Subject, lineage: LineageFacts, found: Propagation) -> list[Answer]:
        graph, model = lineage.graph, lineage.model
        edges = [] if model is None else [e for e in graph.incoming.get(model, ()) if e.level == TRAINING_LEVEL]
        answers = []
        for source in sorted({edge.source for edge in edges}):
            name = graph.label(source)
            who = f"{subject_name(subject)} was trained on {name}, which"
            problems = [
                self._problem(name, who, found, finding, kind="dataset") for finding in self._bad(found, source)
            ]
            answers.append(joined(name, problems, kind="dataset"))
        return answers or [
            Answer(
                about="training",
                kind="lineage",
                status="missing",
                sentence=f"Nobody states what {subject_name(subject)} was trained on.",
                fix="Name the dataset under training in the manifest, and submit again.",
            )
        ]

    def _bad(self, found: Propagation, node: int) -> list[Finding]:
        return [
            finding
            for finding in found.of(node)
            if finding.label in self._forbidden and (self.influence or not finding.influence)
        ]

    def _problem(
        self, about: str, who: str, found: Propagation, finding: Finding, *, kind: str = "feature"
    ) -> Answer:  # fmt: skip
        graph, way, stated = found.graph, found.way(finding), finding.stated
        said = f"{stated.source}: {stated.detail}" if stated.detail else stated.source
        held = f"{stated.label.replace('special-', 'special ')}, {said}"
        origin = graph.label(stated.node)
        if all(edge.level == STRUCTURE for edge in way):
            what = "personal data" if stated.node == finding.node else origin
            text = f"{who} holds {what} ({held})."
        else:
            by = stations(graph, way, lambda edge: lowering_words(edge, stated.label, self.accepts))
            verb = "is influenced by" if finding.influence else "is made from"
            text = f"{who} {verb} {origin} ({held}){by}."
        return Answer(about=about, status="fail", sentence=text, fix=_MEND, kind=kind)


_PLACES = {
    FEATURES: "No feature",
    TRAINING_DATA: "No data that the model was trained on",
    PREDICTIONS: "No prediction of the model",
}


def parse_accepts(data: Mapping[str, Any]) -> Accepted:
    """Read ``accepts``; whatever it does not name is not accepted."""
    return Accepted(
        masking=data.get("masking", False),
        keyed_hash=data.get("keyed-hash", False),
        encryption=data.get("encryption", False),
        suppression=data.get("suppression", False),
        aggregation_k=int(data["aggregation"]["k"]) if "aggregation" in data else None,
        epsilon=data["differential-privacy"]["epsilon"] if "differential-privacy" in data else None,
    )
