"""The Open Inference Protocol, version 2, as JSON and as JSON with binary tensors: questions and answers. Pure."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audits.sandbox.errors import ModelFailed

if TYPE_CHECKING:
    import numpy as np

BYTES, BOOL = "BYTES", "BOOL"
FLOATS = {"FP64": "<f8", "FP32": "<f4", "FP16": "<f2"}
WHOLE = {
    "INT64": "<i8",
    "INT32": "<i4",
    "INT16": "<i2",
    "INT8": "i1",
    "UINT64": "<u8",
    "UINT32": "<u4",
    "UINT16": "<u2",
    "UINT8": "u1",
}
BINARY = ("binary_tensor_data", "binary_data")
"""Names of the extension in a server's metadata; KServe and Triton write them differently."""

_NAME = re.compile(r"[^\x00-\x1f]{1,200}")
_MOST = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorShape:
    """A tensor as metadata announce it; -1 in the shape is any size."""

    name: str
    datatype: str
    shape: tuple[int, ...]


def announced(metadata: Any, key: str) -> tuple[TensorShape, ...]:
    """The tensors that a model's metadata announce under ``inputs`` or ``outputs``; empty where they say nothing.

    Raises
    ------
    ModelFailed
        If they are not what the protocol says.
    """
    given = metadata.get(key) if isinstance(metadata, Mapping) else None
    if given is None:
        return ()
    if not isinstance(given, list) or len(given) > _MOST:
        raise ModelFailed(f"the endpoint's metadata have {key} that are no list of tensors")
    return tuple(_announced(item, key) for item in given)


def encode(
    tensors: Sequence[tuple[TensorShape, np.ndarray[Any, Any]]], *, binary: bool
) -> tuple[bytes, dict[str, str]]:
    """The body of a question and its headers.

    Parameters
    ----------
    tensors
        Each with its values, of the shape that is to be sent. Missing numbers are ``null`` in JSON and NaN in binary.
    """
    described: list[dict[str, Any]] = []
    blobs: list[bytes] = []
    for tensor, values in tensors:
        item: dict[str, Any] = {"name": tensor.name, "datatype": tensor.datatype, "shape": list(values.shape)}
        if binary:
            blobs.append(_blob(tensor.datatype, values))
            item["parameters"] = {"binary_data_size": len(blobs[-1])}
        else:
            item["data"] = _plain(tensor.datatype, values)
        described.append(item)
    head = json.dumps({"inputs": described}, allow_nan=False).encode()
    if not binary:
        return head, {"Content-Type": "application/json"}
    headers = {"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": str(len(head))}
    return head + b"".join(blobs), headers


def decode(answer: Any) -> dict[str, tuple[str, np.ndarray[Any, Any]]]:
    """Name to datatype and values of every output.

    Numbers are float64 with NaN where there is ``null``; texts and truth values are objects.

    Raises
    ------
    ModelFailed
        If the answer is not what the protocol says, or shape and values do not fit.
    """
    given = answer.get("outputs") if isinstance(answer, Mapping) else None
    if not isinstance(given, list) or not given or len(given) > _MOST:
        raise ModelFailed("the endpoint answered without outputs")
    found = {}
    for item in given:
        tensor = _announced(item, "outputs")
        if any(size < 0 for size in tensor.shape):
            raise ModelFailed(f"the endpoint answered {tensor.name!r} with the shape {list(tensor.shape)}")
        found[tensor.name] = (tensor.datatype, _values(tensor, item.get("data")))
    return found


def as_type(datatype: str, values: np.ndarray[Any, Any], name: str) -> np.ndarray[Any, Any]:
    """Values as a tensor of that type takes them: whole numbers must be whole, and nothing missing but in floats and texts.

    Raises
    ------
    ModelFailed
        Naming the tensor that the values do not fit.
    """
    import numpy as np

    if datatype == BYTES:
        flat = ["" if value is None or value != value else str(value) for value in values.reshape(-1).tolist()]  # noqa: PLR0124 - NaN
        return np.array(flat, dtype=object).reshape(values.shape)
    if values.dtype.kind == "O":
        raise ModelFailed(f"the input {name!r} takes {datatype}, and a column of texts was given")
    if datatype in FLOATS:
        return values.astype(FLOATS[datatype])
    if datatype not in WHOLE and datatype != BOOL:
        raise ModelFailed(f"the input {name!r} takes {datatype}, which we cannot give")
    if values.dtype.kind == "f" and not np.array_equal(values, np.trunc(values)):
        raise ModelFailed(f"the input {name!r} takes {datatype}, and there are other numbers or missing ones")
    return values.astype(bool if datatype == BOOL else WHOLE[datatype])


def _announced(item: Any, key: str) -> TensorShape:
    if isinstance(item, Mapping):
        name, datatype, shape = item.get("name"), item.get("datatype"), item.get("shape")
        known = isinstance(datatype, str) and (datatype in FLOATS or datatype in WHOLE or datatype in {BYTES, BOOL})
        sized = isinstance(shape, list) and all(type(size) is int and size >= -1 for size in shape)
        if isinstance(name, str) and _NAME.fullmatch(name) and known and sized:
            return TensorShape(name=name, datatype=str(datatype), shape=tuple(shape or ()))
    raise ModelFailed(f"the endpoint says {str(item)[:100]!r} among its {key}, which is no tensor of the protocol")


def _plain(datatype: str, values: np.ndarray[Any, Any]) -> list[Any]:
    flat: list[Any] = values.reshape(-1).tolist()
    if datatype in FLOATS:
        return [value if math.isfinite(value) else None for value in flat]
    return flat


def _blob(datatype: str, values: np.ndarray[Any, Any]) -> bytes:
    if datatype != BYTES:
        return values.tobytes()
    parts = []
    for text in values.reshape(-1).tolist():
        encoded = text.encode()
        parts += [len(encoded).to_bytes(4, "little"), encoded]
    return b"".join(parts)


def _values(tensor: TensorShape, data: Any) -> np.ndarray[Any, Any]:
    import numpy as np

    if not isinstance(data, list):
        raise ModelFailed(f"the endpoint answered {tensor.name!r} without data")
    texts = tensor.datatype in {BYTES, BOOL}
    try:
        flat = np.array(data, dtype=object if texts else np.float64).reshape(-1)
        return flat.reshape(tensor.shape)
    except (ValueError, TypeError, OverflowError):
        message = f"the endpoint answered {tensor.name!r} with values that are not {tensor.datatype} of shape {list(tensor.shape)}"
        raise ModelFailed(message) from None
