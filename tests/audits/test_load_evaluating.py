"""``evaluate load``: a model under load, the report, a champion in turns, and a real server whose delays are known."""

from __future__ import annotations

import threading
import time
import urllib.request
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from audits.engines.opening import Data
from audits.evaluate import evaluate
from audits.kinds import load as kind
from audits.load import measuring
from audits.load.machine import Machine, Moment, between
from audits.load.parameters import parse_load
from audits.sandbox.errors import ModelFailed, SandboxUnavailable
from audits.scoring.model import Usage
from audits.scoring.source import ModelFile
from registry.errors import InvalidInput
from registry.execution import Interface
from tests.audits.model_cases import FunctionModel

MODEL = {"inputs": ["income", "debt"], "threshold": 0.5}
SHORT = {"model": MODEL, "rates": [200], "seconds": 0.5, "saturation": False}


class SlowModel(FunctionModel):
    """Takes as many seconds for every question as it is told, and says what it took of the machine."""

    def __init__(self, seconds: float = 0.0, failing: tuple[int, ...] = ()) -> None:
        super().__init__(lambda columns: np.full(len(columns["income"]), 0.7), ("income", "debt"))
        self.seconds, self.failing, self.asked, self.closed, self.sizes = seconds, failing, 0, False, set()

    def score(self, batches):
        for answer in super().score(batches):
            self.asked += 1
            self.sizes.add(answer.num_rows)
            if self.asked in self.failing:
                raise ModelFailed("the model answered NaN")
            time.sleep(self.seconds)
            yield answer

    def usage(self):
        return Usage(cpu_seconds=0.001 * self.asked, peak_memory_bytes=50_000_000)


@pytest.fixture(scope="module")
def people(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("data") / "test.csv"
    path.write_text("id,income,debt\n" + "".join(f"{i},{i * 100},{i * 7}\n" for i in range(200)))
    return path


@pytest.fixture
def model_file(tmp_path) -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"not read by a model that is a function")
    return path


@pytest.fixture
def opens(monkeypatch):
    """Has models opened one after the other from a list, and remembers with which limits."""

    def put(*models):
        waiting, limits_given = list(models), []

        @contextmanager
        def open_model(_source, *, limits=None, **_more):
            model = waiting.pop(0)
            limits_given.append(limits)
            try:
                yield model
            finally:
                model.closed = True

        monkeypatch.setattr(kind, "open_model", open_model)
        return limits_given

    return put


def measured(report, metric, **place):
    found = [
        item
        for item in report["measurements"]
        if item["metric"] == metric and all(item["slice"].get(name) == value for name, value in place.items())
    ]
    assert len(found) == 1, f"{len(found)} of {metric} {place}"
    return found[0]


def test_a_model_of_known_speed_is_measured_with_everything_that_rules_read(opens, people, model_file):
    model = SlowModel(0.002)
    limits = opens(model)
    report = evaluate("load", [model_file, people], {**SHORT, "batch_sizes": [1, 16]})
    median = measured(report, "latency_p50_ms", rate="200", batch_size="1")
    assert median["value"] >= 2
    assert median["n"] == 100
    assert median["low"] <= median["value"] <= median["high"]
    assert measured(report, "latency_p95_ms", rate="200", batch_size="16")["value"] >= 2
    far = measured(report, "latency_p999_ms", rate="200", batch_size="1")
    assert far["value"] is None
    assert far["note"] == "not enough requests for p99.9: 100, and it takes 3,688"
    assert measured(report, "error_rate", batch_size="1")["value"] == 0
    assert 0 < measured(report, "throughput_rows_per_second", batch_size="16")["value"] <= 3200.001
    assert measured(report, "peak_memory_mb")["value"] == 50
    assert measured(report, "cpu_ms_per_row")["value"] == pytest.approx(200 * 1 / 1700)
    assert measured(report, "machine_busy")["value"] in (0, 1)
    assert {1, 16} == model.sizes
    assert model.closed
    assert limits[0].wall_seconds == 60
    assert {item["name"] for item in report["series"]} == {"load_latency", "load_histogram", "load_machine"}
    machine = dict(next(item for item in report["series"] if item["name"] == "load_machine")["rows"])
    assert machine["Warm-up requests, which count nowhere"] == 40
    assert [Path(item["path"]).name for item in report["inputs"]] == ["model.onnx", "test.csv"]


