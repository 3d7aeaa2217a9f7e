"""Which personal data reach which column: what is known of some columns, carried along the lineage. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from registry.lineage.graph import Graph, GraphEdge

IDENTIFIER, PSEUDONYM, QUASI_IDENTIFIER = "identifier", "pseudonym", "quasi-identifier"
SENSITIVE, SPECIAL_CATEGORY = "sensitive", "special-category"

CLASSES = (IDENTIFIER, PSEUDONYM, QUASI_IDENTIFIER, SENSITIVE, SPECIAL_CATEGORY)
"""What a column can hold of people, in the order in which it is told."""

COVERS: Mapping[str, tuple[str, ...]] = {PSEUDONYM: (IDENTIFIER,), SENSITIVE: (SPECIAL_CATEGORY,)}
"""Who forbids the first forbids the others with it: they say more of the same."""

SOURCES = ("declared", "tag", "scan")
"""How we know of a class, what people said first."""

KEEPS, LEAVES_PSEUDONYM, LEAVES_NOTHING = "keeps", "pseudonym", "nothing"
"""What a step can do to the classes that go through it."""

State: TypeAlias = tuple[int, str, bool]
"""A node, a class, and whether it is there by influence only."""


@dataclass(frozen=True, slots=True, order=True)
class Stated:
    """Somebody says that a node holds a class. ``detail`` is the entity or tag, such as ``email``."""

    node: int
    label: str
    source: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """Which treatments a policy accepts as lowering classes; none of them unless it says so.

    Attributes
    ----------
    aggregation_k
        The smallest group that an aggregation must have; None accepts no aggregation.
    epsilon
        The largest epsilon of differential privacy; None accepts none.
    """

    masking: bool = False
    keyed_hash: bool = False
    encryption: bool = False
    suppression: bool = False
    aggregation_k: int | None = None
    epsilon: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A node holds a class, or is influenced by it, because of what was stated of the origin.

    The class at the origin may be another: an accepted treatment makes pseudonyms of identifiers.
    """

    node: int
    label: str
    influence: bool
    stated: Stated


@dataclass(frozen=True)
class Propagation:
    """What reaches every node. Where a class comes over and influences as well, only the first is told."""

    graph: Graph
    findings: Mapping[tuple[int, str], Finding]
    _came: Mapping[State, tuple[State, GraphEdge] | None] = field(repr=False, default_factory=dict)

    def of(self, node: int) -> list[Finding]:
        """The findings at a node, in the order of :data:`CLASSES`."""
        found = (self.findings.get((node, label)) for label in CLASSES)
        return [finding for finding in found if finding is not None]

    def way(self, finding: Finding) -> list[GraphEdge]:
        """A shortest way by which the class came, from the origin on; empty where it was stated of the node itself."""
        return _way(self._came, (finding.node, finding.label, finding.influence))


def method_of(edge: GraphEdge) -> str:
    """What the step says was done to protect people; ``masking`` where it only says that it masks, else empty."""
    if edge.treatment:
        return str(edge.treatment.get("method", ""))
    return "masking" if edge.masking else ""


def effect_of(edge: GraphEdge, accepts: Accepted) -> str:
    """What a step leaves of the classes that go through it: :data:`KEEPS` unless it says how, and that is accepted.

    A hash without a key never lowers anything: the values can be guessed and hashed again. Nor does an aggregation
    that does not say how many are in its smallest group.
    """
    method, treatment = method_of(edge), edge.treatment or {}
    pseudonymous = {"masking": accepts.masking, "keyed-hash": accepts.keyed_hash, "encryption": accepts.encryption}
    if pseudonymous.get(method, False):
        return LEAVES_PSEUDONYM
    k, epsilon = _number(treatment.get("k")), _number(treatment.get("epsilon"))
    gone = {
        "suppression": accepts.suppression,
        "aggregation": k is not None and accepts.aggregation_k is not None and k >= accepts.aggregation_k,
        "differential-privacy": epsilon is not None and accepts.epsilon is not None and 0 <= epsilon <= accepts.epsilon,
    }
    return LEAVES_NOTHING if gone.get(method, False) else KEEPS


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value


def carried(label: str, edge: GraphEdge, accepts: Accepted) -> str | None:
    """The class that comes out of a step into which ``label`` goes; None where nothing does."""
    effect = effect_of(edge, accepts)
    if effect == LEAVES_NOTHING:
        return None
    return PSEUDONYM if effect == LEAVES_PSEUDONYM and label == IDENTIFIER else label


