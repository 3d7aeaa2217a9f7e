"""Which format a model file is in, told by name and first bytes together; what is not run is refused with the way out. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from audits.scoring.source import ModelFile
from registry.errors import InvalidInput

ONNX, SKOPS, SAFETENSORS = "onnx", "skops", "safetensors"
FORMATS = {f".{name}": name for name in (ONNX, SKOPS, SAFETENSORS)}

_FIRST = 512
_MOST_HEADER = 100 << 20
_ONNX_TAGS = frozenset(b"\x08\x12\x1a\x22\x28\x32\x3a\x42\x72")
"""First bytes that a ModelProto can have: the tags of its fields."""

_ENDPOINT = "or serve it at an endpoint that speaks the Open Inference Protocol, version 2"
_SKLEARN = (
    f"save the model by skops.io.dump(model, 'model.skops'), convert it by skl2onnx.to_onnx(model, X[:1]), {_ENDPOINT}"
)
_TORCH = f"convert the model by torch.onnx.export(model, args, 'model.onnx'), {_ENDPOINT}"
_KERAS = f"convert the model by model.export('model.onnx', format='onnx') or tf2onnx, {_ENDPOINT}"
_ANY = f"convert the model to ONNX, {_ENDPOINT}"

_SUFFIXES: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys((".pkl", ".pickle", ".joblib", ".dill", ".cloudpickle"), ("a pickle", _SKLEARN)),
    **dict.fromkeys((".pt", ".pth", ".bin", ".ckpt"), ("a file of PyTorch, which holds a pickle", _TORCH)),
    **dict.fromkeys((".h5", ".hdf5", ".keras"), ("a file of Keras", _KERAS)),
}

_PACKED = (
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ",
    b"\x5d\x00\x00",
    b"\x04\x22\x4d\x18",
    b"\x28\xb5\x2f\xfd",
    b"\x78\x01",
    b"\x78\x5e",
    b"\x78\x9c",
    b"\x78\xda",
)


def format_of(source: ModelFile) -> str:
    """``onnx``, ``skops`` or ``safetensors``. Reads the first bytes only, and parses nothing.

    Raises
    ------
    InvalidInput
        If it is none of these by its name or by its content, saying what it is and how to convert it.
    """
    suffix = PurePosixPath(source.name).suffix.lower()
    with source.path.open("rb") as file:
        first = file.read(_FIRST)
    # The length at the beginning of a safetensors file may have any bytes, those of a pickle too; its reader runs nothing.
    weights = suffix == f".{SAFETENSORS}" and _looks_like(SAFETENSORS, first)
    if not weights and (refusal := _refused_content(first)):
        raise _refused(source, *refusal)
    if suffix in _SUFFIXES:
        raise _refused(source, *_SUFFIXES[suffix])
    found = FORMATS.get(suffix)
    if found is None:
        raise _refused(source, f"no {', '.join(FORMATS)} file", _ANY)
    if not first:
        raise InvalidInput(f"{source.name}: is empty", field="model")
    if not _looks_like(found, first):
        raise InvalidInput(f"{source.name}: is no {found} file by its content; save the model again", field="model")
    return found


def _refused_content(first: bytes) -> tuple[str, str] | None:
    """What the first bytes say of a file that is never run, and the way out."""
    if first[:1] == b"\x80" and first[1:2] in {b"\x02", b"\x03", b"\x04", b"\x05"}:
        return "a pickle", _SKLEARN
    if first.startswith(_PACKED):
        return "a compressed file, as joblib writes pickles", _SKLEARN
    if first.startswith(b"\x89HDF\r\n\x1a\n"):
        return "a file of HDF5, as Keras writes them", _KERAS
    if first.startswith(b"PK\x03\x04"):
        length = int.from_bytes(first[26:28], "little")
        name = first[30 : 30 + length]
        if name.endswith((b".pkl", b".pickle")):
            return "a zip that holds a pickle, as PyTorch writes them", _TORCH
        if name in {b"metadata.json", b"config.json", b"model.weights.h5"}:
            return "a file of Keras", _KERAS
    return None


def _looks_like(format_: str, first: bytes) -> bool:
    if format_ == ONNX:
        return first[0] in _ONNX_TAGS
    if format_ == SKOPS:
        return first.startswith(b"PK\x03\x04")
    return first[8:9] == b"{" and int.from_bytes(first[:8], "little") < _MOST_HEADER


def _refused(source: ModelFile, what: str, way: str) -> InvalidInput:
    message = f"{source.name}: is {what}, and is kept but not run: loading it could run anything. To have it run, {way}"
    return InvalidInput(message, field="model")
