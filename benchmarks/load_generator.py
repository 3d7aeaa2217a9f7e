"""What the generator of load adds of its own: latencies of a model that answers at once, and the highest rate it can offer.

Run: ``python benchmarks/load_generator.py [--seconds 4] [--rates 10,100,1000] [--connections 1]``. Prints, for each rate, the
percentiles of the latency from the intended time with nothing to wait for: what is found there is ours, not the model's. Then
the highest rate that is sustained, and how long it takes to make a histogram of a million latencies. Then the same with a model
of known delay, where what is added shows as the difference.
"""

from __future__ import annotations

import argparse
import json
import time

import bench  # noqa: F401 - puts the checkout on the path
import numpy as np

from audits.load.arrivals import arrival_times
from audits.load.latencies import Latencies
from audits.load.machine import between, now
from audits.load.open_loop import OpenLoop, Run, Send, drive
from audits.load.saturation import find_saturation

SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}


def offer(rate: float, seconds: float, senders: list[Send]) -> Run:
    arrivals = arrival_times("poisson", rate, seconds, seed=[0, int(rate)])
    loop = OpenLoop(arrivals=arrivals, period=len(arrivals) / rate, timeout=5.0)
    return drive(loop, senders, lambda _share: None)


def told(run: Run, *, less: float = 0.0) -> dict[str, float]:
    """Percentiles in milliseconds, without what the model takes itself."""
    found = {name: round((run.latencies.at(share) - less) * 1000, 3) for name, share in SHARES.items()}
    return {"offered": round(run.offered, 1), "achieved": round(run.achieved, 1), **found}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rates", type=lambda text: [float(part) for part in text.split(",")], default=[10, 100, 1000])
    parser.add_argument("--connections", type=int, default=1)
    args = parser.parse_args()
    before = now()
    nothing: list[Send] = [lambda _index: None] * args.connections
    delay = 0.005
    slow: list[Send] = [lambda _index: time.sleep(delay)] * args.connections
    result: dict[str, object] = {
        "connections": args.connections,
        "added to no model, ms": [told(offer(rate, args.seconds, nothing)) for rate in args.rates],
        "added to a model that sleeps 5 ms, ms": told(offer(20, args.seconds, slow), less=delay),
    }
    found = find_saturation(lambda rate: offer(rate, 1.0, nothing), start=1000, highest=1_000_000)
    result["highest rate offered"] = {"sustained": found.sustained, "too much": found.too_much}
    values = np.random.default_rng(0).exponential(0.01, 1_000_000)
    start = time.perf_counter()
    latencies = Latencies.of(values.tolist())
    recorded = time.perf_counter() - start
    start = time.perf_counter()
    latencies.quantile(0.99, 0.95)
    result["a million latencies, s"] = {
        "recorded": round(recorded, 2),
        "p99 with its interval": round(time.perf_counter() - start, 2),
    }
    machine = between(before, now(), model_seconds=None)
    result["machine"] = {"cores": machine.cores, "others": machine.others, "load before": machine.load_before}
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