def test_failures_are_told_and_count_as_slower_than_any(opens, people, model_file):
    opens(SlowModel(failing=(30, 40, 41)))
    report = evaluate("load", [model_file, people], SHORT)
    rate = measured(report, "error_rate")
    assert (rate["value"], rate["n"], rate["method"]) == (0.03, 100, "wilson")
    assert rate["note"] == "3 failed and 0 timed out; the first failure: the model answered NaN"
    assert measured(report, "latency_p50_ms")["value"] > 0
    assert measured(report, "latency_p95_ms")["high"] is None


def test_the_champion_takes_turns_and_the_ratio_says_how_much_slower_the_version_is(opens, people, model_file):
    version, champion = SlowModel(0.004), SlowModel(0.001)
    opens(version, champion)
    report = evaluate("load", [model_file, people, model_file], {**SHORT, "rates": [100], "seconds": 0.8})
    ratio = measured(report, "latency_ratio_to_champion", percentile="p50")
    assert ratio["low"] > 1.3
    assert ratio["low"] <= ratio["value"] <= ratio["high"]
    assert ratio["note"] == "8 rounds each, in turns"
    assert measured(report, "latency_ratio_to_champion", percentile="p999")["value"] is None
    rows = next(item for item in report["series"] if item["name"] == "load_latency")["rows"]
    assert [row[0] for row in rows] == ["version", "champion"]
    assert version.asked == champion.asked == 20 + 80


def test_every_connection_has_a_model_of_its_own(opens, people, model_file):
    models = [SlowModel(0.01) for _ in range(4)]
    opens(*models)
    report = evaluate("load", [model_file, people], {**SHORT, "connections": 4})
    assert all(model.asked > 20 and model.closed for model in models)
    assert measured(report, "cold_start_seconds")["n"] == 4


def test_saturation_is_looked_for_at_every_batch_size(opens, people, model_file):
    opens(SlowModel(0.01))
    report = evaluate("load", [model_file, people], {**SHORT, "rates": [20], "seconds": 0.25, "saturation": True})
    point = measured(report, "saturation_rate", batch_size="1")
    assert 0 < point["low"] == point["value"] <= 110
    assert point["high"] > point["low"]
    trials = next(item for item in report["series"] if item["name"] == "load_saturation")["rows"]
    assert len(trials) == point["n"]


def test_without_a_sandbox_nothing_is_measured(monkeypatch, people, model_file):
    def open_model(*_args, **_more):
        raise SandboxUnavailable("bwrap is not installed")

    monkeypatch.setattr(kind, "open_model", open_model)
    with pytest.raises(SandboxUnavailable):
        evaluate("load", [model_file, people], SHORT)


def test_cancelling_closes_the_model(opens, people, model_file):
    model = SlowModel(0.001)
    opens(model)

    def progress(share, _note):
        if share > 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate("load", [model_file, people], {**SHORT, "seconds": 30}, progress=progress)
    assert model.closed


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"rates": [0]}, "rates"),
        ({"rates": "fast"}, "rates"),
        ({"rates": [True]}, "rates"),
        ({"rates": [100_001]}, "rates"),
        ({"batch_sizes": [1.5]}, "batch_sizes"),
        ({"seconds": 601}, "seconds"),
        ({"seconds": 600, "rates": list(range(1, 9))}, "seconds"),
        ({"seconds": 600, "rates": [50_000]}, "rates"),
        ({"arrivals": "bursts"}, "arrivals"),
        ({"connections": 0}, "connections"),
        ({"timeout": 0}, "timeout"),
        ({"confidences": [95]}, "confidences"),
        ({"speed": 1}, "speed"),
    ],
)
def test_impossible_load_is_refused_by_name(wrong, field):
    with pytest.raises(InvalidInput) as refused:
        parse_load(wrong)
    assert refused.value.field == field