def propagate(graph: Graph, stated: Iterable[Stated], accepts: Accepted) -> Propagation:
    """Carry the classes that are stated along the edges to every node that they reach.

    Parameters
    ----------
    stated
        What is known of nodes themselves.
    accepts
        The treatments that lower a class.

    Returns
    -------
    Propagation
        The same for the same graph, whatever the order of its nodes and edges. A class that came by an indirect edge
        anywhere is there by influence from then on. The way to each finding is a shortest one, and among those the
        first by the names of what lies on it.
    """
    rank = _ranks(graph)
    outgoing = {
        node: sorted(edges, key=lambda edge: (rank[edge.target], _edge_key(edge)))
        for node, edges in graph.outgoing.items()
    }
    seeds: dict[State, Stated] = {}
    for item in sorted(stated, key=lambda item: (SOURCES.index(item.source), item.detail)):
        seeds.setdefault((item.node, item.label, False), item)
    came: dict[State, tuple[State, GraphEdge] | None] = dict.fromkeys(seeds)
    layer = list(seeds)
    while layer:
        following: list[State] = []
        for state in sorted(layer, key=lambda state: (rank[state[0]], CLASSES.index(state[1]), state[2])):
            node, label, influence = state
            for edge in outgoing.get(node, ()):
                after = carried(label, edge, accepts)
                if after is None:
                    continue
                there = (edge.target, after, influence or edge.manner == "indirect")
                if there not in came:
                    came[there] = state, edge
                    following.append(there)
        layer = following
    return Propagation(graph, _findings(came, seeds), came)


def _findings(
    came: Mapping[State, tuple[State, GraphEdge] | None], seeds: Mapping[State, Stated]
) -> dict[tuple[int, str], Finding]:
    because: dict[State, Stated] = {}
    findings: dict[tuple[int, str], Finding] = {}
    for state, step in came.items():  # in the order of reaching: what a state came from is there already
        because[state] = seeds[state] if step is None else because[step[0]]
        node, label, influence = state
        known = findings.get((node, label))
        if known is None or (known.influence and not influence):
            findings[node, label] = Finding(node=node, label=label, influence=influence, stated=because[state])
    return findings


def _way(came: Mapping[State, tuple[State, GraphEdge] | None], state: State) -> list[GraphEdge]:
    way = []
    step = came[state]
    while step is not None:
        state, edge = step
        way.append(edge)
        step = came[state]
    return way[::-1]


def _ranks(graph: Graph) -> list[int]:
    """The place of each node in the order of names, which does not depend on how the graph was numbered."""

    def name(index: int) -> tuple[str, str, str, str]:
        node = graph.nodes[index]
        place = graph.places[node.place]
        return place.namespace, place.name, node.role, node.column

    ranks = [0] * len(graph.nodes)
    for rank, index in enumerate(sorted(range(len(graph.nodes)), key=name)):
        ranks[index] = rank
    return ranks


def _edge_key(edge: GraphEdge) -> tuple[str, ...]:
    treatment = sorted((edge.treatment or {}).items(), key=str)
    return edge.manner, edge.level, edge.subtype, str(edge.masking), str(treatment), edge.job, edge.by, edge.seen or ""


ENTITY_CLASSES: Mapping[str, str] = {
    "email": IDENTIFIER,
    "phone": IDENTIFIER,
    "credit_card": IDENTIFIER,
    "iban": IDENTIFIER,
    "us_ssn": IDENTIFIER,
    "cn_resident_id": IDENTIFIER,
    "national_id": IDENTIFIER,
    "passport": IDENTIFIER,
    "person_name": IDENTIFIER,
    "postal_address": IDENTIFIER,
    "ip_address": QUASI_IDENTIFIER,
    "mac_address": QUASI_IDENTIFIER,
    "geo_coordinate": QUASI_IDENTIFIER,
    "date_of_birth": QUASI_IDENTIFIER,
}
"""What the entities of a scan are classes of. Web addresses, company codes and secrets lead to nobody by themselves."""

TAG_CLASSES: Mapping[str, str] = {
    "pii": IDENTIFIER,
    "personal": IDENTIFIER,
    "personal_data": IDENTIFIER,
    "identifier": IDENTIFIER,
    "direct_identifier": IDENTIFIER,
    "gdpr": IDENTIFIER,
    "pseudonym": PSEUDONYM,
    "pseudonymous": PSEUDONYM,
    "pseudonymised": PSEUDONYM,
    "pseudonymized": PSEUDONYM,
    "quasi_identifier": QUASI_IDENTIFIER,
    "indirect_identifier": QUASI_IDENTIFIER,
    "sensitive": SENSITIVE,
    "confidential": SENSITIVE,
    "special_category": SPECIAL_CATEGORY,
    "special": SPECIAL_CATEGORY,
    "gdpr_article_9": SPECIAL_CATEGORY,
    "art9": SPECIAL_CATEGORY,
    "health": SPECIAL_CATEGORY,
    "biometric": SPECIAL_CATEGORY,
    "genetic": SPECIAL_CATEGORY,
}
"""What imported tags mean. A tag that says personal data and not which counts as the strongest, an identifier."""

DENIED = frozenset({"false", "no", "none", "0", "off", "not", "n"})
"""Values by which a tag says that its key does not hold."""


def class_of_tag(tag: str | tuple[str, str]) -> str | None:
    """The class that a tag stands for: by its key (``pii``, unless its value denies it), or by its value (``class: pii``).

    Examples
    --------
    >>> class_of_tag("PII"), class_of_tag(("pii", "false")), class_of_tag(("gdpr", "special-category"))
    ('identifier', None, 'special-category')
    """
    key, value = (tag, "") if isinstance(tag, str) else tag
    key, value = _plain(key), _plain(value)
    if value in TAG_CLASSES:
        return TAG_CLASSES[value]
    return None if value in DENIED else TAG_CLASSES.get(key)


def _plain(text: str) -> str:
    return "_".join(text.strip().casefold().replace("-", " ").replace("_", " ").split())
