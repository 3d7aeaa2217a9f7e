"""Ways through a lineage as sentences. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from registry.lineage.graph import COLUMN, Graph, GraphEdge

_METHODS = {
    "hash": "hashed without a key", "keyed-hash": "hashed with a key", "masking": "masked",
    "aggregation": "aggregated", "differential-privacy": "with differential privacy", "suppression": "suppressed",
    "encryption": "encrypted",
}  # fmt: skip


def way_words(graph: Graph, way: Sequence[GraphEdge], *, feature: str = "") -> str:
    """A way, from either end, as one sentence: what the last thing is made from, step by step back to the first.

    Parameters
    ----------
    way
        Edges that follow each other, upstream or downstream. Steps inside a place are not told.
    feature
        What the last thing is called; its place and column by default.

    Returns
    -------
    str
        ``age is made from staging.applicants.age, which is made from public.customers.birth_date.``; empty for no way.
    """
    steps = [edge for edge in way if edge.level != "structure"]
    if not steps:
        return ""
    if len(steps) > 1 and graph.nodes[steps[0].target].place == graph.nodes[steps[1].source].place:
        steps.reverse()  # told from the end
    told = feature or graph.label(steps[0].target)
    parts = [f"{told} {_step(graph, steps[0])}"]
    parts += [f"which {_step(graph, edge)}" for edge in steps[1:]]
    return f"{', '.join(parts)}."


def _step(graph: Graph, edge: GraphEdge) -> str:
    source = graph.label(edge.source)
    if edge.level == "training":
        return f"was trained on {source}"
    if edge.manner == "indirect":
        kind = f" ({edge.subtype.lower().replace('_', ' ')})" if edge.subtype else ""
        return f"is influenced by {source}{kind}"
    how = _treated(edge)
    whole = graph.nodes[edge.source].role != COLUMN and not graph.place_of(edge.source).hidden
    known = " as a whole, no column known" if whole else ""
    return f"is made from {source}{known}{f', {how}' if how else ''}"


def _treated(edge: GraphEdge) -> str:
    if not edge.treatment:
        return "masked" if edge.masking else ""
    method = str(edge.treatment.get("method", ""))
    more = [f"{name} {edge.treatment[name]}" for name in ("k", "epsilon") if edge.treatment.get(name) is not None]
    return f"{_METHODS.get(method, method)}{f' ({more[0]})' if more else ''}"
