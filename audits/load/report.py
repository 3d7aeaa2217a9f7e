"""What was measured under load, as measurements and series. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from audits.intervals import critical_value, wilson
from audits.load.latencies import Latencies, Quantile
from audits.load.measuring import Cell, Measured
from audits.load.open_loop import Run
from audits.load.parameters import LoadParameters
from audits.load.ratio import ratio_of_quantiles
from audits.load.saturation import Saturation
from audits.measurement import Measurement
from audits.series import Series

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p999": 0.999}
"""Name of a percentile to its share."""

_WORDS = {"p50": "the median", "p95": "p95", "p99": "p99", "p999": "p99.9"}
_MEGA = 1e6
_LATE = 0.01
_HISTOGRAM_BINS = 40


def place_of(cell: Cell) -> dict[str, str]:
    """The slice of a cell's measurements."""
    return {"rate": f"{cell.rate:g}", "batch_size": str(cell.batch_size)}


def measurements_of(measured: Measured, parameters: LoadParameters) -> list[Measurement]:
    """All that rules read."""
    found: list[Measurement] = []
    for cell in measured.cells:
        joined = Latencies.joined(run.latencies for run in cell.runs)
        for confidence in parameters.confidences:
            found += [_latency(cell, joined, name, confidence) for name in QUANTILES]
            found.append(_error_rate(cell, confidence))
            if cell.champion:
                found += [_ratio(cell, name, confidence, seed=parameters.seed) for name in QUANTILES]
        found.append(_throughput(cell))
    found += [_saturation(size, point) for size, point in measured.saturation.items()]
    return [*found, *_of_whole(measured)]


def _latency(cell: Cell, joined: Latencies, name: str, confidence: float) -> Measurement:
    quantile = joined.quantile(QUANTILES[name], confidence)
    return Measurement(
        metric=f"latency_{name}_ms",
        slice=place_of(cell),
        value=_milliseconds(quantile.value),
        low=_milliseconds(quantile.low),
        high=_milliseconds(quantile.high),
        n=quantile.n,
        method="order-statistics",
        confidence=confidence,
        note=_note(name, quantile),
    )


def _note(name: str, quantile: Quantile) -> str:
    if quantile.value is None:
        return f"not enough requests for {_WORDS[name]}: {quantile.n:,}, and it takes {quantile.needed:,}"
    if math.isinf(quantile.value):
        return f"so many of {quantile.n:,} requests got no answer that {_WORDS[name]} is among them"
    parts = []
    if quantile.effective < quantile.n:
        parts.append(f"slow requests come together: {quantile.n:,} are worth {quantile.effective:,} independent ones")
    if quantile.high is None:
        parts.append(f"too few to bound {_WORDS[name]} from above, which takes {quantile.needed:,}")
    elif math.isinf(quantile.high):
        parts.append("the upper limit lies among requests that got no answer")
    return "; ".join(parts)


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None or not math.isfinite(seconds) else seconds * 1000


def _error_rate(cell: Cell, confidence: float) -> Measurement:
    sent = sum(run.sent for run in cell.runs)
    failed, late = sum(run.failed for run in cell.runs), sum(run.timed_out for run in cell.runs)
    low, high = wilson(failed + late, sent, critical_value(confidence))
    message = next((run.message for run in cell.runs if run.message), "")
    return Measurement(
        metric="error_rate",
        slice=place_of(cell),
        value=(failed + late) / sent,
        low=float(low),
        high=float(high),
        n=sent,
        method="wilson",
        confidence=confidence,
        note=f"{failed:,} failed and {late:,} timed out{f'; the first failure: {message}' if message else ''}",
    )


def _throughput(cell: Cell) -> Measurement:
    answered, seconds = sum(run.answered for run in cell.runs), sum(run.seconds for run in cell.runs)
    return Measurement(
        metric="throughput_rows_per_second",
        slice=place_of(cell),
        value=answered * cell.batch_size / seconds,
        n=answered * cell.batch_size,
        method="rows answered in time, by seconds",
        note=f"of {cell.rate * cell.batch_size:g} rows a second that were offered",
    )


