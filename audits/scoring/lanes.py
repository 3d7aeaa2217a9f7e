"""Spreads questions over several processes, one question at a time in each, and gives the answers in order. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Generic, TypeVar

P = TypeVar("P")
Q = TypeVar("Q")
A = TypeVar("A")

_AHEAD = 2
"""Questions at each process: one being answered, one waiting, so that none idles and memory stays bounded."""


class Lanes(Generic[P]):
    """One lane for each process; questions may come from several threads."""

    def __init__(self, processes: Sequence[P]) -> None:
        self.processes = tuple(processes)
        self._pools = [ThreadPoolExecutor(max_workers=1, thread_name_prefix="lane") for _ in self.processes]
        self._waiting = [0] * len(self.processes)
        self._lock = Lock()

    def ask(self, question: Callable[[P], A]) -> Future[A]:
        """Ask the process that has the fewest questions waiting."""
        with self._lock:
            lane = min(range(len(self.processes)), key=self._waiting.__getitem__)
            self._waiting[lane] += 1
        future = self._pools[lane].submit(question, self.processes[lane])
        future.add_done_callback(lambda _done: self._done(lane))
        return future

    def in_order(self, questions: Iterable[Q], ask: Callable[[P, Q], A]) -> Iterator[tuple[Q, A]]:
        """Every question with its answer, in the order of the questions, which are read a few ahead, in the caller's thread.

        Whatever a question or the reading of one raises ends it; what is still waiting is not asked.
        """
        pending: deque[tuple[Q, Future[A]]] = deque()
        try:
            for question in questions:
                pending.append((question, self.ask(_bound(ask, question))))
                if len(pending) >= _AHEAD * len(self.processes):
                    asked, future = pending.popleft()
                    yield asked, future.result()
            while pending:
                asked, future = pending.popleft()
                yield asked, future.result()
        finally:
            for _asked, future in pending:
                future.cancel()

    def close(self) -> None:
        """Let go of the threads; what they are at is waited for, what waits is not asked."""
        for pool in self._pools:
            pool.shutdown(wait=True, cancel_futures=True)

    def _done(self, lane: int) -> None:
        with self._lock:
            self._waiting[lane] -= 1


def _bound(ask: Callable[[P, Q], A], question: Q) -> Callable[[P], A]:
    return lambda process: ask(process, question)
