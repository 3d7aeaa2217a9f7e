"""A clock that moves only when somebody sleeps or serves: queues whose latencies are known from theory."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from audits.load.arrivals import arrival_times
from audits.load.open_loop import OpenLoop, Run


class SimulatedTime:
    def __init__(self) -> None:
        self.now = 100.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def offered(
    rate: float,
    seconds: float,
    service: Callable[[int, float], float],
    *,
    kind: str = "poisson",
    timeout: float = 1000.0,
    seed: int = 1,
) -> Run:
    """A run against one server that takes ``service(index, seconds since the start)`` seconds for each request."""
    time = SimulatedTime()
    arrivals = arrival_times(kind, rate, seconds, seed=seed)
    loop = OpenLoop(arrivals=arrivals, period=len(arrivals) / rate, timeout=timeout, clock=time.clock, sleep=time.sleep)

    def send(index: int) -> None:
        time.now += service(index, time.now - loop.start)

    loop.begin()
    loop.work(send)
    return loop.result()


def asked_one_by_one(requests: int, service: Callable[[int, float], float]) -> np.ndarray:
    """What a generator measures that waits for each answer before it asks again: latencies from the actual sending."""
    time, found = SimulatedTime(), []
    for index in range(requests):
        before = time.now
        time.now += service(index, time.now - 100.0)
        found.append(time.now - before)
        time.now += 0.01
    return np.array(found)
