"""What the graph of an ONNX file says without being run: weights elsewhere, names of classes, trees."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from audits.inside.formats.class_names import class_names
from audits.inside.refusal import Refusal

_LABELS = ("classlabels_strings", "classlabels_int64s", "classlabels_ints")


def refuse_external_data(proto: Any) -> None:
    """Raise :class:`Refusal` where any tensor, however deep, is kept outside the file."""
    for tensor in tensors_of(proto):
        if tensor.external_data or tensor.data_location == tensor.EXTERNAL:
            place = next((entry.value for entry in tensor.external_data if entry.key == "location"), "another file")
            raise Refusal(
                f"keeps the tensor {tensor.name[:100]!r} outside the file, in {place[:200]!r}; "
                "save the model as one file: onnx.save(model, path, save_as_external_data=False)"
            )


def tensors_of(proto: Any) -> Iterator[Any]:
    """Every tensor of a model: of its graph, functions and training information, and of what they hold."""
    for function in proto.functions:
        yield from _of_nodes(function.node)
        for attribute in function.attribute_proto:
            yield from _of_attribute(attribute)
    for training in proto.training_info:
        yield from _of_graph(training.initialization)
        yield from _of_graph(training.algorithm)
    yield from _of_graph(proto.graph)


def nodes_of(proto: Any) -> Iterator[Any]:
    """The nodes of the main graph."""
    yield from proto.graph.node


def classes_in(proto: Any) -> tuple[str, ...]:
    """The classes that the classifiers of the graph name, as texts; empty where none does, or they disagree."""
    found = set()
    for node in nodes_of(proto):
        for attribute in node.attribute:
            values = attribute.strings or attribute.ints
            if attribute.name in _LABELS and values:
                found.add(class_names(values))
    found |= {class_names(_values_of(tensor)) for tensor in proto.graph.initializer if tensor.name == "classes"}
    return found.pop() if len(found) == 1 else ()


def has_trees(proto: Any) -> bool:
    """Whether one node alone, perhaps with casts and the naming of classes behind it, is an ensemble of trees."""
    return [str(node.op_type).startswith("TreeEnsemble") for node in nodes_of(proto)].count(True) == 1


def _values_of(tensor: Any) -> Any:
    from onnx import numpy_helper

    return numpy_helper.to_array(tensor).reshape(-1)


def _of_graph(graph: Any) -> Iterator[Any]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield sparse.values
        yield sparse.indices
    yield from _of_nodes(graph.node)


def _of_nodes(nodes: Any) -> Iterator[Any]:
    for node in nodes:
        for attribute in node.attribute:
            yield from _of_attribute(attribute)


def _of_attribute(attribute: Any) -> Iterator[Any]:
    if attribute.HasField("t"):
        yield attribute.t
    yield from attribute.tensors
    for sparse in [
        *attribute.sparse_tensors,
        *([attribute.sparse_tensor] if attribute.HasField("sparse_tensor") else []),
    ]:
        yield sparse.values
        yield sparse.indices
    if attribute.HasField("g"):
        yield from _of_graph(attribute.g)
    for graph in attribute.graphs:
        yield from _of_graph(graph)
