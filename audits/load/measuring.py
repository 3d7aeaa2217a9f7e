"""Offers load to a model, or to a version and its champion in turns, and gathers what came out. Pure of Django."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from audits.load import machine
from audits.load.arrivals import arrival_times
from audits.load.open_loop import OpenLoop, Run, Send, drive
from audits.load.parameters import LoadParameters
from audits.load.ratio import turns
from audits.load.saturation import Saturation, find_saturation
from audits.sandbox.limits import Limits
from audits.scoring.source import Composite, Endpoint, ModelSource

if TYPE_CHECKING:
    import pyarrow as pa

    from audits.engines.port import Progress
    from audits.scoring.model import Model, Signature

ROUNDS = 8
"""Turns that each of two models has at every rate."""

OF_ENDPOINT = 32
"""Connections to an endpoint, unless told otherwise."""

_WARM_UP_REQUESTS, _LEAST_WARM_UP, _WARM_UP_SECONDS = 20, 5, 2.0
_BATCHES = 64
_TRIAL_SECONDS = 2.0
_LEAST_LIMIT = 60.0
_HIGHEST_RATE = 100_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One rate with one batch size: the runs of the version, and beside each the champion's, if there is one."""

    rate: float
    batch_size: int
    runs: tuple[Run, ...]
    champion: tuple[Run, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """All that was measured.

    Attributes
    ----------
    cells
        By batch size and rate.
    saturation
        Batch size to what the version bears.
    signature
        Of the version's model.
    connections
        Requests that could be on their way at once.
    warm_up
        Requests that were made beforehand and count nowhere.
    cold_start
        Seconds from starting the slowest of its processes to its first answer; 0 where it is run by others.
    peak_memory, cpu_per_row
        Bytes of the largest process, and seconds of processor time by row; ``None`` where the model runs elsewhere.
    machine
        What others did meanwhile.
    """

    cells: tuple[Cell, ...]
    saturation: dict[int, Saturation]
    signature: Signature
    connections: int
    warm_up: int
    cold_start: float
    peak_memory: int | None
    cpu_per_row: float | None
    machine: machine.Machine


@dataclass(slots=True, eq=False)
class Target:
    """A model under load: one opened model for each connection, so that none waits for another."""

    models: list[Model]
    batches: dict[int, list[pa.RecordBatch]]
    warm_up: int = 0
    service: dict[int, float] = field(default_factory=dict)

    def senders(self, batch_size: int) -> list[Send]:
        """One for each connection."""
        return [self._sender(model, self.batches[batch_size]) for model in self.models]

    @staticmethod
    def _sender(model: Model, batches: Sequence[pa.RecordBatch]) -> Send:
        def send(index: int) -> None:
            for _answer in model.score(iter([batches[index % len(batches)]])):
                pass

        return send

    def warm(self, batch_size: int) -> None:
        """Ask every connection some questions that count nowhere, and note how long one takes."""
        with ThreadPoolExecutor(len(self.models)) as pool:
            took = [seconds for each in pool.map(_warmed, self.senders(batch_size)) for seconds in each]
        self.warm_up += len(took)
        self.service[batch_size] = sorted(took)[len(took) // 2]

    def cpu_seconds(self) -> float | None:
        """Processor time of all its processes so far."""
        used = [model.usage() for model in self.models]
        known = [usage.cpu_seconds for usage in used if usage is not None]
        return sum(known) if len(known) == len(used) else None

    def peak_memory(self) -> int | None:
        """Bytes of the largest of its processes."""
        used = [model.usage() for model in self.models]
        known = [usage.peak_memory_bytes for usage in used if usage is not None]
        return max(known) if len(known) == len(used) else None


def _warmed(send: Send) -> list[float]:
    """How long each of the first questions took on one connection."""
    start, took = time.perf_counter(), list[float]()
    for index in range(_WARM_UP_REQUESTS):
        before = time.perf_counter()
        send(index)
        took.append(time.perf_counter() - before)
        if len(took) >= _LEAST_WARM_UP and time.perf_counter() - start > _WARM_UP_SECONDS:
            break
    return took


def connections_of(source: ModelSource, asked: int | None) -> int:
    """How many requests may be on their way at once."""
    return asked or (OF_ENDPOINT if _elsewhere(source) else 1)


def _elsewhere(source: ModelSource) -> bool:
    if isinstance(source, Composite):
        return any(map(_elsewhere, source.components.values()))
    return isinstance(source, Endpoint)


@contextmanager
def opened(
    open_model: Callable[..., Any],
    source: ModelSource,
    table: pa.Table,
    parameters: LoadParameters,
    progress: Progress,
) -> Iterator[Target]:
    """Open a model once for each connection; what ``progress`` raises meanwhile ends the start."""
    limits = Limits(wall_seconds=max(_LEAST_LIMIT, 2 * parameters.timeout))
    batches = {size: batches_of_size(table, size, source.interface.inputs) for size in parameters.batch_sizes}
    with ExitStack() as stack:
        count = connections_of(source, parameters.connections)
        models = [stack.enter_context(open_model(source, limits=limits, progress=progress)) for _ in range(count)]
        yield Target(models=models, batches=batches)


def batches_of_size(table: pa.Table, size: int, inputs: Sequence[str]) -> list[pa.RecordBatch]:
    """Different batches of exactly ``size`` rows; where there are fewer rows, they come again."""
    import numpy as np

    wanted = table.select(list(dict.fromkeys(inputs)))
    count = min(_BATCHES, max(1, table.num_rows // size))
    places = np.arange(count * size) % table.num_rows
    return [
        wanted.take(places[start : start + size]).combine_chunks().to_batches()[0]
        for start in range(0, count * size, size)
    ]


def measure(
    version: Target,
    champion: Target | None,
    parameters: LoadParameters,
    progress: Progress,
) -> Measured:
    """Offer every rate with every batch size, then look for saturation.

    Parameters
    ----------
    champion
        Where given, the two take turns (A B B A) with the same arrivals in both.
    progress
        Called about twice a second; whatever it raises stops everything.
    """
    for size in parameters.batch_sizes:
        progress(0.0, f"warming up with {size} rows a request")
        for target in filter(None, (version, champion)):
            target.warm(size)
    pace = _Pace(parameters, 1 if champion is None else 2, progress)
    before, used, done = machine.now(), _cpu(version, champion), version.cpu_seconds()
    cells = tuple(
        _cell(version, champion, rate, size, parameters, pace)
        for size in parameters.batch_sizes
        for rate in parameters.rates
    )
    after, ended = machine.now(), _cpu(version, champion)
    cpu = version.cpu_seconds()
    rows = sum(run.sent * cell.batch_size for cell in cells for run in cell.runs)
    found = {}
    if parameters.saturation:
        found = {size: _saturation(version, size, parameters, pace) for size in parameters.batch_sizes}
    return Measured(
        cells=cells,
        saturation=found,
        signature=version.models[0].signature,
        connections=len(version.models),
        warm_up=version.warm_up,
        cold_start=max(model.signature.load_seconds for model in version.models),
        peak_memory=version.peak_memory(),
        cpu_per_row=None if cpu is None or done is None else (cpu - done) / rows,
        machine=machine.between(before, after, model_seconds=None if used is None or ended is None else ended - used),
    )


def _cpu(version: Target, champion: Target | None) -> float | None:
    parts = [target.cpu_seconds() for target in (version, champion) if target is not None]
    return None if None in parts else sum(part for part in parts if part is not None)


@dataclass(slots=True, eq=False)
class _Pace:
    """How far everything is, by the seconds that it takes at the least."""

    parameters: LoadParameters
    models: int
    progress: Progress
    done: float = 0.0
    total: float = field(init=False)

    def __post_init__(self) -> None:
        asked = self.parameters
        cells = len(asked.rates) * len(asked.batch_sizes)
        trials = 10 * _trial_seconds(asked) * len(asked.batch_sizes) if asked.saturation else 0.0
        self.total = cells * asked.seconds * self.models + trials

    def told(self, seconds: float, note: str) -> Callable[[float], None]:
        """What :func:`drive` calls during a run of so many seconds."""

        def tell(share: float) -> None:
            self.progress(min((self.done + share * seconds) / self.total, 0.99), note)

        return tell


def _cell(
    version: Target, champion: Target | None, rate: float, size: int, parameters: LoadParameters, pace: _Pace
) -> Cell:
    runs: dict[bool, list[Run]] = {False: [], True: []}
    rounds = ROUNDS if champion is not None else 1
    seconds = parameters.seconds / rounds
    for theirs in turns(rounds) if champion is not None else [False]:
        target = champion if theirs and champion is not None else version
        seed = [parameters.seed, size, len(runs[theirs])]
        note = f"{rate:g} requests a second of {size} rows"
        runs[theirs].append(_offer(target, rate, size, seconds, seed, parameters, pace.told(seconds, note)))
        pace.done += seconds
    return Cell(rate=rate, batch_size=size, runs=tuple(runs[False]), champion=tuple(runs[True]))


def _offer(
    target: Target,
    rate: float,
    size: int,
    seconds: float,
    seed: list[int],
    parameters: LoadParameters,
    told: Callable[[float], None],
) -> Run:
    arrivals = arrival_times(parameters.arrivals, rate, seconds, seed=seed)
    loop = OpenLoop(arrivals=arrivals, period=len(arrivals) / rate, timeout=parameters.timeout)
    return drive(loop, target.senders(size), told)


def _trial_seconds(parameters: LoadParameters) -> float:
    return min(parameters.seconds, _TRIAL_SECONDS)


def _saturation(version: Target, size: int, parameters: LoadParameters, pace: _Pace) -> Saturation:
    seconds = _trial_seconds(parameters)
    tried = 0

    def offer(rate: float) -> Run:
        nonlocal tried
        tried += 1
        told = pace.told(seconds, f"looking for saturation: {rate:.3g} requests a second of {size} rows")
        # Nobody waits for what a rate that is too high leaves behind: a second tells that it is too high.
        arrivals = arrival_times(parameters.arrivals, rate, seconds, seed=[parameters.seed, size, 1000 + tried])
        loop = OpenLoop(arrivals=arrivals, period=len(arrivals) / rate, timeout=min(parameters.timeout, seconds / 2))
        run = drive(loop, version.senders(size), told)
        pace.done = min(pace.done + seconds, pace.total)
        return run

    # Half of what as many connections could answer if nothing ever waited.
    first = max(len(version.models) / max(version.service[size], 1e-6) / 2, 2 / seconds)
    return find_saturation(offer, start=min(first, _HIGHEST_RATE), highest=_HIGHEST_RATE, lowest=2 / seconds)
