"""What comes out of a sandbox is looked at before it is believed: everything that is wrong ends it, in words."""

import json
import os
import struct
import threading
import time

import pyarrow as pa
import pytest

from audits.inside import wire
from audits.sandbox.arrow_frames import Malformed, read_batch
from audits.sandbox.conversation import Conversation
from audits.sandbox.errors import ModelFailed
from audits.sandbox.limits import Limits

COLUMNS = [["score", "float64"], ["prediction", "text"]]
BATCH = pa.record_batch({"score": [0.1, 0.2, 0.3], "prediction": ["a", "b", None]})


class Liar:
    """Stands for a sandboxed process: answers every question with the same bytes, then ends."""

    def __init__(self, answer, *, limits, silent=False):
        self.limits, self.exit_code = limits, 0
        self.printed = self
        self.too_much = False
        self.killed = threading.Event()
        asked, self.outgoing = os.pipe()
        self.incoming, answering = os.pipe()
        self._descriptors = [asked, answering]
        self._thread = threading.Thread(target=self._answer, args=(asked, answering, answer, silent))
        self._thread.start()

    def _answer(self, asked, answering, answer, silent):
        os.read(asked, 65536)
        try:
            for start in range(0, len(answer), 65536):
                os.write(answering, answer[start : start + 65536])
        except BrokenPipeError:
            pass
        if silent:
            self.killed.wait(10)
        os.close(answering)
        os.close(asked)

    def kill(self):
        self.killed.set()

    def close(self):
        self.kill()
        os.close(self.incoming)
        os.close(self.outgoing)
        self._thread.join(10)

    def wait(self, seconds):
        return True

    def usage(self):
        return 0.0, 0

    def tail(self, most=2000):
        return "the last line"


def frame(letter, content):
    content = content if isinstance(content, bytes) else json.dumps(content).encode()
    return wire.HEADER.pack(letter, len(content)) + content


def batch(value=BATCH, **options):
    return frame(b"B", value.serialize(**options).to_pybytes())


SCHEMA, VALUES = frame(b"A", COLUMNS), frame(b"V", {"rows": 3})


def answered(answer, *, silent=False, **limits):
    """The rows of all batches and the values, as a caller reads them."""
    liar = Liar(answer, limits=Limits(**{"wall_seconds": 5.0, **limits}), silent=silent)
    conversation = Conversation(liar)
    try:
        conversation.ask(wire.CALL, {"operation": "score"})
        letter, first = conversation.next_frame()
        if letter != wire.SCHEMA:
            return [], conversation.finish(first)
        rows = []
        batches = conversation.batches(first)
        while True:
            try:
                rows += next(batches).to_pylist()
            except StopIteration as end:
                return rows, end.value
    finally:
        conversation.close()


def compressed_batch():
    zeros = pa.record_batch({"score": [0.0] * 1_000_000, "prediction": [""] * 1_000_000})
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, zeros.schema, options=options) as writer:
        writer.write_batch(zeros)
    message = next(found for found in pa.ipc.MessageReader.open_stream(sink.getvalue()) if found.type == "record batch")
    return frame(b"B", message.serialize().to_pybytes())


def columns_of(count):
    return frame(b"A", [[str(number), "float64"] for number in range(count)])


def test_what_is_right_is_read():
    rows, values = answered(SCHEMA + batch() + batch() + VALUES)
    assert (rows, values) == (BATCH.to_pylist() * 2, {"rows": 3})


WRONG = {
    "nothing": b"",
    "half of a header": b"V\0\0",
    "half of a frame": wire.HEADER.pack(b"V", 100) + b"{}",
    "a letter that means nothing": frame(b"?", b"x"),
    "a frame of many gigabytes": wire.HEADER.pack(b"B", 1 << 62),
    "values of many gigabytes": wire.HEADER.pack(b"V", 1 << 40),
    "no JSON": frame(b"V", b"{"),
    "JSON with a number that is none": frame(b"V", b'{"x": NaN}'),
    "JSON that is not text": frame(b"V", b"\xff\xfe{}"),
    "JSON as deep as a well": frame(b"V", b"[" * 200_000),
    "a number of a million digits": frame(b"V", b"1" * 1_000_000),
    "columns that are none": frame(b"A", {"score": "float64"}),
    "a type that runs code": frame(b"A", [["score", "extension<arrow.py_extension_type>"]]),
    "a type within a type": frame(b"A", [["score", ["list", ["list", "float64"]]]]),
    "a list without end": frame(b"A", [["score", ["fixed-list", "float64", 1 << 40]]]),
    "two columns of one name": frame(b"A", [["score", "float64"], ["score", "float64"]]),
    "more columns than there can be": columns_of(5_000),
    "an end after the columns": SCHEMA,
    "half of a batch": SCHEMA + batch()[:-20],
    "a batch without columns": batch(),
    "something else than a batch": SCHEMA + frame(b"B", b"not a batch at all, but long enough to hold one" * 10),
    "a schema as a batch": SCHEMA + frame(b"B", BATCH.schema.serialize().to_pybytes()),
    "a batch of other columns": SCHEMA + batch(pa.record_batch({"score": [1, 2]})),
    "a batch of other types": SCHEMA + batch(pa.record_batch({"score": ["x"], "prediction": ["y"]})),
    "a batch with a dictionary": SCHEMA + batch(pa.record_batch({"score": [1.0], "prediction": pa.array(["a"]).dictionary_encode()})),
    "a compressed batch": SCHEMA + compressed_batch(),
    "text that is none": SCHEMA
    + batch(pa.record_batch({"score": [1.0], "prediction": pa.array([b"\xff\xfe"]).view(pa.string())})),
    "an error without words": frame(b"X", b"[]"),
    "an error that is no JSON": frame(b"X", b"{"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_ends_it(name):
    with pytest.raises(ModelFailed) as failure:
        answered(WRONG[name])
    assert failure.value.message


def test_no_changed_byte_of_a_batch_gets_past():
    """Every byte of a batch's description set to other values: read as the same, read as sound values, or refused."""
    good = BATCH.serialize().to_pybytes()
    described = 8 + struct.unpack_from("<I", good, 4)[0]
    refused = 0
    for position in range(described):
        for value in (0, 1, 0x7F, 0x80, 0xFF):
            content = bytearray(good)
            content[position] = value
            try:
                found = read_batch(content, BATCH.schema)
            except Malformed:
                refused += 1
            else:
                found.validate(full=True)
                assert found.num_rows <= 3
    assert refused > described


def test_too_much_at_last():
    with pytest.raises(ModelFailed, match="more than its limit of 2000 bytes"):
        answered(SCHEMA + batch() * 10 + VALUES, output_bytes=2_000)


def test_silence_ends_in_time():
    began = time.monotonic()
    with pytest.raises(ModelFailed, match=r"longer than its limit of 0\.5 seconds"):
        answered(SCHEMA, silent=True, wall_seconds=0.5)
    assert time.monotonic() - began < 2.5


def test_the_end_says_what_it_printed():
    with pytest.raises(
        ModelFailed, match="it ended with exit code 0 before it had answered; it printed: the last line"
    ):
        answered(b"")


def test_words_of_an_error_cannot_steer_a_terminal():
    told = {"class": "Value\x1bError", "message": "\x1b]0;owned\x07 a\u202eb", "memory": False}
    with pytest.raises(ModelFailed) as failure:
        answered(frame(b"X", told))
    assert failure.value.message == "ValueError: ]0;owned ab"
