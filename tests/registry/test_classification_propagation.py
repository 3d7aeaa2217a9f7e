"""Classes of personal data travel along the lineage: by hand, against a naive fixpoint, and by their properties."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.lineage.classification import (
    CLASSES,
    ENTITY_CLASSES,
    SOURCES,
    Accepted,
    Stated,
    class_of_tag,
    propagate,
)
from registry.lineage.graph import Graph, GraphEdge, GraphNode, GraphPlace
from registry.lineage.statement import METHODS

EVERYTHING = Accepted(masking=True, keyed_hash=True, encryption=True, suppression=True, aggregation_k=10, epsilon=1.0)
checked = settings(max_examples=200, deadline=None)


def chain(*steps: dict) -> Graph:
    """Column 0 is made into column 1 by the first step, and so on; each in a place of its own."""
    places = tuple(GraphPlace(namespace="pg", name=f"t{n}") for n in range(len(steps) + 1))
    nodes = tuple(GraphNode(place=n, column="c") for n in range(len(places)))
    return Graph(places, nodes, tuple(GraphEdge(source=n, target=n + 1, **step) for n, step in enumerate(steps)))


def arriving(*steps: dict, label="identifier", accepts=EVERYTHING):
    """The classes at the end of a chain, with whether they only influence."""
    graph = chain(*steps)
    found = propagate(graph, [Stated(0, label, "declared")], accepts).of(len(steps))
    return {(finding.label, finding.influence) for finding in found}


def treated(method: str, **more) -> dict:
    return {"treatment": {"method": method, **more}}


def test_a_copy_holds_what_the_original_holds():
    assert arriving({}, {}) == {("identifier", False)}


@pytest.mark.parametrize("steps", [({"manner": "indirect"}, {}), ({}, {"manner": "indirect"})])
def test_what_went_over_a_filter_anywhere_is_influence(steps):
    assert arriving(*steps) == {("identifier", True)}


@pytest.mark.parametrize(
    ("step", "left"),
    [
        (treated("masking"), "pseudonym"),
        ({"masking": True}, "pseudonym"),
        (treated("keyed-hash"), "pseudonym"),
        (treated("encryption"), "pseudonym"),
        (treated("hash"), "identifier"),
        ({"masking": True, **treated("hash")}, "identifier"),
        (treated("suppression"), None),
        (treated("aggregation", k=10), None),
        (treated("aggregation", k=9), "identifier"),
        (treated("aggregation"), "identifier"),
        (treated("aggregation", k="10"), "identifier"),
        (treated("aggregation", k=True), "identifier"),
        (treated("differential-privacy", epsilon=1.0), None),
        (treated("differential-privacy", epsilon=1.01), "identifier"),
        (treated("differential-privacy", epsilon=-1), "identifier"),
        (treated("differential-privacy", epsilon=float("nan")), "identifier"),
        (treated("differential-privacy"), "identifier"),
        (treated("rot13"), "identifier"),
    ],
)
def test_a_treatment_lowers_only_where_it_says_how_and_policy_accepts_that(step, left):
    assert arriving(step) == (set() if left is None else {(left, False)})
    assert arriving(step, accepts=Accepted()) == {("identifier", False)}


@pytest.mark.parametrize("label", CLASSES[1:])
def test_a_pseudonymous_step_lowers_identifiers_only(label):
    assert arriving(treated("keyed-hash"), label=label) == {(label, False)}


def test_a_column_without_treatment_beside_a_treated_one_brings_the_class_all_the_same():
    graph = chain(treated("suppression"))
    both = Graph(graph.places, graph.nodes, (*graph.edges, GraphEdge(source=0, target=1)))
    assert [f.label for f in propagate(both, [Stated(0, "identifier", "declared")], EVERYTHING).of(1)] == ["identifier"]


def test_the_way_is_a_shortest_one_and_what_people_declared_is_told_before_what_a_scan_found():
    graph = chain({}, {}, {})
    short = Graph(graph.places, graph.nodes, (*graph.edges, GraphEdge(source=0, target=3)))
    stated = [Stated(0, "identifier", "scan", "email"), Stated(0, "identifier", "declared", "e-mail")]
    found = propagate(short, stated, EVERYTHING)
    (finding,) = found.of(3)
    assert finding.stated == Stated(0, "identifier", "declared", "e-mail")
    assert [(edge.source, edge.target) for edge in found.way(finding)] == [(0, 3)]


def test_a_long_circle_ends():
    size = 5_000
    places = (GraphPlace(namespace="pg", name="t"),)
    nodes = tuple(GraphNode(place=0, column=f"c{n}") for n in range(size))
    graph = Graph(places, nodes, tuple(GraphEdge(source=n, target=(n + 1) % size) for n in range(size)))
    found = propagate(graph, [Stated(7, "sensitive", "tag")], Accepted())
    assert len(found.findings) == size
    assert len(found.way(found.of(6)[0])) == size - 1


@pytest.mark.parametrize(
    ("tag", "label"),
    [
        ("PII", "identifier"),
        (" Special-Category ", "special-category"),
        (("pii", "true"), "identifier"),
        (("pii", "No"), None),
        (("gdpr", "special category"), "special-category"),
        (("classification", "sensitive"), "sensitive"),
        (("owner", "team-a"), None),
        ("", None),
    ],
)
def test_tags_are_read_by_value_then_by_key(tag, label):
    assert class_of_tag(tag) == label


def test_the_table_of_entities_knows_all_that_a_scan_can_find():
    from audits.measures.personal_data.detector import ENTITIES

    assert set(ENTITIES) - set(ENTITY_CLASSES) == {"url", "cn_uscc", "secret"}
    assert set(ENTITY_CLASSES) <= set(ENTITIES)


# -- properties ---------------------------------------------------------------------------------------------------

NODES = [(place, role, column) for place in range(3) for role, column in (("in", ""), ("column", "a"), ("column", "b"), ("out", ""))]  # fmt: skip
ends = st.integers(0, len(NODES) - 1)
treatments = st.one_of(
    st.none(),
    st.builds(
        lambda method, k, epsilon: {"method": method, **({"k": k} if k else {}), **({"epsilon": epsilon} if epsilon else {})},
        st.sampled_from(METHODS),
        st.sampled_from([None, 5, 10, 20]),
        st.sampled_from([None, 0.5, 1.0, 3.0]),
    ),
)  # fmt: skip
edges = st.builds(
    GraphEdge,
    source=ends,
    target=ends,
    level=st.sampled_from(["column", "dataset"]),
    manner=st.sampled_from(["direct", "direct", "indirect"]),
    masking=st.booleans(),
    treatment=treatments,
)
statements = st.lists(st.builds(Stated, ends, st.sampled_from(CLASSES), st.sampled_from(SOURCES)), max_size=5)
accepted = st.builds(
    Accepted,
    masking=st.booleans(),
    keyed_hash=st.booleans(),
    encryption=st.booleans(),
    suppression=st.booleans(),
    aggregation_k=st.sampled_from([None, 5, 10]),
    epsilon=st.sampled_from([None, 1.0, 2.0]),
)


def graph_of(some_edges) -> Graph:
    places = tuple(GraphPlace(namespace="pg", name=f"t{n}") for n in range(3))
    nodes = tuple(GraphNode(place=place, role=role, column=column) for place, role, column in NODES)
    ties = [GraphEdge(source=4 * p + a, target=4 * p + b, level="structure") for p in range(3)
            for a, b in ((0, 1), (0, 2), (0, 3), (1, 3), (2, 3))]  # fmt: skip
    return Graph(places, nodes, (*ties, *some_edges))


graphs = st.lists(edges, max_size=8).map(graph_of)


def naive(graph: Graph, stated, accepts: Accepted) -> dict[tuple[int, str, bool], int]:
    """Every (node, class, by influence) with the fewest steps to it, by going over all edges until nothing changes."""
    found = {(item.node, item.label, False): 0 for item in stated}
    changed = True
    while changed:
        changed = False
        for (node, label, influence), steps in list(found.items()):
            for edge in graph.edges:
                if edge.source != node:
                    continue
                said = edge.treatment or ({"method": "masking"} if edge.masking else {"method": "nothing"})
                how = said["method"]
                if how == "suppression" and accepts.suppression:
                    continue
                if how == "aggregation" and accepts.aggregation_k and said.get("k", 0) >= accepts.aggregation_k:
                    continue
                if how == "differential-privacy" and accepts.epsilon and said.get("epsilon", 99) <= accepts.epsilon:
                    continue
                hides = (
                    (how == "masking" and accepts.masking)
                    or (how == "keyed-hash" and accepts.keyed_hash)
                    or (how == "encryption" and accepts.encryption)
                )
                after = "pseudonym" if hides and label == "identifier" else label
                state = (edge.target, after, influence or edge.manner == "indirect")
                if found.get(state, 10**9) > steps + 1:
                    found[state] = steps + 1
                    changed = True
    return found


def strongest(found) -> dict[tuple[int, str], bool]:
    """Whether each class of each node is there by influence only."""
    return {(node, label): (node, label, False) not in found for node, label, _ in found}


def told(graph, stated, accepts) -> dict[tuple[int, str], bool]:
    return {key: finding.influence for key, finding in propagate(graph, stated, accepts).findings.items()}


@checked
@given(graphs, statements, accepted)
def test_it_is_what_a_naive_fixpoint_gives_and_ways_are_as_short(graph, stated, accepts):
    expected = naive(graph, stated, accepts)
    found = propagate(graph, stated, accepts)
    assert {key: finding.influence for key, finding in found.findings.items()} == strongest(expected)
    for finding in found.findings.values():
        way = found.way(finding)
        assert len(way) == expected[finding.node, finding.label, finding.influence]
        here = finding.stated.node
        for edge in way:
            assert edge.source == here
            here = edge.target
        assert here == finding.node
        assert finding.influence == any(edge.manner == "indirect" for edge in way)
        assert finding.stated in stated


def assert_no_weaker(before, after):
    """Whatever was found is found still, or something stronger."""
    covered_by = {"pseudonym": ("pseudonym", "identifier")}
    for (node, label), influence in before.items():
        stronger = [after.get((node, other)) for other in covered_by.get(label, (label,))]
        assert any(now is not None and now <= influence for now in stronger)


@checked
@given(st.lists(edges, max_size=8), st.lists(edges, max_size=3), statements, statements, accepted)
def test_more_edges_and_more_classes_never_find_less(some, more, stated, further, accepts):
    before = told(graph_of(some), stated, accepts)
    assert_no_weaker(before, told(graph_of([*some, *more]), [*stated, *further], accepts))


def less(accepts: Accepted, field: str) -> Accepted:
    value = getattr(accepts, field)
    if isinstance(value, bool):
        return replace(accepts, **{field: False})
    if value is None:
        return accepts
    return replace(accepts, **{field: value * 2 if field == "aggregation_k" else value / 2})


@checked
@given(graphs, statements, accepted, st.sampled_from(list(Accepted.__dataclass_fields__)))
def test_accepting_less_never_finds_less(graph, stated, accepts, field):
    assert_no_weaker(told(graph, stated, accepts), told(graph, stated, less(accepts, field)))
    assert_no_weaker(told(graph, stated, accepts), told(graph, stated, Accepted()))


@checked
@given(graphs, statements, accepted, st.randoms(use_true_random=False))
def test_the_order_of_places_nodes_edges_and_statements_does_not_matter(graph, stated, accepts, rng):
    def shuffled(n):
        order = list(range(n))
        rng.shuffle(order)
        return order, {old: new for new, old in enumerate(order)}

    place_order, new_place = shuffled(len(graph.places))
    node_order, new_node = shuffled(len(graph.nodes))
    mixed = [replace(edge, source=new_node[edge.source], target=new_node[edge.target]) for edge in graph.edges]
    rng.shuffle(mixed)
    other = Graph(
        tuple(graph.places[old] for old in place_order),
        tuple(replace(graph.nodes[old], place=new_place[graph.nodes[old].place]) for old in node_order),
        tuple(mixed),
    )
    restated = [replace(item, node=new_node[item.node]) for item in stated]
    rng.shuffle(restated)

    def by_name(in_graph, stated_there):
        found = propagate(in_graph, stated_there, accepts)

        def name(node):
            return (
                in_graph.places[in_graph.nodes[node].place].name,
                in_graph.nodes[node].role,
                in_graph.nodes[node].column,
            )

        return {
            (name(finding.node), finding.label): (
                finding.influence,
                name(finding.stated.node),
                finding.stated.source,
                [(name(edge.source), name(edge.target), edge.manner, edge.treatment) for edge in found.way(finding)],
            )
            for finding in found.findings.values()
        }  # fmt: skip

    assert by_name(other, restated) == by_name(graph, stated)


@checked
@given(graphs, statements, accepted)
def test_stating_what_was_found_finds_nothing_else(graph, stated, accepts):
    once = told(graph, stated, accepts)
    held = [Stated(node, label, "declared") for (node, label), influence in once.items() if not influence]
    assert told(graph, [*stated, *held], accepts) == once
