"""Model files made to harm: each is refused or fails in words, within its limits, and the next model is run as ever."""

import io
import json
import struct
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from onnx import TensorProto, helper
from sklearn.linear_model import LogisticRegression

from audits.sandbox.errors import ModelFailed
from audits.sandbox.limits import Limits
from audits.sandbox.probe import probe
from audits.sandbox.script import run_script
from audits.scoring.opening import open_model
from audits.scoring.source import ModelFile
from registry.execution import Interface
from tests.audits.scoring_cases import saved

MIB = 1024 * 1024
LIMITS = Limits(memory_bytes=2048 * MIB, cpu_seconds=60, wall_seconds=120.0, output_bytes=8 * MIB, file_bytes=64 * MIB)
LOADER = Path(__file__).parent / "escapes/load_models.py"
ROWS = 20
BLOCK = np.random.default_rng(7).normal(size=(ROWS, 2))

pytestmark = pytest.mark.skipif(not probe().works, reason=f"no sandbox works here: {probe().reason}")


def asked(path, *, limits=LIMITS):
    """The scores that a model file gives, or the refusal."""
    source = ModelFile(name=path.name, path=path, interface=Interface(inputs=("a", "b"), threshold=0.5))
    batch = pa.record_batch({"a": BLOCK[:, 0], "b": BLOCK[:, 1]})
    with open_model(source, limits=limits) as model:
        return [score for answer in model.score(iter([batch])) for score in answer.column("score").to_pylist()]


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    return saved(LogisticRegression().fit(BLOCK, np.arange(ROWS) % 2), tmp_path_factory.mktemp("sound"))


def changed(sound, path, change):
    """The sound skops file with its entries changed."""
    with zipfile.ZipFile(sound) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    change(entries)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def schema_of(node):
    def change(entries):
        kept = json.loads(entries["schema.json"])
        entries["schema.json"] = json.dumps(
            {"protocol": kept["protocol"], "_skops_version": kept["_skops_version"], **node}
        ).encode()

    return change


def arguments(*values):
    content = [
        {
            "__class__": "str",
            "__module__": "builtins",
            "__loader__": "JsonNode",
            "content": json.dumps(value),
            "is_json": True,
        }
        for value in values
    ]
    return {"__class__": "tuple", "__module__": "builtins", "__loader__": "TupleNode", "content": content}


def mapping():
    keys = {"__class__": "list", "__module__": "builtins", "__loader__": "ListNode", "content": []}
    return {"__class__": "dict", "__module__": "builtins", "__loader__": "DictNode", "content": {}, "key_types": keys}


CALLS = {
    "an object that is rebuilt by a call": {
        "__class__": "Popen", "__module__": "subprocess", "__loader__": "ReduceNode",
        "__reduce__": {"args": arguments("id")}, "content": None,
    },
    "a function": {"__class__": "function", "__module__": "os", "__loader__": "FunctionNode", "content": "system"},
    "a type": {"__class__": "system", "__module__": "os", "__loader__": "TypeNode"},
    "a partial": {
        "__class__": "partial", "__module__": "functools", "__loader__": "PartialNode",
        "content": {
            "func": {"__class__": "function", "__module__": "os", "__loader__": "FunctionNode", "content": "system"},
            "args": arguments("id"), "kwds": mapping(), "namespace": mapping(),
        },
    },
    "an operator that says that it is another": {
        "__class__": "call", "__module__": "builtins", "__loader__": "OperatorFuncNode",
        "attrs": arguments("id"), "content": "system",
    },
    "a method of something trusted": {
        "__class__": "LogisticRegression", "__module__": "sklearn.linear_model._logistic", "__loader__": "MethodNode",
        "content": {"func": "__init__.__globals__", "obj": {"__class__": "LogisticRegression", "__module__": "sklearn.linear_model._logistic", "__loader__": "ObjectNode", "content": None}},
    },
    "an object of the operating system": {"__class__": "_wrap_close", "__module__": "os", "__loader__": "ObjectNode", "content": None},
}  # fmt: skip


def _large_schema(entries):
    entries["schema.json"] = b'{"x": "' + b" " * (200 * MIB) + b'"}'


