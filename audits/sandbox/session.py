"""A conversation with something that is run in a sandbox: load once, ask often."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from audits.inside import wire
from audits.sandbox.conversation import Conversation
from audits.sandbox.limits import Limits
from audits.sandbox.process import SandboxProcess
from audits.sandbox.settings import settings
from audits.scoring.model import Usage
from registry.errors import InvalidInput

if TYPE_CHECKING:
    import pyarrow as pa

MODEL_FOLDER = "/model"
_MOST_NAME = 1_000


@contextlib.contextmanager
def open_session(
    files: Mapping[str, Path],
    *,
    setup: Mapping[str, Any],
    limits: Limits | None = None,
    program: str = "model",
    waiting: Callable[[], None] | None = None,
) -> Iterator[Session]:
    """Start a sandbox, hand it files, and have it load them.

    Parameters
    ----------
    files
        Name inside to local file; copied, so that whoever changes the file later changes nothing here.
    setup
        Plain JSON for ``load(setup, folder)`` of the program; ``folder`` holds the files.
    limits
        Of this process; by default those of the settings.
    program
        ``model`` (``audits/inside/operations.py``), or ``echo``.
    waiting
        Called several times a second while an answer is waited for, so that an evaluation that was cancelled ends:
        what it raises passes through.

    Raises
    ------
    SandboxUnavailable
        If no sandbox works here.
    ModelFailed
        If loading fails; the message says why.
    InvalidInput
        If a name leads out of the folder.
    """
    from audits.sandbox.probe import require_sandbox

    if program == "model":
        require_sandbox()
    taken = settings()
    began = time.monotonic()
    with copied(files) as folder:
        process = SandboxProcess(
            program, inputs=[(folder, MODEL_FOLDER)], limits=limits or taken.limits, settings=taken
        )
        conversation = Conversation(process, waiting=waiting)
        try:
            conversation.expect_walls()
            conversation.ask(wire.SETUP, dict(setup))
            hello = conversation.values()
            if not isinstance(hello, dict):
                conversation.fail("it said nothing that can be read of what it loaded")
            yield Session(conversation, process, hello, time.monotonic() - began)
        finally:
            conversation.close()


class Session:
    """Something that is loaded and answers, one question after the other; not to be shared by threads.

    Attributes
    ----------
    hello
        What loading answered.
    load_seconds
        From before the process was started to that answer.
    """

    def __init__(
        self, conversation: Conversation, process: SandboxProcess, hello: Mapping[str, Any], load_seconds: float
    ) -> None:
        self.hello = hello
        self.load_seconds = load_seconds
        self._conversation = conversation
        self._process = process

    def call(
        self,
        operation: str,
        arguments: Mapping[str, Any] | None = None,
        batches: Iterable[pa.RecordBatch] | None = None,
    ) -> Answer:
        """Ask one question.

        Parameters
        ----------
        batches
            Columns of numbers, text, truth values or lists of numbers, all batches with the same. They are sent by a thread
            while the answer is read, so both may be longer than memory.

        Raises
        ------
        ModelFailed
            If the process has ended.
        TypeError
            Later, while the answer is read: if a column's type cannot be sent.
        """
        asked = {"operation": operation, "arguments": dict(arguments or {}), "batches": batches is not None}
        self._conversation.ask(wire.CALL, asked, batches)
        return Answer(self._conversation)

    def usage(self) -> Usage:
        """What the process took so far."""
        cpu_seconds, peak_memory_bytes = self._process.usage()
        return Usage(cpu_seconds=cpu_seconds, peak_memory_bytes=peak_memory_bytes)


class Answer:
    """What one question is answered with. Read it to its end before the next question; closing ``batches`` early ends the process.

    Attributes
    ----------
    batches
        An iterator of RecordBatch; empty where the operation answers with values alone.
    """

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._values: Any = None
        self._known = False
        self._first: tuple[bytes, bytearray] | None = None
        self.batches: Iterator[pa.RecordBatch] = self._read()

    @property
    def values(self) -> Any:
        """Plain JSON: known once all batches are consumed, or at once if there are none.

        Raises
        ------
        ModelFailed
            If the question failed.
        RuntimeError
            If there are batches that were not consumed.
        """
        if not self._known and self._begin() == wire.VALUES:
            self._know()
        if not self._known:
            message = "the batches of this answer come before its values"
            raise RuntimeError(message)
        return self._values

    def _begin(self) -> bytes:
        if self._first is None:
            self._first = self._conversation.next_frame()
            if self._first[0] not in (wire.VALUES, wire.SCHEMA):
                self._conversation.fail("it answered with something else than was asked")
        return self._first[0]

    def _know(self) -> None:
        assert self._first is not None
        self._values = self._conversation.finish(self._first[1])
        self._known = True

    def _read(self) -> Iterator[pa.RecordBatch]:
        if self._known:
            return
        complete = False
        try:
            if self._begin() == wire.VALUES:
                self._know()
            else:
                assert self._first is not None
                self._values = yield from self._conversation.batches(self._first[1])
                self._known = True
            complete = True
        except GeneratorExit:
            if not complete:
                self._conversation.end("its answer was not read to the end")
            raise


@contextlib.contextmanager
def copied(files: Mapping[str, Path]) -> Iterator[Path]:
    """A folder that holds copies of files, which anybody who sees it can read and nobody can write.

    Raises
    ------
    InvalidInput
        If a name leads out of the folder or is taken twice.
    """
    with tempfile.TemporaryDirectory(prefix="countersign-sandbox-") as outer:
        folder = Path(outer) / "files"
        folder.mkdir(mode=0o755)
        folder.chmod(0o755)
        for name, source in files.items():
            target = folder.joinpath(*place_of(name).parts)
            for parent in reversed(target.relative_to(folder).parents[:-1]):
                (folder / parent).mkdir(mode=0o755, exist_ok=True)
                (folder / parent).chmod(0o755)
            if target.exists():
                message = f"{name!r} is there twice"
                raise InvalidInput(message, field="files")
            shutil.copyfile(source, target)
            target.chmod(0o444)
        yield folder


def place_of(name: str) -> PurePosixPath:
    """A name as a path below a folder. Raises :class:`InvalidInput` if it leads elsewhere."""
    place = PurePosixPath(name)
    if (
        not place.parts
        or place.is_absolute()
        or ".." in place.parts
        or "\0" in name
        or len(os.fsencode(name)) > _MOST_NAME
    ):
        message = f"{name[:100]!r} is no name of a file below the folder: use relative paths without .."
        raise InvalidInput(message, field="files")
    return place
