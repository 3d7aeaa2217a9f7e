"""Looks on while an engine counts: tells how many rows are done, and stops it when nobody wants the answer. Pure."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import pyarrow as pa

    from audits.engines.port import Engine, Progress

SECONDS = 0.5
"""How often progress is told."""

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class Watch:
    """Tells a callback how far an engine is, between two shares of a larger piece of work.

    Attributes
    ----------
    progress
        Called with the share and a note, in the thread that reads the results: the query itself runs in another one. So the
        callback may use what belongs to its thread, such as a database connection. Whatever it raises stops the query.
    start, end
        Shares of the larger work that this part begins and ends with.
    note
        What is going on.
    passes
        How many queries over the table are expected; further ones do not move the share.
    seconds
        How often the callback is called.
    """

    progress: Progress
    start: float
    end: float
    note: str
    passes: int
    seconds: float = SECONDS
    _passed: int = 0
    _share: float = 0.0
    _began: float = field(default_factory=time.monotonic)

    def over(self, engine: Engine, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The same batches; while the engine works on the next one, progress is told."""
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="query") as pool:
            try:
                while True:
                    batch = self._patiently(engine, pool.submit(next, batches, None))
                    if batch is None:
                        break
                    yield batch
            finally:
                close = getattr(batches, "close", None)
                if close is not None:
                    pool.submit(close).result()
        self._passed += 1
        self._tell(None, None)

    def _patiently(self, engine: Engine, result: Future[T]) -> T:
        try:
            while True:
                try:
                    return result.result(timeout=self.seconds)
                except NotYet:
                    if result.done():
                        raise
                self._tell(engine.progress(), engine.expected_rows())
        except BaseException:
            _end(engine, result)
            raise

    def _tell(self, share: float | None, rows: int | None) -> None:
        passed = min(self._passed, self.passes)
        done = min(passed + (share or 0.0), self.passes) / self.passes
        self._share = max(self._share, done)  # a later query begins anew; what is done stays done
        if share is not None and rows:
            note = f"{self.note}: {int(share * rows):,} of {rows:,} rows"
        elif share is not None:
            note = f"{self.note}: {share:.0%}"
        else:
            note = f"{self.note}: {time.monotonic() - self._began:.0f} s"
        self.progress(self.start + self._share * (self.end - self.start), note)


def _end(engine: Engine, result: Future[T]) -> None:
    """Interrupt until it ends: an engine between two steps of a query has nothing to interrupt, and begins the next."""
    while not result.done():
        engine.interrupt()
        with suppress(NotYet):
            result.exception(timeout=SECONDS)  # what it says of being stopped is no news


@contextmanager
def watched(
    engine: Engine,
    progress: Progress,
    start: float = 0.0,
    end: float = 1.0,
    note: str = "counting",
    *,
    passes: int = 1,
    seconds: float = SECONDS,
) -> Iterator[None]:
    """Tell ``progress`` how far the engine is, while the block asks it.

    Parameters
    ----------
    progress
        Called every ``seconds`` while a query runs, and at its end, with a share between ``start`` and ``end`` and a note such
        as ``counting: 3,200,000 of 10,000,000 rows``. It is called in the thread of the block. Where it raises, the query is
        interrupted and the block ends with that exception.
    passes
        How many queries the block will ask, as far as is known.
    """
    before = engine.watch
    engine.watch = Watch(progress=progress, start=start, end=end, note=note, passes=max(passes, 1), seconds=seconds)
    try:
        yield
    finally:
        engine.watch = before
