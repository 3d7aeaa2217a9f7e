"""Ways through the lineage: where they end, which is the shortest, and how a sentence tells it. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from registry.lineage.classification import IDENTIFIER, KEEPS, LEAVES_PSEUDONYM, Accepted, effect_of, method_of
from registry.lineage.graph import COLUMN, OUT, Graph, GraphEdge

STRUCTURE, TRAINING_LEVEL = "structure", "training"
_MOST_STATIONS = 6

Say = Callable[[GraphEdge], str]


def made_by(graph: Graph, node: int) -> list[GraphEdge]:
    """What somebody stated of how a node is made, without the ties within its place."""
    return [edge for edge in graph.incoming.get(node, ()) if edge.level != STRUCTURE]


def is_explained(graph: Graph, column: int) -> bool:
    """Whether somebody states what a column is made from: of itself, or of whatever goes into its place.

    That rows of the place were filtered or sorted by something says nothing of where its columns come from.
    """
    if made_by(graph, column):
        return True
    ties = (edge.source for edge in graph.incoming.get(column, ()) if edge.level == STRUCTURE)
    return any(edge.manner == "direct" for into in ties for edge in made_by(graph, into))


def loose_ends(graph: Graph) -> frozenset[int]:
    """The nodes at which ways back end, since nobody says what they are made from.

    Of a place whose columns are known, these are columns; of another, the place as a whole.
    """
    columns = {node for node, found in enumerate(graph.nodes) if found.role == COLUMN}
    known = {graph.nodes[node].place for node in columns}
    known |= {
        graph.nodes[edge.target].place
        for edge in graph.edges
        if edge.level != STRUCTURE and edge.manner == "direct" and edge.target not in columns
    }
    whole = {node for node, found in enumerate(graph.nodes) if found.role == OUT and found.place not in known}
    return frozenset({node for node in columns if not is_explained(graph, node)} | whole)


class Behind:
    """Everything that some nodes are made from, with a shortest way from each to the nearest of them.

    The same graph and the same order of ``starts`` give the same ways.
    """

    def __init__(self, graph: Graph, starts: Iterable[int]) -> None:
        self.graph = graph
        self._next: dict[int, GraphEdge | None] = dict.fromkeys(starts)
        waiting = deque(self._next)
        while waiting:
            for edge in graph.incoming.get(waiting.popleft(), ()):
                if edge.source not in self._next:
                    self._next[edge.source] = edge
                    waiting.append(edge.source)

    @property
    def nodes(self) -> Collection[int]:
        """Every node, those that it began with included, the nearest first."""
        return self._next.keys()

    def way(self, node: int) -> list[GraphEdge]:
        """The way from a node on; empty for one that it began with."""
        way, edge = [], self._next[node]
        while edge is not None:
            way.append(edge)
            edge = self._next[edge.target]
        return way


def is_influence(way: Iterable[GraphEdge]) -> bool:
    """Whether a way goes over a step that only decides by its input, such as a filter."""
    return any(edge.manner == "indirect" for edge in way)


def verb_of(way: Sequence[GraphEdge]) -> str:
    """How the end of a way depends on its beginning."""
    steps = [edge for edge in way if edge.level != STRUCTURE]
    if steps and steps[-1].level == TRAINING_LEVEL:
        return "was trained on" if len(steps) == 1 else "was trained on what is made from"
    return "is influenced by" if is_influence(way) else "is made from"


def treatment_words(edge: GraphEdge) -> str:
    """What a step says was done to protect people; empty where it says nothing."""
    treatment: Mapping[str, Any] = edge.treatment or {}
    method = method_of(edge)
    words = {
        "masking": "masked",
        "hash": "hashed without a key",
        "keyed-hash": "hashed with a secret key",
        "encryption": "encrypted",
        "suppression": "suppressed",
        "aggregation": f"aggregated over at least {treatment['k']}" if "k" in treatment else "aggregated over nobody knows how many",
        "differential-privacy": f"made with differential privacy, epsilon {treatment['epsilon']:g}"
        if "epsilon" in treatment
        else "made with differential privacy of an epsilon that is not told",
    }  # fmt: skip
    return words.get(method, method)


def stations(graph: Graph, way: Sequence[GraphEdge], say: Say = treatment_words) -> str:
    """What lies between the two ends of a way, as the end of a sentence: ``, by a.b (masked), c.d``; empty if nothing."""
    steps = [edge for edge in way if edge.level != STRUCTURE]
    named = []
    for edge, following in pairwise(steps):
        said = _step_words(edge, say)
        named.append(f"{graph.label(following.source)}{f' ({said})' if said else ''}")
    if len(named) > _MOST_STATIONS:
        left = len(named) - _MOST_STATIONS + 1
        named = [*named[: _MOST_STATIONS // 2], f"{left} more", *named[-(_MOST_STATIONS // 2 - 1) :]]
    last = _step_words(steps[-1], say) if steps else ""
    by = f", by {', '.join(named)}" if named else ""
    return f"{by}{f', in the last step {last}' if last else ''}"


def _step_words(edge: GraphEdge, say: Say) -> str:
    whole = "known of the whole only" if edge.level == "dataset" else ""
    return "; ".join(part for part in (whole, say(edge)) if part)


def lowering_words(edge: GraphEdge, label: str, accepts: Accepted) -> str:
    """What a step says was done, and what that does to a class, by what the policy accepts."""
    words = treatment_words(edge)
    if not words:
        return ""
    effect = effect_of(edge, accepts)
    if effect == LEAVES_PSEUDONYM:
        return f"{words}, which leaves a pseudonym" if label == IDENTIFIER else words
    if effect != KEEPS:
        return words
    known = edge.treatment or {}
    never = method_of(edge) == "hash" or (method_of(edge) == "aggregation" and "k" not in known)
    return f"{words}, which {'does not lower it' if never else 'this policy does not accept'}"