def _deep_schema(entries):
    entries["schema.json"] = b'{"x":' * 50_000 + b"1" + b"}" * 50_000


def _array_of(content):
    def change(entries):
        for name in entries:
            if name.endswith(".npy"):
                entries[name] = content

    return change


def _header(shape, kind="<f8"):
    text = repr({"descr": kind, "fortran_order": False, "shape": shape}).encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def _pickled():
    buffer = io.BytesIO()
    np.save(buffer, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    return buffer.getvalue()


BOMBS = {
    "an archive that expands": _large_schema,
    "a schema as deep as a well": _deep_schema,
    "an array larger than memory": _array_of(_header((1 << 40,))),
    "an array larger than numbers": _array_of(_header((1 << 62, 1 << 62))),
    "an array of objects": _array_of(_pickled()),
    "an array that is none": _array_of(b"\x93NUMPY\x01\x00\xff\xff{"),
}


def graph(nodes, *, weights=(), output="score", shape=None):
    values = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 2])]
    outputs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)]
    model = helper.make_model(
        helper.make_graph(list(nodes), "g", values, outputs, list(weights)), opset_imports=[helper.make_opsetid("", 17)]
    )
    return replace_version(model)


def replace_version(model):
    model.ir_version = 8
    return model


def whole(name, *values):
    return helper.make_tensor(name, TensorProto.INT64, [len(values)], list(values))


def huge_initializer():
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1 << 40], raw_data=b"1234")
    return graph([helper.make_node("Identity", ["w"], ["score"])], weights=[tensor])


def negative_initializer():
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[-1, 4], raw_data=b"1234")
    return graph([helper.make_node("Identity", ["w"], ["score"])], weights=[tensor])


def constant_of_shape():
    node = helper.make_node("ConstantOfShape", ["w"], ["score"])
    return graph([node], weights=[whole("w", 1 << 20, 1 << 20)])


def tiled():
    return graph([helper.make_node("Tile", ["x", "w"], ["score"])], weights=[whole("w", 1, 1 << 30)])


def endless():
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Mul", ["v", "v"], ["w"])],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("v", TensorProto.FLOAT, [None, 2]),
        ],
        [
            helper.make_tensor_value_info("on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("w", TensorProto.FLOAT, [None, 2]),
        ],
    )
    trips = helper.make_tensor("n", TensorProto.INT64, [], [2**62])
    true = helper.make_tensor("t", TensorProto.BOOL, [], [True])
    return graph([helper.make_node("Loop", ["n", "t", "x"], ["score"], body=body)], weights=[trips, true])


def foreign():
    return graph([helper.make_node("Execute", ["x"], ["score"], domain="com.example.shell")])


def file_of_the_host():
    tensor = TensorProto(name="w", data_type=TensorProto.UINT8, dims=[10], data_location=TensorProto.EXTERNAL)
    for key, value in (("location", "/etc/passwd"), ("offset", "0"), ("length", "10")):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    return graph([helper.make_node("Cast", ["w"], ["score"], to=TensorProto.FLOAT)], weights=[tensor])


def library_of_the_host():
    """A graph that names a file by metadata alone is loaded as any other, and reads none."""
    model = graph([helper.make_node("ReduceSum", ["x", "axes"], ["score"])], weights=[whole("axes", 1)])
    for key in ("onnxruntime.custom_ops_library", "ORT_LOAD_CONFIG"):
        entry = model.metadata_props.add()
        entry.key, entry.value = key, "/etc/passwd"
    return model


def cyclic():
    return graph(
        [
            helper.make_node("Add", ["x", "b"], ["a"]),
            helper.make_node("Add", ["a", "x"], ["b"]),
            helper.make_node("Add", ["a", "b"], ["score"]),
        ]
    )


def nested():
    inner = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "g",
        [],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    )
    for _ in range(40):
        node = helper.make_node("If", ["t"], ["y"], then_branch=inner, else_branch=inner)
        inner = helper.make_graph([node], "g", [], [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)])
        if inner.ByteSize() > MIB:
            break
    return graph([*inner.node, helper.make_node("Identity", ["y"], ["score"])], weights=[])


