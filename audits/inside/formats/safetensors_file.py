"""Models whose files hold weights alone, read by one of a few architectures that are written here: linear, logistic, mlp.

Tensors, of ``d`` columns and ``k`` outputs (docs/models.md has the same for people):

- ``linear`` and ``logistic``: ``weight`` (k, d) or (d,), ``bias`` (k,) or a single number;
- ``mlp``: ``layers.0.weight`` (h, d), ``layers.0.bias`` (h,), ``layers.1.weight`` … up to the outputs;
- each may have ``input.mean`` and ``input.scale`` (d,): columns are ``(x - mean) / scale`` first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audits.inside.formats.loaded import Answer, Description, Rows
from audits.inside.refusal import Refusal

if TYPE_CHECKING:
    import numpy as np

_ACTIVATIONS = ("relu", "tanh")
_METADATA = frozenset({"format", "architecture", "activation", "inputs", "classes"})
_LAYER = re.compile(r"layers\.(0|[1-9][0-9]{0,2})\.(weight|bias)")
_INPUT = ("input.mean", "input.scale")
_HEADER = 8


class WeightsModel:
    """Layers of weights, the activation between them, and what becomes of the outputs."""

    def __init__(
        self,
        tensors: dict[str, np.ndarray[Any, Any]],
        metadata: Mapping[str, str],
        interface: Mapping[str, Any],
        libraries: Mapping[str, str],
    ) -> None:
        self.interface = interface
        self._architecture = _architecture_of(metadata, interface)
        self._activation = metadata.get("activation", "relu")
        if self._activation not in _ACTIVATIONS:
            raise Refusal(f"names the activation {self._activation!r}; known are {', '.join(_ACTIVATIONS)}")
        _check_inputs(metadata, interface)
        self._mean, self._scale = _scaling(tensors, len(interface["inputs"]))
        self._layers = _layers(tensors, self._architecture, len(interface["inputs"]))
        outputs = len(self._layers[-1][1])
        classes = _list_in(metadata, "classes")
        if interface["task"] == "regression" and self._architecture == "logistic":
            raise Refusal("is of the architecture 'logistic', and the task is regression; say linear or mlp")
        self.description = Description(
            format="safetensors",
            inputs=dict.fromkeys(interface["inputs"], "number"),
            outputs=tuple("output" if outputs == 1 else f"output:{place}" for place in range(outputs)),
            classes=() if interface["task"] == "regression" else classes,
            libraries=libraries,
            told={"architecture": self._architecture},
        )

    def answer(self, rows: Rows, *, decisions: bool) -> Answer:
        """The outputs: probabilities by the logistic function (one output) or softmax, plain numbers from ``linear``."""
        import numpy as np

        if rows.texts:
            raise Refusal(f"reads numbers, and the column {rows.texts[0]!r} holds texts")
        block = (rows.stacked() - self._mean) / self._scale
        for place, (weight, bias) in enumerate(self._layers):
            if place:
                block = np.tanh(block) if self._activation == "tanh" else np.maximum(block, 0)
            block = block @ weight.T + bias
        plain = self._architecture == "linear" or self.interface["task"] == "regression"
        return Answer(values=block if plain else _probabilities(block))

    def outputs(self, rows: Rows) -> Mapping[str, Any]:
        """The outputs as they are scored."""
        return {"output": self.answer(rows, decisions=False).values}


def load(path: Path, interface: Mapping[str, Any]) -> WeightsModel:
    """Load a file.

    Raises
    ------
    Refusal
        If it is no sound safetensors file, names another architecture, or its tensors are not what that one reads.
    """
    import numpy as np
    import safetensors
    import safetensors.numpy

    content = path.read_bytes()
    try:
        tensors = safetensors.numpy.load(content)
    except (safetensors.SafetensorError, TypeError, KeyError, ValueError) as error:
        raise Refusal(f"is no sound safetensors file: {error}") from None
    length = int.from_bytes(content[:_HEADER], "little")
    metadata = json.loads(content[_HEADER : _HEADER + length]).get("__metadata__", {})
    floats = {}
    for name, tensor in tensors.items():
        floats[name] = np.asarray(tensor, dtype=np.float64)
        if not np.isfinite(floats[name]).all():
            raise Refusal(f"has numbers in {name[:100]!r} that are not finite")
    return WeightsModel(floats, metadata, interface, {"safetensors": safetensors.__version__, "numpy": np.__version__})


def _architecture_of(metadata: Mapping[str, str], interface: Mapping[str, Any]) -> str:
    known = ("linear", "logistic", "mlp")
    if unknown := sorted(set(metadata) - _METADATA):
        raise Refusal(f"has metadata {unknown[0][:100]!r}; known are {', '.join(sorted(_METADATA))}")
    stated, told = str(interface["architecture"]), metadata.get("architecture", "")
    if stated and told and stated != told:
        raise Refusal(f"says that its architecture is {told!r}, and execution.architecture says {stated!r}")
    found = stated or told
    if found not in known:
        raise Refusal(
            f"needs an architecture that reads it: say {', '.join(known)} in execution.architecture, not {found!r}; "
            "convert any other to ONNX"
        )
    return found


def _check_inputs(metadata: Mapping[str, str], interface: Mapping[str, Any]) -> None:
    told = _list_in(metadata, "inputs")
    if told and told != tuple(interface["inputs"]):
        raise Refusal(f"reads {', '.join(told[:20])}, and execution.inputs names {', '.join(interface['inputs'][:20])}")


def _list_in(metadata: Mapping[str, str], key: str) -> tuple[str, ...]:
    text = metadata.get(key)
    if text is None:
        return ()
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, list) or not all(isinstance(item, str) and item for item in found):
        raise Refusal(f"has metadata {key!r} that is no JSON list of texts")
    return tuple(found)


def _scaling(tensors: dict[str, np.ndarray[Any, Any]], width: int) -> tuple[Any, Any]:
    import numpy as np

    mean, scale = (tensors.pop(name, None) for name in _INPUT)
    if (mean is None) != (scale is None):
        raise Refusal("has one of input.mean and input.scale; it must have both or neither")
    if mean is None or scale is None:
        return np.zeros(width), np.ones(width)
    for name, tensor in zip(_INPUT, (mean, scale), strict=True):
        _check(name, tensor, (width,))
    if (scale == 0).any():
        raise Refusal("has a 0 in input.scale")
    return mean, scale


def _layers(
    tensors: Mapping[str, np.ndarray[Any, Any]], architecture: str, width: int
) -> list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
    """Weight (outputs, inputs) and bias (outputs,) of each layer, checked to fit one another."""
    if architecture == "mlp":
        for name in tensors:
            if not _LAYER.fullmatch(name):
                raise Refusal(f"has a tensor {name[:100]!r}, which mlp does not read: layers.0.weight, layers.0.bias …")
        count = 1 + max((int(name.split(".")[1]) for name in tensors), default=0)
        names = [(f"layers.{place}.weight", f"layers.{place}.bias") for place in range(count)]
    else:
        names = [("weight", "bias")]
    wanted = {name for pair in names for name in pair}
    if wanted != set(tensors):
        there = ", ".join(sorted(tensors))[:300]
        raise Refusal(f"has the tensors {there}; {architecture} reads {', '.join(sorted(wanted))[:300]}")
    found = []
    for weight_name, bias_name in names:
        weight = tensors[weight_name]
        if architecture != "mlp" and weight.ndim == 1:
            weight = weight.reshape(1, -1)
        outputs = weight.shape[0] if weight.ndim else 0
        _check(weight_name, weight, (outputs, width))
        bias = tensors[bias_name].reshape(-1) if outputs == 1 else tensors[bias_name]
        _check(bias_name, bias, (outputs,))
        found.append((weight, bias))
        width = outputs
    return found


def _check(name: str, tensor: np.ndarray[Any, Any], shape: tuple[int, ...]) -> None:
    if tensor.shape != shape or 0 in shape:
        raise Refusal(f"has {name} of the shape {tensor.shape}; {shape} is what fits")


def _probabilities(block: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    import numpy as np

    if block.shape[1] == 1:
        # Written so that neither side overflows.
        small = np.exp(-np.abs(block))
        single: np.ndarray[Any, Any] = np.where(block >= 0, 1 / (1 + small), small / (1 + small))
        return single
    shifted = np.exp(block - block.max(axis=1, keepdims=True))
    found: np.ndarray[Any, Any] = shifted / shifted.sum(axis=1, keepdims=True)
    return found