def test_a_model_whose_columns_the_data_lack_is_refused(people, model_file):
    with pytest.raises(InvalidInput, match="no column 'rent'") as refused:
        evaluate("load", [model_file, people], {**SHORT, "model": {"inputs": ["rent"]}})
    assert refused.value.field == "test"


def test_a_busy_machine_is_what_others_took_not_what_we_did():
    before = Moment(clock=0, busy=100, own=10, load=0.2)
    after = Moment(clock=10, busy=115, own=14, load=1.4)
    quiet = between(before, after, model_seconds=10)
    assert quiet.others == pytest.approx(0.1)
    busy = between(before, after, model_seconds=None)
    assert busy.others == pytest.approx(1.1)
    for cores, others, load, expected in (
        (2, 0.1, 9.0, False), (2, 1.1, 0.1, True), (8, 1.1, 0.1, False), (2, None, 7.1, True), (2, None, None, True),
    ):  # fmt: skip
        assert Machine(cores=cores, load_before=load, load_after=load, others=others).busy is expected
    said = Machine(cores=2, load_before=7.1, load_after=7, others=1.9).sentence()
    assert said.startswith("the machine was busy: others kept 1.9 of 2 cores at work, load 7.1 before")


class Server(ThreadingHTTPServer):
    """Answers after known delays; stands still once."""

    daemon_threads = True
    delay = 0.02
    still_until = 0.0


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self):
        time.sleep(max(self.server.delay, self.server.still_until - time.monotonic()))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_args):
        pass


@pytest.fixture(scope="module")
def server():
    server = Server(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_stall_of_a_real_server_shows_in_the_open_loop_and_hides_when_asked_one_by_one(server):
    """40 ms an answer, 50 requests a second for 2 s on 16 connections; the server stands still for 0.6 s from 0.5 s on."""
    url = f"http://127.0.0.1:{server.server_port}/"

    def ask(_index=0):
        with urllib.request.urlopen(url, timeout=10) as answer:
            answer.read()

    server.delay = 0.04
    ask()

    def stall():
        time.sleep(0.5)
        server.still_until = time.monotonic() + 0.6

    arrivals = measuring.arrival_times("uniform", 50, 2, seed=0)
    loop = measuring.OpenLoop(arrivals=arrivals, period=2, timeout=10)
    stalling = threading.Thread(target=stall)
    stalling.start()
    run = measuring.drive(loop, [ask] * 16, lambda _share: None)
    stalling.join()
    assert run.answered == 100
    # 30 of 100 requests came while it stood still, and waited from 0.6 s down.
    assert 0.03 <= run.latencies.at(0.5) <= 0.3
    assert 0.3 <= run.latencies.at(0.9) <= 0.9
    one_by_one = []
    server.still_until = time.monotonic() + 0.6
    for _ in range(15):
        before = time.perf_counter()
        ask()
        one_by_one.append(time.perf_counter() - before)
    assert np.quantile(one_by_one, 0.9) < run.latencies.at(0.9)
    assert max(one_by_one) >= 0.5


def test_a_composite_counts_as_run_elsewhere_if_any_part_is():
    from audits.scoring.source import Composite, Endpoint

    interface = Interface(inputs=("income",))
    file = ModelFile(name="m.onnx", path=Path("m.onnx"), interface=interface)
    endpoint = Endpoint(name="e", url="https://models.example", model="m", interface=interface)
    assert measuring.connections_of(file, None) == 1
    assert measuring.connections_of(endpoint, None) == 32
    assert measuring.connections_of(endpoint, 4) == 4
    graph = Composite(name="g", steps=(), interface=interface, components={"a@1": file, "b@1": endpoint})
    assert measuring.connections_of(graph, None) == 32
    assert Data(name="m", model=graph).model is graph