HARMFUL = {
    "weights larger than memory": huge_initializer,
    "weights of a shape that is none": negative_initializer,
    "a constant larger than memory": constant_of_shape,
    "an answer larger than memory": tiled,
    "operators of its own": foreign,
    "a file of the host": file_of_the_host,
    "a circle": cyclic,
    "graphs in graphs in graphs": nested,
}


HEADERS = {
    "a header larger than the file": (1 << 60, b"{}"),
    "a header that is no JSON": (8, b"{{{{{{{{"),
    "weights outside the file": (
        None,
        b'{"coefficients":{"dtype":"F64","shape":[2],"data_offsets":[0,1099511627776]}}',
    ),
    "a shape larger than memory": (
        None,
        b'{"coefficients":{"dtype":"F64","shape":[1099511627776],"data_offsets":[0,8]}}',
    ),
}


def safetensors(size, header):
    return struct.pack("<Q", len(header) if size is None else size) + header + bytes(8)


@pytest.fixture(scope="module")
def files(sound, tmp_path_factory):
    """Every harmful file, and three sound ones to see that they are read at all."""
    folder = tmp_path_factory.mktemp("harmful")
    made = {}
    for number, change in enumerate([*map(schema_of, CALLS.values()), *BOMBS.values()]):
        made[[*CALLS, *BOMBS][number]] = changed(sound, folder / f"{number}.skops", change)
    for number, (name, model) in enumerate({**HARMFUL, "sound onnx": library_of_the_host}.items()):
        made[name] = folder / f"{number}.onnx"
        made[name].write_bytes(model().SerializeToString())
    for number, (name, header) in enumerate(HEADERS.items()):
        made[name] = folder / f"{number}.safetensors"
        made[name].write_bytes(safetensors(*header))
    made["sound skops"] = sound
    return made


@pytest.fixture(scope="module")
def outcome(files):
    """What came of each file, all loaded in one sandbox by the loaders that run there."""
    names = {name: path.name for name, path in files.items()}
    interface = Interface(inputs=("a", "b"), threshold=0.5, architecture="logistic").as_json()
    with run_script(
        "load_models.py",
        files={"load_models.py": LOADER, **{path.name: path for path in files.values()}},
        arguments=[json.dumps({"names": list(names.values()), "interface": interface}), "found.json"],
        outputs=["found.json"],
        limits=LIMITS,
    ) as result:
        assert result.exit_code == 0, result.log
        found = json.loads(result.outputs["found.json"].read_text())
    return {name: found[file] for name, file in names.items()}


@pytest.mark.parametrize("name", ["sound skops", "sound onnx"])
def test_what_is_sound_is_read(outcome, name):
    """Otherwise the refusals would prove nothing. One names a file of the host in its metadata, which nobody opens."""
    assert outcome[name]["refused"] is False, outcome[name]["words"]


@pytest.mark.parametrize("name", [*CALLS, *BOMBS, *HARMFUL, *HEADERS])
def test_what_is_harmful_is_refused_before_long(outcome, name):
    assert outcome[name]["refused"] is True, outcome[name]["words"]
    assert outcome[name]["seconds"] < 10
    assert "root:" not in outcome[name]["words"]


def test_what_a_skops_file_wants_to_call_is_named(outcome):
    assert "types that are not allowed: os.system" in outcome["a type"]["words"]
    assert "os._wrap_close" in outcome["an object of the operating system"]["words"]
    assert "functools.partial" in outcome["a partial"]["words"]


def test_a_loop_without_end_is_ended_and_the_next_model_runs_as_ever(files, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(endless().SerializeToString())
    limits = replace(LIMITS, cpu_seconds=3)
    with pytest.raises(ModelFailed, match="limit of 3 seconds of processor time"):
        asked(path, limits=limits)
    scores = asked(files["sound onnx"])
    np.testing.assert_allclose(scores, BLOCK.astype(np.float32).sum(axis=1), rtol=1e-6)


def test_an_answer_larger_than_memory_is_an_error_of_the_model(files):
    with pytest.raises(ModelFailed):
        asked(files["an answer larger than memory"])
