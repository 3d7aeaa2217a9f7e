"""Where the boxes of a lineage stand: sources left, models right, nothing over anything, the same whatever the order."""

from __future__ import annotations

import time
from itertools import combinations, pairwise

from hypothesis import given
from hypothesis import strategies as st

from audits.lineage_blocks import block_layout, folded_blocks, printed_blocks
from audits.lineage_layers import arrange, layer_numbers, layers, place_links
from tests.audits.lineage_graphs import graph_of, graphs, shuffled, warehouse


def test_what_is_made_stands_right_of_what_it_is_made_from():
    graph = graph_of(
        [("customers.email", "applicants.mail"), ("applicants.mail", "model.domain"), ("rates.r", "model.r")]
    )
    at = {place.name: box.layer for place, box in zip(graph.places, layers(graph).boxes, strict=True)}
    # rates is made from nothing: it stands beside what it feeds, not at the far left
    assert at == {"customers": 0, "applicants": 1, "rates": 1, "model": 2}


def test_a_line_that_passes_a_layer_has_a_lane_there():
    graph = graph_of([("a.x", "b.x"), ("b.x", "c.x"), ("a.x", "c.y")])
    layout = layers(graph)
    assert layout.routes[0, 1].lanes == ()
    ((x, y),) = layout.routes[0, 2].lanes
    passed = layout.boxes[1]
    assert x == passed.x
    assert not passed.y <= y <= passed.y + passed.height


def test_of_a_circle_one_way_leads_back():
    layout = layers(graph_of([("a.x", "b.x"), ("b.x", "c.x"), ("c.x", "a.x")]))
    assert [link for link, route in layout.routes.items() if route.back] == [(2, 0)]
    assert [box.layer for box in layout.boxes] == [0, 1, 2]


def test_two_that_make_each_other_share_their_way():
    layout = layers(graph_of([("a.x", "b.x"), ("b.y", "a.y")]))
    assert {link: route.back for link, route in layout.routes.items()} == {(0, 1): False, (1, 0): True}


def test_two_lines_that_need_not_cross_do_not():
    # In the order of names they would: a feeds z, b feeds y.
    layout = layers(graph_of([("a.x", "z.x"), ("b.x", "y.x")]))
    a, z, b, y = layout.boxes
    assert (a.y < b.y) == (z.y < y.y)


def test_nothing_to_lay_out_has_no_size():
    layout = arrange([], [], [])
    assert (layout.boxes, layout.width, layout.height) == ((), 0.0, 0.0)


@given(graphs())
def test_every_link_leads_to_a_later_layer_unless_it_leads_back(graph):
    layout = layers(graph)
    assert len(layout.boxes) == len(graph.places)
    assert set(layout.routes) == place_links(graph)
    for (source, target), route in layout.routes.items():
        one, other = layout.boxes[source].layer, layout.boxes[target].layer
        assert one > other if route.back else one < other
        assert len(route.lanes) == abs(one - other) - 1


@given(graphs(), st.lists(st.floats(40, 400), min_size=12, max_size=12))
def test_no_box_lies_over_another_whatever_their_heights(graph, heights):
    boxes = layers(graph, heights=heights[: len(graph.places)]).boxes
    for one, other in combinations(boxes, 2):
        apart = one.x + one.width <= other.x or other.x + other.width <= one.x
        # To a tenth of a pixel, to which heights are rounded.
        assert apart or one.y + one.height <= other.y + 0.2 or other.y + other.height <= one.y + 0.2


@given(graphs())
def test_no_lane_runs_through_a_box(graph):
    layout = layers(graph)
    for route in layout.routes.values():
        for x, y in route.lanes:
            assert not any(box.x == x and box.y < y < box.y + box.height for box in layout.boxes)


@given(graphs())
def test_layers_can_be_told_without_laying_out(graph):
    assert layer_numbers(graph) == [box.layer for box in layers(graph).boxes]


@given(graphs(), st.integers(0, 1000))
def test_the_same_graph_is_laid_out_alike_whatever_its_order(graph, seed):
    other = shuffled(graph, seed)

    def by_name(item):
        return {place.name: box for place, box in zip(item.places, layers(item).boxes, strict=True)}

    assert by_name(graph) == by_name(other)


@given(graphs(most=30))
def test_everything_stays_in_exactly_one_box_however_they_are_joined(graph):
    few = printed_blocks(graph, keep=frozenset())
    folded = folded_blocks(graph, keep=frozenset({0}), namespaces={graph.places[0].namespace})
    for blocks in (few, folded):
        assert sorted(place for block in blocks for place in block.places) == list(range(len(graph.places)))


def test_a_page_of_paper_holds_forty_boxes_in_five_layers():
    graph = warehouse(500, 3000)
    blocks = printed_blocks(graph, keep=frozenset())
    layout = block_layout(graph, blocks, [44.0] * len(blocks), width=210.0, channel=40.0)
    assert len(blocks) <= 40
    assert max(box.layer for box in layout.boxes) < 5


def test_on_paper_what_matters_shares_a_box_last():
    graph = warehouse(500, 3000)
    assert any(block.places == (17,) for block in printed_blocks(graph, keep=frozenset({17})))


def test_on_paper_a_long_chain_keeps_the_dataset_in_its_midst():
    chain = [f"t{number:02}" for number in range(12)]
    graph = graph_of([(f"{one}.c", f"{other}.c") for one, other in pairwise(chain)])
    blocks = printed_blocks(graph, keep=frozenset({7, 11}))
    assert [block.places for block in blocks] == [(0,), (1, 2, 3, 4, 5, 6), (7,), (8, 9, 10), (11,)]


def test_on_paper_more_that_matters_than_there_are_layers_is_joined_all_the_same():
    chain = [f"t{number:02}" for number in range(12)]
    graph = graph_of([(f"{one}.c", f"{other}.c") for one, other in pairwise(chain)])
    blocks = printed_blocks(graph, keep=frozenset(range(12)))
    assert [len(block.places) for block in blocks] == [1, 4, 3, 3, 1]


def test_five_hundred_places_are_laid_out_while_one_waits():
    graph = warehouse(500, 3000)
    start = time.process_time()
    layers(graph)
    assert time.process_time() - start < 0.5