def _ratio(cell: Cell, name: str, confidence: float, *, seed: int) -> Measurement:
    ours, theirs = [run.latencies for run in cell.runs], [run.latencies for run in cell.champion]
    value, low, high = ratio_of_quantiles(ours, theirs, QUANTILES[name], confidence, seed=seed)
    n = min(sum(map(len, ours)), sum(map(len, theirs)))
    needed = math.ceil(1 / (1 - QUANTILES[name]))
    few = n < needed
    return Measurement(
        metric="latency_ratio_to_champion",
        slice={**place_of(cell), "percentile": name},
        value=None if few else value,
        low=None if few else low,
        high=None if few else high,
        n=n,
        method="bootstrap-rounds",
        confidence=confidence,
        note=f"not enough requests for {_WORDS[name]}: {n:,}, and it takes {needed:,}"
        if few
        else (
            "one of the two did not answer so many requests" if value is None else f"{len(ours)} rounds each, in turns"
        ),
    )


def _saturation(size: int, point: Saturation) -> Measurement:
    known = point.sustained is not None
    if not known:
        note = "it fell behind at every rate that was tried"
    elif point.too_much is None:
        note = "it bore every rate that could be offered, so it may bear more"
    else:
        note = "low and high are the highest rate that it bore and the lowest that it did not"
    return Measurement(
        metric="saturation_rate",
        slice={"batch_size": str(size)},
        value=point.sustained,
        low=point.sustained,
        high=(point.too_much or point.sustained) if known else None,
        n=len(point.trials),
        method="bisection",
        note=note,
    )


def _of_whole(measured: Measured) -> Iterator[Measurement]:
    ours, processes = measured.signature.sandboxed, measured.connections
    elsewhere = "" if ours else "the model is run by others, so this cannot be told"
    memory = measured.peak_memory
    yield Measurement(
        metric="cold_start_seconds",
        value=measured.cold_start if ours else None,
        n=processes,
        method="slowest process",
        note=elsewhere,
    )
    yield Measurement(
        metric="peak_memory_mb",
        value=None if memory is None else memory / _MEGA,
        n=processes,
        method="largest process",
        note=elsewhere if memory is None else "",
    )
    yield Measurement(
        metric="model_size_mb",
        value=measured.signature.size_bytes / _MEGA if ours else None,
        n=1,
        method="exact count",
        note=elsewhere,
    )
    if measured.cpu_per_row is not None:
        yield Measurement(
            metric="cpu_ms_per_row",
            value=measured.cpu_per_row * 1000,
            n=sum(run.sent * cell.batch_size for cell in measured.cells for run in cell.runs),
            method="processor time by rows",
        )
    busy = measured.machine.busy
    yield Measurement(
        metric="machine_busy",
        value=1.0 if busy else 0.0,
        n=measured.machine.cores,
        method="exact count",
        note=measured.machine.sentence() if busy else "",
    )


def warnings_of(measured: Measured) -> list[str]:
    """What a reader must know before the numbers."""
    said = [measured.machine.sentence()] if measured.machine.busy else []
    late = max((run.late for cell in measured.cells for run in cell.runs), default=0.0)
    if late > _LATE and not measured.signature.sandboxed:
        said.append(
            f"up to {late:.0%} of the requests waited for one of {measured.connections} connections: what they waited is part "
            "of their latency; ask with more connections to know the endpoint alone"
        )
    return said


