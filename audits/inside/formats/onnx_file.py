"""Models in ONNX files, run by onnxruntime on the processor; weights outside the file are refused before it is loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audits.inside.formats.class_names import decided
from audits.inside.formats.loaded import Answer, Description, Rows
from audits.inside.formats.onnx_graph import classes_in, has_trees, refuse_external_data
from audits.inside.refusal import Refusal

if TYPE_CHECKING:
    import numpy as np

_FLOATS = {"tensor(float)": "float32", "tensor(double)": "float64", "tensor(float16)": "float16"}
_WHOLE = {"tensor(int64)": "int64", "tensor(int32)": "int32", "tensor(int8)": "int8", "tensor(bool)": "bool"}
_TEXT = "tensor(string)"
_MAPS = ("seq(map(int64,tensor(float)))", "seq(map(string,tensor(float)))")


class OnnxModel:
    """An ONNX graph.

    Attributes
    ----------
    proto
        The graph as its protocol buffer says, for who reads the trees out of it.
    """

    def __init__(self, proto: Any, session: Any, interface: Mapping[str, Any], libraries: Mapping[str, str]) -> None:
        self.proto = proto
        self.interface = interface
        self._session = session
        self._inputs = {node.name: node for node in session.get_inputs()}
        self._outputs = {node.name: node.type for node in session.get_outputs()}
        self.stacked = _is_stacked(session.get_inputs(), interface["inputs"])
        self._scores, self._label = _chosen(self._outputs, interface)
        self._keys: list[Any] = []
        classes = () if interface["task"] == "regression" else classes_in(proto)
        self.description = Description(
            format="onnx",
            inputs={name: _kind(self._input_of(name).type) for name in interface["inputs"]},
            outputs=tuple(self._outputs),
            classes=classes,
            libraries=libraries,
            told={
                "opset": ", ".join(
                    sorted({f"{item.domain or 'ai.onnx'} {item.version}" for item in proto.opset_import})
                ),
                "producer": f"{proto.producer_name} {proto.producer_version}".strip(),
            },
            trees=has_trees(proto),
        )

    def answer(self, rows: Rows, *, decisions: bool) -> Answer:
        """The output for scores, and that for labels where it is wanted, or where nothing else names the classes."""
        own = self._label and (decisions or not self._scores or not self.description.classes)
        wanted = [name for name in (self._scores, self._label if own else "") if name]
        found = dict(zip(wanted, self._session.run(wanted, self._feed(rows)), strict=True))
        values = None
        if self._scores:
            values = self._values(found[self._scores], rows.count)
        label = found.get(self._label) if own and self.interface["task"] != "regression" else None
        return Answer(values=values, decisions=None if label is None else decided(label))

    def outputs(self, rows: Rows) -> Mapping[str, Any]:
        """All outputs; lists of maps as the columns of their keys in order."""
        found = dict(zip(self._outputs, self._session.run(list(self._outputs), self._feed(rows)), strict=True))
        return {name: self._values(out, rows.count) if isinstance(out, list) else out for name, out in found.items()}

    def _feed(self, rows: Rows) -> dict[str, Any]:
        if self.stacked:
            (node,) = self._inputs.values()
            block = _as_type(rows.stacked(), node.type, node.name)
            return {node.name: block.reshape(-1) if len(node.shape) == 1 else block}
        feed = {}
        for name, node in self._inputs.items():
            values = _as_type(rows.column(name), node.type, name)
            feed[name] = values.reshape(-1, *[1] * (len(node.shape) - 1))
        return feed

    def _values(self, found: Any, count: int) -> np.ndarray[Any, Any]:
        import numpy as np

        if isinstance(found, list):
            self._keys = self._keys or sorted(found[0]) if found else []
            rows = [[row[key] for key in self._keys] for row in found]
            return np.array(rows, dtype=np.float64).reshape(count, -1)
        array = np.asarray(found, dtype=np.float64)
        if array.shape[:1] != (count,):
            raise Refusal(f"answered with the shape {array.shape} to {count} rows")
        return array.reshape(count, -1)

    def _input_of(self, name: str) -> Any:
        return next(iter(self._inputs.values())) if self.stacked else self._inputs[name]


def load(path: Path, interface: Mapping[str, Any]) -> OnnxModel:
    """Load a file.

    Raises
    ------
    Refusal
        If it is no sound ONNX file, keeps weights elsewhere, or does not fit the interface.
    """
    import onnx
    import onnxruntime

    content = path.read_bytes()
    try:
        proto = onnx.load_model_from_string(content)
    except Exception as error:  # noqa: BLE001 - DecodeError is of a library that has no types
        raise Refusal(f"is no sound ONNX file: {error}") from None
    if not proto.graph.node:
        raise Refusal("is no sound ONNX file: its graph has no node")
    refuse_external_data(proto)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    # What the runtime raises has no common class but Exception.
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - see above
        raise Refusal(f"cannot be loaded: {_first_line(error)}") from None
    return OnnxModel(proto, session, interface, {"onnxruntime": onnxruntime.__version__, "onnx": onnx.__version__})


def _is_stacked(inputs: Sequence[Any], names: Sequence[str]) -> bool:
    """Whether one tensor takes all columns; otherwise each column has an input of its own name."""
    if len(inputs) == 1 and (len(names) > 1 or inputs[0].name != names[0]):
        (node,) = inputs
        if len(node.shape) not in {1, 2}:
            raise Refusal(f"reads {node.name!r} of shape {node.shape}; a table of rows and columns is what we can give")
        width = node.shape[1] if len(node.shape) > 1 else 1
        if isinstance(width, int) and width > 0 and width != len(names):
            raise Refusal(f"reads {width} columns, and execution.inputs names {len(names)}: {_listed(names)}")
        return True
    there = [node.name for node in inputs]
    if set(there) != set(names):
        raise Refusal(f"reads the inputs {_listed(there)}, and execution.inputs names {_listed(names)}; name the same")
    return False


def _chosen(outputs: Mapping[str, str], interface: Mapping[str, Any]) -> tuple[str, str]:
    """The names of the outputs that hold scores and labels; empty where there is none."""
    numbers = [name for name, kind in outputs.items() if kind in _FLOATS or kind in _MAPS]
    labels = [name for name, kind in outputs.items() if kind in _WHOLE or kind == _TEXT]
    label = labels[0] if len(labels) == 1 else ""
    stated = interface["output"]
    if stated:
        if stated not in outputs:
            raise Refusal(f"has no output {stated!r}; it has {_listed(list(outputs))}")
        if stated not in numbers and stated != label:
            raise Refusal(f"the output {stated!r} is {outputs[stated]}; name one that holds floating-point numbers")
        return (stated if stated in numbers else "", label)
    if len(numbers) > 1:
        numbers = [name for name in numbers if "prob" in name.lower()]
        if len(numbers) != 1:
            raise Refusal(f"has the outputs {_listed(list(outputs))}; say in execution.output which one is the score")
    if not numbers and interface["task"] == "regression" and label and outputs[label] != _TEXT:
        return label, ""
    if not numbers and not label:
        raise Refusal(f"has the outputs {_listed(list(outputs))}, none of which holds scores or labels")
    return (numbers[0] if numbers else "", label)


def _kind(type_: str) -> str:
    return "text" if type_ == _TEXT else "number" if type_ in _FLOATS or type_ in _WHOLE else "unknown"


def _as_type(values: np.ndarray[Any, Any], type_: str, name: str) -> np.ndarray[Any, Any]:
    """The values as the input wants them; text that is missing is the empty text, since ONNX has no other."""
    import numpy as np

    if type_ == _TEXT:
        flat = [value if isinstance(value, str) else _written(value) for value in values.reshape(-1)]
        return np.array(flat, dtype=object).reshape(values.shape)
    if values.dtype.kind == "O":
        raise Refusal(f"the input {name!r} takes numbers, and a column of texts was given")
    if type_ in _FLOATS:
        return np.ascontiguousarray(values, dtype=_FLOATS[type_])
    if type_ not in _WHOLE:
        raise Refusal(f"the input {name!r} is {type_}, which we cannot give")
    if values.dtype.kind == "f" and not np.array_equal(values, np.trunc(values)):
        raise Refusal(f"the input {name!r} takes whole numbers, and there are others or missing ones")
    return np.ascontiguousarray(values, dtype=_WHOLE[type_])


def _written(value: Any) -> str:
    if isinstance(value, float):
        return "" if value != value else str(int(value)) if value.is_integer() else repr(value)  # noqa: PLR0124 - NaN
    return str(value)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:500]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""  # noqa: PLR2004 - what one sentence holds
    return ", ".join(names[:20]) + more
