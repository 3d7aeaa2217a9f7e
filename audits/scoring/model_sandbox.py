"""A sandbox with a model in it: asked one question after the other, and begun anew before its processor time runs out. Pure of Django."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING, Any

from audits.sandbox.errors import ModelFailed
from audits.scoring.model import Usage

if TYPE_CHECKING:
    import pyarrow as pa

    from audits.sandbox.session import Session

_SHARE = 0.5
"""Of the processor time that one process may take; what is left must do for one question."""

_LOOK_SECONDS = 1.0


class ModelSandbox:
    """One sandbox at a time, with the same file loaded; not to be shared by threads.

    The limit of processor time is one process's, so that a bad question ends. Many good questions may take more
    altogether: then the file is loaded again in a fresh process.

    Parameters
    ----------
    name
        What people know the model by; messages begin with it.
    start
        Starts a sandbox and loads the file.
    cpu_seconds
        The limit of processor time of one process.
    """

    def __init__(self, name: str, start: Callable[[], AbstractContextManager[Session]], cpu_seconds: float) -> None:
        self._name = name
        self._start = start
        self._cpu_seconds = cpu_seconds
        self._before = Usage(cpu_seconds=0.0, peak_memory_bytes=0)
        self._stack = ExitStack()
        self._session = self._begin()
        self._looked = time.monotonic()

    @property
    def hello(self) -> Mapping[str, Any]:
        """What loading answered."""
        return self._session.hello

    @property
    def load_seconds(self) -> float:
        """Seconds from the start of the process to that answer."""
        return self._session.load_seconds

    def call(
        self, operation: str, arguments: Mapping[str, Any], batches: Sequence[pa.RecordBatch] | None
    ) -> tuple[Mapping[str, Any], list[pa.RecordBatch]]:
        """Ask one question; the whole answer.

        Raises
        ------
        ModelFailed
            If the model fails or takes more than it may.
        """
        self._renew_where_due()
        try:
            answer = self._session.call(operation, arguments, batches)
            found = list(answer.batches)
            values = answer.values
        except ModelFailed as error:
            raise self._failed(error) from error
        if not isinstance(values, Mapping):
            raise ModelFailed(f"{self._name}: the sandbox answered with values that cannot be read")
        return values, found

    def usage(self) -> Usage:
        """What all its processes took so far."""
        now, before = self._session.usage(), self._before
        return Usage(
            cpu_seconds=before.cpu_seconds + now.cpu_seconds,
            peak_memory_bytes=max(before.peak_memory_bytes, now.peak_memory_bytes),
        )

    def close(self) -> None:
        """End it."""
        self._stack.close()

    def _begin(self) -> Session:
        try:
            return self._stack.enter_context(self._start())
        except ModelFailed as error:
            raise self._failed(error) from error

    def _renew_where_due(self) -> None:
        if time.monotonic() - self._looked < _LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        if self._session.usage().cpu_seconds < self._cpu_seconds * _SHARE:
            return
        self._before = self.usage()
        self._stack.close()
        self._session = self._begin()

    def _failed(self, error: ModelFailed) -> ModelFailed:
        return ModelFailed(f"{self._name}: {error}")