def series_of(measured: Measured, parameters: LoadParameters) -> list[Series]:
    """Percentiles by rate, the distributions, what was tried to find saturation, and the machine."""
    confidence = parameters.confidences[0]
    found = [
        Series(
            name="load_latency",
            title="Latency by rate",
            columns=(
                "model", "rate", "batch_size", "n", *(f"{name}{end}" for name in QUANTILES for end in ("", "_low", "_high")),
                "answered", "failed", "timed_out", "achieved", "waited",
            ),
            rows=tuple(row for cell in measured.cells for row in _latency_rows(cell, confidence)),
        )
    ]  # fmt: skip
    found += [_histogram(cell) for cell in measured.cells]
    if measured.saturation:
        found.append(
            Series(
                name="load_saturation",
                title="Rates tried to find the saturation point",
                columns=("batch_size", "rate", "achieved", "sustained", "why"),
                rows=tuple(
                    (size, trial.rate, trial.achieved, trial.sustained, trial.why)
                    for size, point in measured.saturation.items()
                    for trial in sorted(point.trials, key=lambda trial: trial.rate)
                ),
            )
        )
    return [*found, _machine(measured, parameters)]


def _latency_rows(cell: Cell, confidence: float) -> Iterator[tuple[object, ...]]:
    for name, runs in (("version", cell.runs), ("champion", cell.champion)):
        if runs:
            joined = Latencies.joined(run.latencies for run in runs)
            quantiles = [joined.quantile(share, confidence) for share in QUANTILES.values()]
            ends = [_milliseconds(end) for q in quantiles for end in (q.value, q.low, q.high)]
            yield (name, cell.rate, cell.batch_size, len(joined), *ends, *_counted(runs))


def _counted(runs: Sequence[Run]) -> tuple[object, ...]:
    sent = sum(run.sent for run in runs)
    return (
        sum(run.answered for run in runs),
        sum(run.failed for run in runs),
        sum(run.timed_out for run in runs),
        sum(run.answered for run in runs) / sum(run.seconds for run in runs),
        sum(run.late * run.sent for run in runs) / sent,
    )


def _histogram(cell: Cell) -> Series:
    counts = Latencies.joined(run.latencies for run in cell.runs).counts()
    rows: list[tuple[object, ...]] = []
    if counts:
        # Buckets of 2 % are too many to look at: so many wider ones, of one width on the logarithmic scale.
        low, high = math.log(counts[0][0] / 1.02), math.log(counts[-1][0] * 1.02)
        width = max((high - low) / _HISTOGRAM_BINS, 0.02)
        bins: dict[int, int] = {}
        for seconds, count in counts:
            place = int((math.log(seconds) - low) / width)
            bins[place] = bins.get(place, 0) + count
        total = sum(bins.values())
        for place in range(max(bins) + 1):
            ends = [math.exp(low + step * width) * 1000 for step in (place, place + 1)]
            rows.append((*ends, bins.get(place, 0), bins.get(place, 0) / total))
    return Series(
        name="load_histogram",
        title="Distribution of latencies",
        slice=place_of(cell),
        columns=("from_ms", "to_ms", "requests", "share"),
        rows=tuple(rows),
    )


def _machine(measured: Measured, parameters: LoadParameters) -> Series:
    facts, signature = measured.machine, measured.signature
    cpu = measured.cpu_per_row
    rows: list[tuple[str, object]] = [
        ("Runs as", signature.format if signature.sandboxed else "an endpoint, run by others"),
        ("Connections", measured.connections),
        ("Arrivals", parameters.arrivals),
        ("Seconds at every rate", parameters.seconds),
        ("Seconds until a request has timed out", parameters.timeout),
        ("Warm-up requests, which count nowhere", measured.warm_up),
        ("Cold start, s", measured.cold_start if signature.sandboxed else None),
        ("Model size, MB", signature.size_bytes / _MEGA if signature.sandboxed else None),
        ("Peak memory, MB", None if measured.peak_memory is None else measured.peak_memory / _MEGA),
        ("Processor time per row, ms", None if cpu is None else cpu * 1000),
        ("Cores of the machine", facts.cores),
        ("Cores that others kept at work", facts.others),
        ("Load average before", facts.load_before),
        ("Load average after", facts.load_after),
    ]
    return Series(
        name="load_machine", title="Where and how it was measured", columns=("fact", "value"), rows=tuple(rows)
    )
