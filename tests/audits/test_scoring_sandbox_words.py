"""What a sandbox says is taken for nothing but words: checked, bounded, and begun anew when its time is nearly up."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import pyarrow as pa
import pytest

from audits.sandbox.errors import ModelFailed
from audits.scoring import model_sandbox
from audits.scoring.hello import checked_hello
from audits.scoring.model import Usage
from audits.scoring.model_sandbox import ModelSandbox
from audits.scoring.tree_arrays import tree_ensemble

HELLO = {
    "inputs": [["x", "number"], ["t", "text"]],
    "outputs": ["p"],
    "classes": ["no", "yes"],
    "libraries": {"skops": "1"},
    "told": {},
    "trees": True,
}


def test_a_sound_hello_is_read():
    found = checked_hello("m", HELLO, ("t", "x"))
    assert (list(found.inputs.items()), found.classes, found.trees) == (
        [("t", "text"), ("x", "number")],
        ("no", "yes"),
        True,
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"inputs": None},
        {"inputs": [["x", "number"]]},
        {"inputs": [["x", "number"], ["t", "picture"]]},
        {"inputs": [["x", "number"], ["t", "text"], ["z", "text"]]},
        {"inputs": [["x"], ["t"]]},
        {"inputs": "xt"},
        {"outputs": {"p": 1}},
        {"classes": [1, 2]},
        {"classes": ["no", "n" * 501]},
        {"classes": ["no", "yes\u001b[2J"]},
        {"classes": ["no"] * 5001},
        {"classes": ["no", "no"]},
        {"libraries": ["skops"]},
        {"told": {"a": {"b": "c"}}},
    ],
)
def test_anything_else_is_refused(changed):
    with pytest.raises(ModelFailed, match=r"^m: "):
        checked_hello("m", {**HELLO, **changed}, ("t", "x"))
    with pytest.raises(ModelFailed):
        checked_hello("m", {name: value for name, value in HELLO.items() if name not in changed}, ("t", "x"))


STUMP = {
    "left": [1, -1, -1],
    "right": [2, -1, -1],
    "feature": [0, 0, 0],
    "threshold": [0.5, 0.0, 0.0],
    "default_left": [True, False, False],
    "value": [0.0, 1.0, 2.0],
    "cover": [10.0, 4.0, 6.0],
    "root": [True, False, False],
}


def ensemble(values=None, **changed):
    return tree_ensemble("m", values or {"link": "logit"}, pa.RecordBatch.from_pydict({**STUMP, **changed}), features=1)


def test_a_sound_tree_is_read():
    found = ensemble(cover=[10.0, float("nan"), 6.0])
    assert (found.roots.tolist(), found.left.dtype, found.link, found.scale) == ([0], np.int32, "logit", 1.0)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"left": [3, -1, -1]}, "outside"),
        ({"left": [-2, -1, -1]}, "outside"),
        ({"left": [-1, -1, -1]}, "one child"),
        ({"left": [2, -1, -1]}, "no parent or several"),
        ({"left": [0, -1, -1]}, "no parent or several"),
        ({"root": [True, True, False]}, "no parent or several"),
        ({"root": [False, False, False]}, "no parent or several"),
        ({"feature": [1, 0, 0]}, "does not have"),
        ({"feature": [-1, 0, 0]}, "does not have"),
        ({"threshold": [float("nan"), 0.0, 0.0]}, "not finite"),
        ({"value": [0.0, float("inf"), 2.0]}, "not finite"),
        ({"cover": [10.0, -4.0, 6.0]}, "no weights"),
        ({"value": [0.0, None, 2.0]}, "nothing in value"),
        ({"values": {"link": "probit"}}, "link 'probit'"),
        ({"values": {"base": float("nan")}}, "of base"),
        ({"values": {"scale": "1"}}, "of base"),
    ],
)
def test_trees_that_could_not_be_walked_are_refused(changed, said):
    with pytest.raises(ModelFailed, match=said):
        ensemble(**changed)


def test_a_ring_beside_the_tree_is_refused():
    ring = {
        "left": [1, -1, -1, 4, 3],
        "right": [2, -1, -1, -1, -1],
        "root": [True, False, False, False, False],
    }
    rest = {name: [*values, *values[:2]] for name, values in STUMP.items() if name not in ring}
    with pytest.raises(ModelFailed, match="one child"):
        ensemble(**ring, **rest)
    # Two rings through the same two nodes: each has one parent, and no root leads there.
    ring |= {"left": [1, -1, -1, 4, 5, -1, -1], "right": [2, -1, -1, 6, 3, -1, -1], "root": [True, *[False] * 6]}
    rest = {name: [*values, *values, values[0]] for name, values in STUMP.items() if name not in ring}
    with pytest.raises(ModelFailed, match="no root leads to"):
        ensemble(**ring, **rest)


class Worn:
    """A session whose processor time is a number that the test sets."""

    hello: dict = {}
    load_seconds = 0.5

    def __init__(self, values):
        self.cpu_seconds, self.values, self.closed = 1.0, values, False

    def call(self, operation, arguments, batches):
        return self

    @property
    def batches(self):
        return iter(())

    def usage(self):
        return Usage(cpu_seconds=self.cpu_seconds, peak_memory_bytes=7)


def test_a_process_that_used_half_of_its_time_is_followed_by_a_fresh_one(monkeypatch):
    started = []

    @contextmanager
    def start():
        session = Worn({"found": False})
        started.append(session)
        yield session
        session.closed = True

    monkeypatch.setattr(model_sandbox, "_LOOK_SECONDS", 0.0)
    sandbox = ModelSandbox("m", start, cpu_seconds=100)
    sandbox.call("score", {}, None)
    started[0].cpu_seconds = 49.0
    sandbox.call("score", {}, None)
    assert len(started) == 1
    started[0].cpu_seconds = 50.0
    sandbox.call("score", {}, None)
    assert [session.closed for session in started] == [True, False]
    assert sandbox.usage() == Usage(cpu_seconds=51.0, peak_memory_bytes=7)
    started[1].values = ["not", "a", "mapping"]
    with pytest.raises(ModelFailed, match=r"^m: .*cannot be read"):
        sandbox.call("trees", {}, None)
    sandbox.close()
    assert started[1].closed
