"""A model file, loaded in sandboxes of its own: the port :class:`audits.scoring.model.Model` over the conversation with them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from contextlib import ExitStack, contextmanager
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Any, TypeAlias

from audits.sandbox.errors import ModelFailed
from audits.scoring.answers import Answers, checked_outputs
from audits.scoring.formats import format_of
from audits.scoring.hello import checked_hello
from audits.scoring.lanes import Lanes
from audits.scoring.model import Signature, TreeEnsemble, Usage
from audits.scoring.model_sandbox import ModelSandbox
from audits.scoring.prepared import batch_of, prepared
from audits.scoring.rows import split
from audits.scoring.settings import ScoringSettings
from audits.scoring.source import ModelFile
from audits.scoring.tree_arrays import tree_ensemble

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from audits.engines.port import Progress
    from audits.sandbox.limits import Limits

    _Outputs: TypeAlias = "tuple[np.ndarray[Any, Any] | None, pa.Array | None]"

_VALUE, _DECISION = "value:", "decision"
_TELL_SECONDS = 0.5


class SandboxedModel:
    """A model that runs in one or more sandboxes, each of which loaded the same file."""

    def __init__(self, source: ModelFile, lanes: Lanes[ModelSandbox], signature: Signature, answers: Answers) -> None:
        self.interface = source.interface
        self.signature = signature
        self._name = source.name
        self._lanes = lanes
        self._answers = answers

    def score(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Score rows, in order; see :meth:`audits.scoring.model.Model.score`."""
        inputs = self.interface.inputs
        parts = (prepared(part, inputs) for batch in batches for part in split(batch))
        wanted = self._answers.needs_decisions
        first = 0
        for asked, (values, decisions) in self._lanes.in_order(parts, partial(self._ask, wanted)):
            yield self._answers.batch(values, decisions, rows=asked.num_rows, first=first)
            first += asked.num_rows

    def scores(self, columns: Mapping[str, Any]) -> np.ndarray[Any, Any]:
        """The scores of rows given by column; see :meth:`audits.scoring.model.Model.scores`."""
        import numpy as np

        whole = batch_of(columns, self.interface.inputs)
        found = []
        for asked, (values, decisions) in self._lanes.in_order(split(whole), partial(self._ask, False)):
            found.append(self._answers.scores(values, decisions, rows=asked.num_rows))
        return np.concatenate(found) if found else np.empty(0)

    def outputs(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """All outputs by name; see :meth:`audits.scoring.model.RunModel.outputs`."""
        parts = (prepared(part, self.interface.inputs) for batch in batches for part in split(batch))
        for asked, found in self._lanes.in_order(parts, _ask_outputs):
            if len(found) != 1:
                raise ModelFailed(f"{self._name}: the sandbox answered with {len(found)} batches to one")
            yield checked_outputs(self._name, found[0], asked.num_rows)

    def trees(self) -> TreeEnsemble | None:
        """The model's trees, read out inside the sandbox and checked here."""
        values, batches = self._lanes.ask(lambda sandbox: sandbox.call("trees", {}, None)).result()
        if not values.get("found"):
            return None
        if len(batches) != 1:
            raise ModelFailed(f"{self._name}: the sandbox answered with {len(batches)} batches of trees")
        return tree_ensemble(self._name, values, batches[0], features=len(self.interface.inputs))

    def usage(self) -> Usage:
        """What all sandboxes took so far."""
        each = [sandbox.usage() for sandbox in self._lanes.processes]
        return Usage(
            cpu_seconds=sum(usage.cpu_seconds for usage in each),
            peak_memory_bytes=max(usage.peak_memory_bytes for usage in each),
        )

    def _ask(self, wanted: bool, sandbox: ModelSandbox, part: pa.RecordBatch) -> _Outputs:
        _values, batches = sandbox.call("score", {"decisions": wanted}, [part])
        return _outputs(self._name, batches)


def _ask_outputs(sandbox: ModelSandbox, part: pa.RecordBatch) -> list[pa.RecordBatch]:
    return sandbox.call("outputs", {}, [part])[1]


@contextmanager
def open_file(
    source: ModelFile, *, limits: Limits | None = None, processes: int = 1, progress: Progress | None = None
) -> Iterator[SandboxedModel]:
    """Load a file in ``processes`` sandboxes; see :func:`audits.scoring.opening.open_model`."""
    from audits.sandbox.session import open_session
    from audits.sandbox.settings import settings

    kind = format_of(source)
    file = f"model.{kind}"
    setup = {
        "file": file,
        "format": kind,
        "interface": source.interface.as_json(),
        "allowed_types": list(ScoringSettings.from_environment().skops_types),
    }

    leaving = _Leaving()
    taken = limits or settings().limits

    def start() -> ModelSandbox:
        begin = partial(open_session, {file: source.path}, setup=setup, limits=taken, waiting=leaving.check)
        return ModelSandbox(source.name, begin, taken.cpu_seconds)

    with ExitStack() as stack:
        starts = ThreadPoolExecutor(max_workers=processes, thread_name_prefix="sandbox")
        stack.callback(starts.shutdown)
        futures = [starts.submit(start) for _ in range(processes)]
        for future in futures:
            # Those that started are closed, whatever became of the others.
            stack.callback(_close_started, future)
        stack.callback(leaving.set)
        sandboxes = [_patiently(future, progress) for future in futures]
        lanes = Lanes(sandboxes)
        stack.callback(lanes.close)
        stack.callback(leaving.set)
        hello = checked_hello(source.name, sandboxes[0].hello, source.interface.inputs)
        answers = Answers(source.name, source.interface, hello.classes)
        signature = Signature(
            format=kind,
            inputs=hello.inputs,
            outputs=hello.outputs,
            classes=answers.classes,
            libraries=hello.libraries,
            told=hello.told,
            size_bytes=source.path.stat().st_size,
            load_seconds=sandboxes[0].load_seconds,
            trees=hello.trees,
        )
        yield SandboxedModel(source, lanes, signature, answers)


class _Leaving(Event):
    """Set when nobody wants the answers any more: what waits for one then stops waiting, and its sandbox is ended."""

    def check(self) -> None:
        """Raise :class:`ModelFailed` once it is set; nobody sees it."""
        if self.is_set():
            raise ModelFailed("nobody waits for the answer any more")


def _close_started(future: Future[ModelSandbox]) -> None:
    if not future.cancel() and future.exception() is None:
        future.result().close()


def _patiently(future: Future[ModelSandbox], progress: Callable[[float, str], None] | None) -> ModelSandbox:
    """The sandbox, once it is loaded; ``progress`` is told meanwhile, and stops the waiting by raising."""
    began = time.monotonic()
    while True:
        try:
            return future.result(timeout=_TELL_SECONDS)
        except NotYet:
            if future.done():
                raise
            if progress is not None:
                progress(0.0, f"loading the model: {time.monotonic() - began:,.0f} s")


def _outputs(name: str, batches: list[pa.RecordBatch]) -> _Outputs:
    """Values and decisions of the one batch that is the answer to one batch."""
    import numpy as np
    import pyarrow as pa

    if len(batches) != 1:
        raise ModelFailed(f"{name}: the sandbox answered with {len(batches)} batches to one")
    (batch,) = batches
    names = [column for column in batch.schema.names if column.startswith(_VALUE)]
    for column in batch.schema:
        number = column.name in names and pa.types.is_float64(column.type)
        if not number and not (column.name == _DECISION and pa.types.is_string(column.type)):
            raise ModelFailed(f"{name}: the sandbox answered with a column {column.name[:100]!r} of {column.type}")
    values = None
    if names:
        # What is missing becomes NaN here, and is refused with all that is not finite.
        values = np.column_stack([batch.column(column).to_numpy(zero_copy_only=False) for column in names])
    decisions = batch.column(_DECISION) if _DECISION in batch.schema.names else None
    return values, decisions
