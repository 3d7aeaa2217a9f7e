"""Trees of an ONNX graph: one TreeEnsembleClassifier or -Regressor between the inputs and the score, and nothing that counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from audits.inside.trees import Trees, positive_place

if TYPE_CHECKING:
    import numpy as np

_FLOAT, _DOUBLE = 1, 11
_ENSEMBLES = ("TreeEnsembleClassifier", "TreeEnsembleRegressor")
_MODES = {
    "BRANCH_LEQ": (True, False),
    "BRANCH_LT": (True, True),
    "BRANCH_GT": (False, False),
    "BRANCH_GTE": (False, True),
}
"""Of each comparison: whether its true branch is the one below the threshold, and whether that one is strictly below."""


def trees_in_graph(state: Any, interface: Mapping[str, Any]) -> Trees | None:
    """The trees of a loaded graph over the columns of the interface; ``None`` where anything else has a part in the score."""
    import numpy as np

    nodes = {output: node for node in state.proto.graph.node for output in node.output}
    ensemble = _behind(nodes, state._scores, ("ZipMap", "Identity", "Cast"))
    if ensemble is None or ensemble[0].op_type not in _ENSEMBLES:
        return None
    node, output = ensemble
    classifier = node.op_type == _ENSEMBLES[0]
    order, type_ = _columns(state, interface, nodes, node.input[0])
    if order is None or type_ not in {_FLOAT, _DOUBLE} or (classifier and output != node.output[1]):
        return None
    attributes = _attributes(node)
    told = _classes(state, interface, attributes) if classifier else _target(state, interface, attributes)
    arrays = _nodes(attributes, np.asarray(order, dtype=np.int32), single=type_ == _FLOAT)
    if told is None or arrays is None:
        return None
    signs, base, link = told
    kind = "class" if classifier else "target"
    scale = 1.0
    if attributes.get("aggregate_function", "SUM") == "AVERAGE":
        scale = 1.0 / len(arrays["roots"])
    key = arrays.pop("key")
    place = _places(key, attributes[f"{kind}_treeids"], attributes[f"{kind}_nodeids"])
    weights = np.asarray(attributes[f"{kind}_weights"], dtype=np.float64)
    np.add.at(arrays["value"], place, weights * np.asarray([signs.get(int(i), 0.0) for i in attributes[f"{kind}_ids"]]))
    arrays["value"][arrays["left"] >= 0] = 0.0
    return Trees(arrays=arrays, base=base, scale=scale, link=link, float32=type_ == _FLOAT)


def _behind(nodes: Mapping[str, Any], name: str, passing: tuple[str, ...]) -> tuple[Any, str] | None:
    """The first node before an output that does more than pass values on, and which of its outputs it is."""
    while name in nodes and nodes[name].op_type in passing:
        name = nodes[name].input[0]
    return (nodes[name], name) if name in nodes else None


def _columns(
    state: Any, interface: Mapping[str, Any], nodes: Mapping[str, Any], name: str
) -> tuple[list[int] | None, int]:
    """The place among the interface's columns of each feature of the ensemble, and the type in which it compares them."""
    inputs = {item.name: item.type.tensor_type.elem_type for item in state.proto.graph.input}
    columns = list(interface["inputs"])
    while name in nodes and nodes[name].op_type == "Identity":
        name = nodes[name].input[0]
    if name in inputs:
        single = not state.stacked and len(columns) == 1
        return (list(range(len(columns))) if state.stacked or single else None), inputs[name]
    if name not in nodes or nodes[name].op_type != "Concat":
        return None, 0
    order, types = [], set()
    for part in nodes[name].input:
        while part in nodes and nodes[part].op_type == "Identity":
            part = nodes[part].input[0]  # noqa: PLW2901 - followed to where it comes from
        if part not in columns or part not in inputs:
            return None, 0
        order.append(columns.index(part))
        types.add(inputs[part])
    return (order, types.pop()) if len(types) == 1 else (None, 0)


def _attributes(node: Any) -> dict[str, Any]:
    """Plain values by name; those kept as tensors under the name of those kept as lists."""
    from onnx import helper, numpy_helper

    found = {}
    for attribute in node.attribute:
        value = helper.get_attribute_value(attribute)
        if attribute.name.endswith("_as_tensor"):
            value = numpy_helper.to_array(value)
        if isinstance(value, bytes):
            value = value.decode()
        if len(value) if hasattr(value, "__len__") else True:
            found[attribute.name.removesuffix("_as_tensor")] = value
    return found


def _classes(
    state: Any, interface: Mapping[str, Any], attributes: Mapping[str, Any]
) -> tuple[dict[int, float], float, str] | None:
    """What each class's weights count in the positive class's score, what is added, and the link; of two classes."""
    place = positive_place(state, interface)
    labels = attributes.get("classlabels_int64s", attributes.get("classlabels_strings", ()))
    if place is None or len(labels) != 2:  # noqa: PLR2004 - two classes
        return None
    ids, post = sorted(set(attributes["class_ids"])), attributes.get("post_transform", "NONE")
    base = [float(value) for value in attributes.get("base_values", ())]
    if len(ids) == 1 and len(base) <= 1:
        return _one_sum(attributes, ids[0], base[0] if base else 0.0, post, place)
    if ids != [0, 1] or len(base) not in {0, 2}:
        return None
    base = base or [0.0, 0.0]
    each = {
        "SOFTMAX": ({place: 1.0, 1 - place: -1.0}, base[place] - base[1 - place], "logit"),
        "LOGISTIC": ({place: 1.0}, base[place], "logit"),
        "NONE": ({place: 1.0}, base[place], "identity"),
    }
    return each.get(post)


