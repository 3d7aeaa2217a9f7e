"""The trusted beginning of every sandbox: raises the walls, loads what was asked for, and answers until the pipe ends."""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from audits.inside import wire
from audits.inside.refusal import Refusal
from audits.inside.walls import filter_system_calls, limit_and_drop

if TYPE_CHECKING:
    import pyarrow as pa

Batches: TypeAlias = "Iterator[pa.RecordBatch]"
Operation: TypeAlias = "Callable[[Any, dict[str, Any], Batches | None], tuple[Any, Batches | None]]"
"""``(state, arguments, batches) -> (values, batches)``.

Batches are read while they are asked for and sent while they are made, so a generator keeps memory bounded; the values
are read once its batches ended, and may be a dictionary that the generator fills.
"""

PROGRAMS = {
    "model": "audits.inside.operations",
    "echo": "audits.inside.echo",
    "probe": "audits.inside.probing",
}
"""What may be run: modules with ``load(setup, folder) -> (state, hello)`` and ``OPERATIONS``, names to :data:`Operation`."""

FOLDER = Path("/model")
_WORDS = 2_000


def main() -> None:
    """Run."""
    incoming, outgoing = _take_pipes()
    letter, content = wire.read_frame(incoming)
    if letter != wire.WALLS:
        raise SystemExit(2)
    walls = json.loads(content)
    limit_and_drop(walls)
    if walls["program"] == "script":
        from audits.inside.script import run

        run(walls, incoming, outgoing)
        return
    filter_system_calls(walls)
    wire.write_frame(outgoing, wire.WALLS)
    try:
        _converse(PROGRAMS[walls["program"]], incoming, outgoing)
    except (wire.WireEnded, BrokenPipeError):
        # Whoever asked is gone, and with it any reason to clean up: what was loaded may do anything while it is taken down.
        os._exit(0)


def _take_pipes() -> tuple[int, int]:
    """The conversation, moved out of the way of whatever reads standard input and prints."""
    incoming, outgoing = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    return incoming, outgoing


def _converse(module: str, incoming: int, outgoing: int) -> None:
    letter, content = wire.read_frame(incoming)
    if letter != wire.SETUP:
        raise SystemExit(2)
    try:
        program = importlib.import_module(module)
        state, hello = program.load(json.loads(content), FOLDER)
        answer = wire.to_json(hello)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told outside
        wire.write_frame(outgoing, wire.ERROR, describe(error))
        return
    wire.write_frame(outgoing, wire.VALUES, answer)
    while True:
        letter, content = wire.read_frame(incoming)
        if letter != wire.CALL:
            raise SystemExit(2)
        _answer(program.OPERATIONS, state, json.loads(content), incoming, outgoing)


def _answer(operations: dict[str, Operation], state: Any, call: dict[str, Any], incoming: int, outgoing: int) -> None:
    asked = _Asked(incoming) if call["batches"] else None
    try:
        values, batches = _named(operations, call["operation"])(state, call["arguments"], asked)
        if batches is not None:
            _send(batches, outgoing)
        answer = wire.to_json(values)
    except (wire.WireEnded, BrokenPipeError):
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told outside
        wire.write_frame(outgoing, wire.ERROR, describe(error))
    else:
        wire.write_frame(outgoing, wire.VALUES, answer)
    if asked is not None:
        asked.skip()


def _named(operations: dict[str, Operation], name: str) -> Operation:
    if name not in operations:
        message = f"there is no operation {name!r} here"
        raise Refusal(message)
    return operations[name]


def _send(batches: Batches, outgoing: int) -> None:
    schema = None
    for batch in batches:
        if schema is None:
            schema = batch.schema
            wire.write_frame(outgoing, wire.SCHEMA, wire.schema_to_json(schema))
        elif batch.schema != schema:
            message = "the batches of an answer have different columns"
            raise Refusal(message)
        wire.write_frame(outgoing, wire.BATCH, batch.serialize())
    if schema is None:
        wire.write_frame(outgoing, wire.SCHEMA, b"[]")


class _Asked:
    """The batches of one call, read from the pipe as they are asked for."""

    def __init__(self, incoming: int) -> None:
        self._incoming = incoming
        self._schema: pa.Schema | None = None
        self._ended = False

    def __iter__(self) -> _Asked:
        return self

    def __next__(self) -> pa.RecordBatch:
        import pyarrow as pa

        while not self._ended:
            letter, content = wire.read_frame(self._incoming)
            if letter == wire.SCHEMA:
                self._schema = wire.schema_from_json(json.loads(content))
            elif letter == wire.BATCH:
                return pa.ipc.read_record_batch(pa.py_buffer(content), self._schema)
            else:
                self._ended = True
        raise StopIteration

    def skip(self) -> None:
        """Let go of what was sent and not read, so that the next call is the next frame."""
        while not self._ended:
            self._ended = wire.read_frame(self._incoming)[0] == wire.END


def describe(error: BaseException) -> bytes:
    """An error as plain JSON: the name of its class, its words, and whether memory was what it lacked."""
    return wire.to_json(
        {
            "class": "" if isinstance(error, Refusal) else type(error).__name__[:100],
            "message": str(error)[:_WORDS],
            "memory": isinstance(error, MemoryError) or "bad_alloc" in str(error) or "bad allocation" in str(error),
        }
    )
