"""The generator of load: every request has a time at which it is meant to be sent, and its latency counts from then.

A generator that waits for an answer before it sends the next question stops asking while the system is slow, and so never
learns how slow it was ("coordinated omission"). Here users come whether or not those before them have been served.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from audits.load.latencies import Latencies
from audits.sandbox.errors import ModelFailed, SandboxUnavailable

Send: TypeAlias = Callable[[int], None]
"""Asks the n-th question and waits for its answer. Raises ``ModelFailed`` where there is none."""

MOST_FAILURES = 5
"""So many failures one after the other, and the rest of a run counts as failed without being sent."""

_TOLD_EVERY = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What became of the requests of one run.

    Attributes
    ----------
    latencies
        Of all requests, in the order in which they were meant to be sent: late answers with the time they took, requests
        without an answer as slower than any.
    sent, answered, failed, timed_out
        Requests that were due, and what became of them: these three add up to ``sent``.
    seconds
        From the start to the last answer, or to when the rest was given up, without what an answer usually takes.
    offered
        Requests per second that were meant to be sent.
    achieved
        Requests per second that were answered in time.
    quarters
        Median latency, in seconds, of each quarter of the requests.
    late
        Share of requests that found no connection free and so were sent later than meant.
    message
        The first failure in words; empty where there was none.
    """

    latencies: Latencies
    sent: int
    answered: int
    failed: int
    timed_out: int
    seconds: float
    offered: float
    achieved: float
    quarters: tuple[float, ...]
    late: float
    message: str = ""


@dataclass(slots=True, eq=False)
class OpenLoop:
    """One run: requests are taken in the order of their intended times by whichever connection is free.

    Parameters
    ----------
    arrivals
        Intended times, in seconds after the start.
    period
        Seconds that they are spread over: their number over it is the rate that is offered.
    timeout
        Seconds after which whoever asked has gone away. The answer is waited for all the same, and counts with its time.
    clock, sleep
        Injected, so that tests run in simulated time.
    """

    arrivals: npt.NDArray[np.float64]
    period: float
    timeout: float
    clock: Callable[[], float] = time.perf_counter
    sleep: Callable[[float], None] = time.sleep
    start: float = 0.0
    _next: int = 0
    _lock: Any = field(default_factory=threading.Lock)
    _stopped: bool = False
    _in_a_row: int = 0
    _message: str = ""
    _latency: npt.NDArray[np.float64] = field(init=False)
    _state: npt.NDArray[np.int8] = field(init=False)
    _waited: int = 0

    def __post_init__(self) -> None:
        self._latency = np.full(len(self.arrivals), np.nan)
        self._state = np.full(len(self.arrivals), _DUE, dtype=np.int8)

    def begin(self) -> None:
        """Start the clock."""
        self.start = self.clock()

    @property
    def deadline(self) -> float:
        """When what was not sent yet is given up."""
        return self.start + self.period + self.timeout

    def work(self, send: Send) -> None:
        """Send requests on one connection until none is left, or it is too late for the rest."""
        while (index := self._take()) is not None:
            intended = self.start + float(self.arrivals[index])
            while (wait := intended - self.clock()) > 0 and not self._stopped:
                self.sleep(min(wait, _TOLD_EVERY))
            if self._stopped:
                return
            try:
                send(index)
            except ModelFailed as error:
                self._note(index, self.clock() - intended, _FAILED, str(error))
            else:
                self._note(index, self.clock() - intended, _ANSWERED)

    def stop(self) -> None:
        """Send nothing more."""
        self._stopped = True

    def share_done(self) -> float:
        """How far the run is, in [0, 1]."""
        return self._next / len(self.arrivals)

    def result(self) -> Run:
        """What came out, once all connections are done."""
        end, counted = self.clock(), Latencies()
        took = float(np.nanmax(self.arrivals + self._latency)) if np.isfinite(self._latency).any() else end - self.start
        for index in range(len(self.arrivals)):
            state = self._state[index]
            if state == _DUE:
                self._latency[index] = max(end - self.start - float(self.arrivals[index]), 0.0)
                took = max(took, end - self.start)
            counted.add(float(self._latency[index]) if state == _ANSWERED else math.inf)
        answered = (self._state == _ANSWERED) & (self._latency <= self.timeout)
        failed = (self._state == _FAILED) | ((self._state == _DUE) & (self._in_a_row >= MOST_FAILURES))
        n, done = len(self.arrivals), int(answered.sum())
        # What an answer takes when nothing waits is no falling behind; nor does an early last arrival raise the rate.
        usual = float(np.median(self._latency[: max(n // 4, 1)]))
        took = max(took - usual, self.period)
        return Run(
            latencies=counted,
            sent=n,
            answered=done,
            failed=int(failed.sum()),
            timed_out=n - done - int(failed.sum()),
            seconds=took,
            offered=n / self.period,
            achieved=done / took,
            quarters=tuple(float(np.median(part)) for part in np.array_split(self._latency, 4) if len(part)),
            late=self._waited / n,
            message=self._message,
        )

    def _take(self) -> int | None:
        with self._lock:
            index = self._next
            if index >= len(self.arrivals) or self._stopped or self._in_a_row >= MOST_FAILURES:
                return None
            now = self.clock()
            if now > self.deadline:
                return None
            self._waited += now > self.start + float(self.arrivals[index])
            self._next += 1
            return index

    def _note(self, index: int, latency: float, state: int, message: str = "") -> None:
        with self._lock:
            self._latency[index], self._state[index] = latency, state
            self._in_a_row = self._in_a_row + 1 if state == _FAILED else 0
            self._message = self._message or message


_DUE, _ANSWERED, _FAILED = 0, 1, 2


def drive(loop: OpenLoop, senders: Sequence[Send], told: Callable[[float], None]) -> Run:
    """Run ``loop`` on as many connections as there are senders, each in a thread of its own.

    Parameters
    ----------
    told
        Called twice a second with the share done, in this thread; whatever it raises stops the run and passes through.

    Raises
    ------
    Exception
        Whatever a sender raises beside ``ModelFailed``, such as ``SandboxUnavailable``.
    """
    raised: list[BaseException] = []

    def connection(send: Send) -> None:
        try:
            loop.work(send)
        except BaseException as error:  # noqa: BLE001 - raised again below, in the thread that waits
            raised.append(error)
            loop.stop()

    threads = [threading.Thread(target=connection, args=(send,), daemon=True) for send in senders]
    loop.begin()
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            while thread.is_alive():
                thread.join(_TOLD_EVERY)
                told(loop.share_done())
    finally:
        loop.stop()
        for thread in threads:
            # A model that hangs is ended by whoever opened it; cancelling does not wait for that.
            thread.join(_TOLD_EVERY)
    if raised:
        raise next((error for error in raised if isinstance(error, SandboxUnavailable)), raised[0])
    return loop.result()