def _one_sum(
    attributes: Mapping[str, Any], id_: int, base: float, post: str, place: int
) -> tuple[dict[int, float], float, str] | None:
    """The same where there is one sum, of the second class; the first one's is what is left of 1, or its negative."""
    sign = 1.0 if place else -1.0
    if post == "LOGISTIC":
        return {id_: sign}, sign * base, "logit"
    if post != "NONE":
        return None
    # Without a transform the runtime takes sums for probabilities where no weight is negative.
    whole = 0.0 if place or min(attributes["class_weights"]) < 0 else 1.0
    return {id_: sign}, whole + sign * base, "identity"


def _target(
    state: Any, interface: Mapping[str, Any], attributes: Mapping[str, Any]
) -> tuple[dict[int, float], float, str] | None:
    """The same of an ensemble that gives one number: what is predicted, or the second class's score."""
    post, base = attributes.get("post_transform", "NONE"), attributes.get("base_values", ())
    one = attributes.get("n_targets", 1) == 1 and set(attributes["target_ids"]) == {0} and len(base) <= 1
    counted = interface["task"] == "regression" or positive_place(state, interface) == 1
    if not (one and counted) or attributes.get("aggregate_function", "SUM") not in {"SUM", "AVERAGE"}:
        return None
    if post not in {"NONE", "LOGISTIC"}:
        return None
    return {0: 1.0}, float(base[0]) if len(base) else 0.0, "identity" if post == "NONE" else "logit"


def _nodes(attributes: Mapping[str, Any], order: np.ndarray[Any, Any], *, single: bool) -> dict[str, Any] | None:
    """The nodes with the branch below the threshold as left; ``key`` says which tree and node each was."""
    import numpy as np

    modes = [mode.decode() if isinstance(mode, bytes) else mode for mode in attributes["nodes_modes"]]
    leaf = np.array([mode == "LEAF" for mode in modes])
    if not all(mode in _MODES or mode == "LEAF" for mode in modes):
        return None
    below = np.array([_MODES.get(mode, (True, False))[0] for mode in modes])
    strict = np.array([_MODES.get(mode, (True, False))[1] for mode in modes])
    tree = np.asarray(attributes["nodes_treeids"], dtype=np.int64)
    key = _key(tree, attributes["nodes_nodeids"])
    if len(np.unique(key)) != len(key):
        return None
    inner = np.flatnonzero(~leaf)
    true, false = np.full(len(key), -1, dtype=np.int64), np.full(len(key), -1, dtype=np.int64)
    true[inner] = _places(key, tree[inner], np.asarray(attributes["nodes_truenodeids"])[inner])
    false[inner] = _places(key, tree[inner], np.asarray(attributes["nodes_falsenodeids"])[inner])
    kind = np.float32 if single else np.float64
    threshold = np.asarray(attributes["nodes_values"], dtype=kind)
    # Below t is at most the next smaller number, of those that inputs can be.
    threshold = np.where(strict, np.nextafter(threshold, kind(-np.inf)), threshold).astype(np.float64)
    feature = np.where(leaf, 0, np.asarray(attributes["nodes_featureids"], dtype=np.int64))
    if feature.min() < 0 or feature.max() >= len(order):
        return None
    tracks = np.asarray(attributes.get("nodes_missing_value_tracks_true", np.zeros(len(key))), dtype=bool)
    children = np.zeros(len(key), dtype=bool)
    children[true[inner]] = children[false[inner]] = True
    return {
        "key": key,
        "roots": np.flatnonzero(~children).astype(np.int32),
        "left": np.where(below, true, false).astype(np.int32),
        "right": np.where(below, false, true).astype(np.int32),
        "feature": order[feature].astype(np.int32),
        "threshold": np.where(leaf, 0.0, threshold),
        "default_left": np.where(leaf, False, tracks == below),
        "value": np.zeros(len(key)),
        "cover": np.full(len(key), np.nan),
    }


def _key(trees: Any, nodes: Any) -> np.ndarray[Any, Any]:
    import numpy as np

    return (np.asarray(trees, dtype=np.int64) << 32) | np.asarray(nodes, dtype=np.int64)


def _places(key: np.ndarray[Any, Any], trees: Any, nodes: Any) -> np.ndarray[Any, Any]:
    """Where the nodes of these numbers stand; raises ``ValueError`` for one that is not there."""
    import numpy as np

    wanted, order = _key(trees, nodes), np.argsort(key)
    place = np.minimum(np.searchsorted(key, wanted, sorter=order), len(key) - 1)
    found = order[place]
    if (key[found] != wanted).any():
        raise ValueError("the trees name a node that is not there")
    return found
