"""A conversation with something in a sandbox: files, batches both ways at once, errors, cancelling, endings."""

import gc
import os
import threading
import time
from pathlib import Path

import pyarrow as pa
import pytest

from audits.sandbox.errors import ModelFailed, SandboxUnavailable
from audits.sandbox.limits import Limits
from audits.sandbox.probe import Probe, probe
from audits.sandbox.session import open_session
from registry.errors import InvalidInput

MIB = 1024 * 1024

needs_sandbox = pytest.mark.skipif(not probe().works, reason=f"no sandbox works here: {probe().reason}")


def batches(count, rows=1_000):
    for number in range(count):
        yield pa.record_batch(
            {
                "x": pa.array([number + row / rows for row in range(rows)], pa.float64()),
                "name": pa.array(["naïve", None] * (rows // 2)),
                "old": pa.array([True, False] * (rows // 2)),
                "list": pa.array([[1.0, 2.0]] * rows, pa.list_(pa.float64(), 2)),
            }
        )


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    (folder / "model.bin").write_bytes(b"12345")
    (folder / "model.bin").chmod(0o600)
    with open_session(
        {"model.bin": folder / "model.bin", "parts/vocabulary.txt": folder / "model.bin"},
        setup={"format": "echo"},
        program="echo",
    ) as opened:
        yield opened


@needs_sandbox
class TestAskingTheSameProcess:
    def test_it_is_handed_the_setup_and_the_files(self, session):
        assert session.hello == {"setup": {"format": "echo"}, "files": {"model.bin": 5, "parts/vocabulary.txt": 5}}
        assert session.load_seconds > 0

    def test_values_alone(self, session):
        answer = session.call("echo", {"seed": 7, "text": "ünïcode"})
        assert answer.values == {"arguments": {"seed": 7, "text": "ünïcode"}, "rows": 0}
        assert list(answer.batches) == []

    def test_every_plain_type_comes_back_as_it_was(self, session):
        sent = list(batches(3))
        answer = session.call("echo", {}, iter(sent))
        assert list(answer.batches) == sent
        assert answer.values["rows"] == 3_000

    def test_no_rows(self, session):
        nothing = next(batches(1)).slice(0, 0)
        answer = session.call("echo", {}, [nothing])
        assert [batch.num_rows for batch in answer.batches] == [0]
        answer = session.call("echo", {}, [])
        assert (list(answer.batches), answer.values["rows"]) == ([], 0)

    def test_more_than_pipes_hold_streams_both_ways_in_bounded_memory(self, session):
        batch = pa.record_batch({"x": pa.array(range(100_000), pa.float64())})
        ahead = []
        sent = read = 0

        def source():
            nonlocal sent
            for _ in range(100):
                sent += 1
                yield batch

        answer = session.call("echo", {}, source())
        for _ in answer.batches:
            read += 1
            ahead.append(sent - read)
        assert (read, answer.values["rows"]) == (100, 10_000_000)
        # 80 MB went by; never more than what two pipes and both sides hold was on its way.
        assert max(ahead) <= 10

    def test_values_are_known_after_the_batches(self, session):
        answer = session.call("echo", {}, batches(1))
        with pytest.raises(RuntimeError, match="come before its values"):
            _ = answer.values
        list(answer.batches)
        assert answer.values["rows"] == 1_000

    def test_a_question_that_fails_leaves_the_next_one_unharmed(self, session):
        answer = session.call("no such thing", {}, batches(50))
        with pytest.raises(ModelFailed, match="there is no operation 'no such thing' here"):
            list(answer.batches)
        assert session.call("echo", {"after": True}).values["arguments"] == {"after": True}

    def test_a_type_that_cannot_be_sent_is_named(self, tmp_path):
        with open_session({}, setup={}, program="echo") as opened:
            answer = opened.call("echo", {}, [pa.record_batch({"when": pa.array([0], pa.timestamp("us"))})])
            with pytest.raises(TypeError, match="when: a column of type timestamp"):
                list(answer.batches)

    def test_what_it_took_is_counted_from_outside(self, session):
        list(session.call("echo", {}, batches(20)).batches)
        usage = session.usage()
        assert 0 < usage.cpu_seconds < 600
        assert 5 * MIB < usage.peak_memory_bytes < 1024 * MIB


@needs_sandbox
def test_a_source_that_fails_is_what_the_caller_sees():
    def source():
        yield from batches(1)
        raise FileNotFoundError("the warehouse is gone")

    with open_session({}, setup={}, program="echo") as opened:
        answer = opened.call("echo", {}, source())
        with pytest.raises(FileNotFoundError, match="the warehouse is gone"):
            list(answer.batches)
        with pytest.raises(ModelFailed):
            opened.call("echo")


@needs_sandbox
def test_time_in_which_the_rows_are_waited_for_is_not_held_against_the_model():
    def slow():
        for batch in batches(3):
            time.sleep(0.6)
            yield batch

    with open_session({}, setup={}, program="echo", limits=Limits(wall_seconds=1.0)) as opened:
        assert sum(batch.num_rows for batch in opened.call("echo", {}, slow()).batches) == 3_000


@needs_sandbox
def test_an_answer_that_is_not_read_to_its_end_ends_the_process():
    with open_session({}, setup={}, program="echo") as opened:
        answer = opened.call("echo", {}, batches(100))
        next(answer.batches)
        answer.batches.close()
        with pytest.raises(ModelFailed, match="was not read to the end"):
            opened.call("echo")


@needs_sandbox
def test_a_question_before_the_last_answer_is_a_mistake():
    with open_session({}, setup={}, program="echo") as opened:
        opened.call("echo", {}, batches(1))
        with pytest.raises(RuntimeError, match="not read to its end"):
            opened.call("echo")


@needs_sandbox
def test_whoever_waits_can_be_told_to_stop():
    class Cancelled(Exception):
        pass

    cancelled = threading.Event()

    def waiting():
        if cancelled.is_set():
            raise Cancelled

    def source():
        yield from batches(1)
        cancelled.set()
        time.sleep(1)
        yield from batches(1)

    with pytest.raises(Cancelled), open_session({}, setup={}, program="echo", waiting=waiting) as opened:
        list(opened.call("echo", {}, source()).batches)


@needs_sandbox
def test_nothing_is_left_of_many_sandboxes(tmp_path):
    def sandboxes():
        return {path.name for path in Path("/proc").iterdir() if path.name.isdigit() and _is_sandbox(path.name)}

    def descriptors():
        return len(list(Path("/proc/self/fd").iterdir()))

    def threads():
        return {thread.ident for thread in threading.enumerate() if thread.name in ("sandbox", "feeder")}

    gc.collect()
    before = descriptors(), sandboxes(), threads()
    for _ in range(5):
        with open_session({}, setup={}, program="echo") as opened:
            assert opened.call("echo").values["rows"] == 0
            assert len(sandboxes()) == len(before[1]) + 1
    gc.collect()
    assert (descriptors(), sandboxes(), threads()) == before


def _is_sandbox(process):
    try:
        status = Path(f"/proc/{process}/stat").read_text()
        return "bwrap" in status and f" {os.getpid()} " in status
    except OSError:
        return False


@needs_sandbox
def test_a_sandbox_outlives_the_thread_that_opened_it():
    """What starts processes in threads that end soon must not have them ended too."""
    opened = {}

    def open_it():
        context = open_session({}, setup={}, program="echo")
        opened.update(context=context, session=context.__enter__())

    thread = threading.Thread(target=open_it)
    thread.start()
    thread.join()
    time.sleep(0.2)
    assert opened["session"].call("echo").values["rows"] == 0
    opened["context"].__exit__(None, None, None)


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "a/../../b", "", "a\0b", "x" * 2_000])
def test_files_cannot_be_laid_elsewhere(tmp_path, name):
    (tmp_path / "file").write_text("x")
    with (
        pytest.raises(InvalidInput) as refused,
        open_session({name: tmp_path / "file"}, setup={}, program="echo"),
    ):
        pass
    assert refused.value.field == "files"


def test_where_no_sandbox_works_no_model_is_opened(monkeypatch):
    monkeypatch.setattr("audits.sandbox.probe._Kept.probe", Probe(works=False, reason="bubblewrap is not installed"))
    with pytest.raises(SandboxUnavailable, match="bubblewrap is not installed"), open_session({}, setup={}):
        pass
