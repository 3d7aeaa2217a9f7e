"""What could run code when it is loaded is refused by name and by content, with the way to convert it, before a sandbox starts."""

from __future__ import annotations

import gzip
import io
import pickle
import zipfile

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from audits.scoring.formats import format_of
from audits.scoring.source import ModelFile
from registry.errors import InvalidInput
from registry.execution import Interface
from tests.audits.scoring_cases import saved


def file_of(folder, name, content):
    path = folder / "stored-under-its-digest"
    path.write_bytes(content)
    return ModelFile(name=name, path=path, interface=Interface(inputs=("x",)))


def zipped(first):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(first, b"x")
        archive.writestr("more", b"y")
    return buffer.getvalue()


def joblibbed(**options):
    buffer = io.BytesIO()
    joblib.dump({"a": np.arange(9)}, buffer, **options)
    return buffer.getvalue()


PICKLE, SKLEARN = "is a pickle", "skops.io.dump"
HIDDEN = [
    *[(pickle.dumps({"a": 1}, protocol=protocol), PICKLE) for protocol in (2, 3, 4, 5)],
    (joblibbed(), PICKLE),
    (joblibbed(compress=3), "is a compressed file"),
    (gzip.compress(b"x"), "is a compressed file"),
    (b"\x89HDF\r\n\x1a\n" + bytes(100), "is a file of HDF5"),
    (zipped("archive/data.pkl"), "is a zip that holds a pickle"),
    (zipped("metadata.json"), "is a file of Keras"),
]


@pytest.mark.parametrize("suffix", ["onnx", "skops", "safetensors", "bin", ""])
def test_the_content_is_refused_whatever_the_name_says(suffix, tmp_path):
    for content, said in HIDDEN:
        with pytest.raises(InvalidInput, match=said) as refusal:
            format_of(file_of(tmp_path, f"models/m.{suffix}", content))
        assert "kept but not run" in str(refusal.value)
        assert "Open Inference Protocol" in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("m.pkl", SKLEARN),
        ("m.JOBLIB", SKLEARN),
        ("m.pt", "torch.onnx.export"),
        ("m.keras", "model.export"),
        ("m.h5", "model.export"),
        ("m.xgb", "convert the model to ONNX"),
        ("m", "no .onnx, .skops, .safetensors file"),
    ],
)
def test_a_name_that_is_not_run_is_refused_with_the_way_to_convert(name, said, tmp_path):
    # A pickle of protocol 0 has no beginning of its own: its name tells.
    with pytest.raises(InvalidInput, match=said):
        format_of(file_of(tmp_path, name, pickle.dumps({"a": 1}, protocol=0)))


def test_the_content_must_be_what_the_name_says(tmp_path):
    sound = saved(LogisticRegression().fit([[0.0], [1.0]], [0, 1]), tmp_path, "good").read_bytes()
    assert format_of(file_of(tmp_path, "a/b.skops", sound)) == "skops"
    assert format_of(file_of(tmp_path, "b.ONNX", b"\x08\x0a rest")) == "onnx"
    for length in (40, 640, 1152, 0x9C78):  # as little-endian bytes, the last three begin as pickles and as zlib do
        assert format_of(file_of(tmp_path, "b.safetensors", length.to_bytes(8, "little") + b"{}")) == "safetensors"
    for name in ("b.onnx", "b.safetensors"):
        with pytest.raises(InvalidInput, match="by its content"):
            format_of(file_of(tmp_path, name, sound))
    with pytest.raises(InvalidInput, match="is no skops file by its content"):
        format_of(file_of(tmp_path, "b.skops", b"\x08\x0a rest"))
    with pytest.raises(InvalidInput, match="is empty"):
        format_of(file_of(tmp_path, "b.skops", b""))
