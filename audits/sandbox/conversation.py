"""Our side of the pipes: sends what is asked, waits no longer than it may, and believes nothing that comes back."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import threading
import time
from collections.abc import Callable, Generator, Iterable
from typing import TYPE_CHECKING, Any, NoReturn

from audits.inside import wire
from audits.sandbox.arrow_frames import Malformed, read_batch
from audits.sandbox.endings import why_ended
from audits.sandbox.errors import ModelFailed, SandboxUnavailable
from audits.sandbox.printed import plain_text
from audits.sandbox.process import SandboxProcess

if TYPE_CHECKING:
    import pyarrow as pa

_MOST_JSON = 16 * 1024 * 1024
_MOST_BATCH = 512 * 1024 * 1024
_MOST_COLUMNS = 4_096
_SLICE_SECONDS = 0.2
_LOOK_SECONDS = 1.0
_PIPE_BYTES = 1024 * 1024
_SURELY_FITS = 4_096


class Conversation:
    """Questions and answers with one sandboxed process, one after the other.

    Parameters
    ----------
    process
        It belongs to the conversation, and is ended where its answers make no sense.
    waiting
        Called at least once a second while an answer is waited for; what it raises passes through.
    """

    def __init__(self, process: SandboxProcess, *, waiting: Callable[[], None] | None = None) -> None:
        self._process = process
        self._waiting = waiting
        self._feeder: _Feeder | None = None
        self._received = 0
        self._waited = 0.0
        self._looked = 0.0
        self._over: str | None = None
        os.set_blocking(process.incoming, False)
        self._ready = select.poll()
        self._ready.register(process.incoming, select.POLLIN)
        for descriptor in (process.incoming, process.outgoing):
            with contextlib.suppress(OSError):
                fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)

    def expect_walls(self) -> None:
        """Wait until it says that its walls stand.

        Raises
        ------
        SandboxUnavailable
            If it does not.
        """
        try:
            letter, _ = self._receive()
        except ModelFailed as error:
            message = f"the walls of a sandbox could not be raised: {error.message}"
            raise SandboxUnavailable(message) from None
        if letter != wire.WALLS:
            self.end("it did not begin as it should")
            message = "the walls of a sandbox could not be raised"
            raise SandboxUnavailable(message)

    def ask(self, letter: bytes, content: Any, batches: Iterable[pa.RecordBatch] | None = None) -> None:
        """Begin a question. What it may wait and answer begins anew.

        Raises
        ------
        ModelFailed
            If the process is gone.
        """
        if self._over is not None:
            raise ModelFailed(self._over)
        if self._feeder is not None:
            message = "the answer to the last question was not read to its end"
            raise RuntimeError(message)
        self._received, self._waited = 0, 0.0
        self._feeder = _Feeder(self._process.outgoing, letter, wire.to_json(content), batches)

    def values(self) -> Any:
        """The plain values that end an answer.

        Raises
        ------
        ModelFailed
            If something else comes, or nothing in time.
        """
        letter, content = self.next_frame()
        if letter != wire.VALUES:
            self.fail("it answered with something else than was asked")
        return self.finish(content)

    def next_frame(self) -> tuple[bytes, bytearray]:
        """The next frame of an answer; an error that it tells is raised, and the conversation can go on after it."""
        letter, content = self._receive()
        if letter == wire.ERROR:
            told = self._json(content)
            self._settle()
            raise ModelFailed(_told_error(told, self._process.limits.memory_bytes))
        return letter, content

    def finish(self, content: bytearray) -> Any:
        """The values of the last frame of an answer."""
        values = self._json(content)
        self._settle()
        return values

    def batches(self, first: bytearray) -> Generator[pa.RecordBatch, None, Any]:
        """The batches after a schema; at the end returns the values."""
        words = self._json(first)
        try:
            schema = wire.schema_from_json(words)
        except ValueError as error:
            self.fail(str(error))
        if len(schema) > _MOST_COLUMNS:
            self.fail(f"it answered with {len(schema)} columns")
        while True:
            letter, content = self.next_frame()
            if letter == wire.VALUES:
                return self.finish(content)
            if letter != wire.BATCH:
                self.fail("it answered with something else than batches")
            try:
                batch = read_batch(content, schema)
            except Malformed as error:
                self.fail(str(error))
            yield batch

    def fail(self, words: str) -> NoReturn:
        """End it, because of what it did. Always raises :class:`ModelFailed`."""
        self.end(words)
        raise ModelFailed(self._over or words)

    def end(self, words: str) -> None:
        """End it; later questions are answered with these words."""
        if self._over is None:
            tail = self._process.printed.tail()
            self._over = f"{words}; it printed: {tail}" if tail else words
        self._process.kill()

    def close(self) -> None:
        """End it for good."""
        self.end("it was ended")
        if self._feeder is not None:
            self._feeder.stop()
        self._process.close()

    def _settle(self) -> None:
        """After an answer: nothing more is sent of the question, and what the source of its batches raised is raised."""
        feeder, self._feeder = self._feeder, None
        if feeder is not None:
            self._wait_for(feeder)

    def _wait_for(self, feeder: _Feeder) -> None:
        feeder.stopped = True
        while not feeder.done.wait(_SLICE_SECONDS):
            self._pass_time(_SLICE_SECONDS, feeder)
        if feeder.error is not None:
            self.end("the rows that it was asked about could not be read")
            raise feeder.error

    def _receive(self) -> tuple[bytes, bytearray]:
        if self._over is not None:
            raise ModelFailed(self._over)
        letter, size = wire.HEADER.unpack(self._read(wire.HEADER.size))
        self._received += size
        if size > (_MOST_BATCH if letter == wire.BATCH else _MOST_JSON):
            self.fail(f"it answered with {size} bytes at once")
        if self._received > self._process.limits.output_bytes:
            self.fail(f"it answered with more than its limit of {self._process.limits.output_bytes} bytes")
        return letter, self._read(size)

    def _read(self, size: int) -> bytearray:
        buffer = bytearray(size)
        view = memoryview(buffer)
        while view:
            try:
                count = os.readv(self._process.incoming, [view])
            except BlockingIOError:
                before = time.monotonic()
                self._ready.poll(_SLICE_SECONDS * 1000)
                self._pass_time(time.monotonic() - before, self._feeder)
                continue
            if count == 0:
                self.fail(why_ended(self._process))
            view = view[count:]
        return buffer

    def _pass_time(self, seconds: float, feeder: _Feeder | None) -> None:
        """Account for waiting. While the rows themselves are waited for, time is not held against the model."""
        if feeder is not None and feeder.error is not None:
            self.end("the rows that it was asked about could not be read")
            self._feeder = None
            raise feeder.error
        if feeder is None or not feeder.fetching:
            self._waited += seconds
        if self._waited > self._process.limits.wall_seconds:
            self.fail(f"it took longer than its limit of {self._process.limits.wall_seconds:g} seconds")
        self._looked += seconds
        if self._looked >= _LOOK_SECONDS:
            self._looked = 0.0
            self._process.usage()
        if self._waiting is not None:
            self._waiting()

    def _json(self, content: bytearray) -> Any:
        try:
            return json.loads(content, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            self.fail(f"it answered with what is no JSON: {plain_text(str(error), 200)}")


class _Feeder:
    """Sends a question while its answer is read already."""

    def __init__(
        self, descriptor: int, letter: bytes, content: bytes, batches: Iterable[pa.RecordBatch] | None
    ) -> None:
        self.stopped = False
        self.fetching = False
        self.done = threading.Event()
        self.error: BaseException | None = None
        self._descriptor = descriptor
        if batches is None and len(content) < _SURELY_FITS:
            # Fits into the pipe, which is empty between questions: nothing can block.
            self._run(letter, content, None)
        else:
            threading.Thread(target=self._run, args=(letter, content, batches), name="feeder", daemon=True).start()

    def _run(self, letter: bytes, content: bytes, batches: Iterable[pa.RecordBatch] | None) -> None:
        try:
            wire.write_frame(self._descriptor, letter, content)
            if batches is not None:
                self._feed(batches)
        except OSError as error:
            # The process is gone: whoever reads its answer finds that out, and why. A source may fail with such an error too.
            if self.fetching:
                self.error = error
        except BaseException as error:  # noqa: BLE001 - raised again by whoever reads the answer
            self.error = error
        finally:
            self.fetching = False
            self.done.set()

    def _feed(self, batches: Iterable[pa.RecordBatch]) -> None:
        schema = None
        self.fetching = True
        for batch in batches:
            if self.stopped:
                break
            words = None
            if schema is None:
                schema, words = batch.schema, wire.schema_to_json(batch.schema)
            elif batch.schema != schema:
                message = "the batches of a question have different columns"
                raise TypeError(message)
            content = batch.serialize()
            self.fetching = False
            if words is not None:
                wire.write_frame(self._descriptor, wire.SCHEMA, words)
            wire.write_frame(self._descriptor, wire.BATCH, content)
            self.fetching = True
        self.fetching = False
        wire.write_frame(self._descriptor, wire.END)

    def stop(self) -> None:
        """Send nothing more, and wait a little; a source that hangs is left to its thread."""
        self.stopped = True
        self.done.wait(5)


def _refuse_constant(name: str) -> Any:
    message = f"{name} is no number of JSON"
    raise ValueError(message)


def _told_error(told: Any, memory_bytes: int) -> str:
    if not isinstance(told, dict):
        return "it failed, and did not say why"
    if told.get("memory") is True:
        return f"it wanted more than its limit of {memory_bytes // (1024 * 1024)} MiB of memory"
    name, message = plain_text(str(told.get("class", "")), 100), plain_text(str(told.get("message", "")))
    return f"{name}: {message}" if name and message else name or message or "it failed, and did not say why"
