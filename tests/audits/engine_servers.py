"""Real servers for tests of engines: PostgreSQL with a reader who may read one schema, and Spark on this machine."""

from __future__ import annotations

import ctypes
import os
import re
import select
import shutil
import signal
import socket
import socketserver
import subprocess
import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg2
import pyarrow as pa

from tests.conftest import start_postgresql

READER, SECRET = "reader", "the:reader's %20 secret"
_TYPES = {"int16": "smallint", "int32": "integer", "int64": "bigint", "double": "double precision", "float": "real"}
_TYPES |= {"bool": "boolean", "string": "text", "date32[day]": "date", "timestamp[us]": "timestamp"}
_PATIENCE = 90


@dataclass
class Postgres:
    """A running PostgreSQL: how its owner reaches it, and the address of a relation for the reader."""

    uri: str

    def address(self, what, credentials="warehouse"):
        host = quote(re.search(r"host=([^&]+)", self.uri).group(1), safe="/")
        return f"postgresql:///postgres?host={host}&{what}&credentials={credentials}"

    @contextmanager
    def over_tcp(self):
        """The port on 127.0.0.1 behind which the server answers, as a warehouse would; the wheel's own knows sockets only."""
        behind = f"{re.search(r'host=([^&]+)', self.uri).group(1)}/.s.PGSQL.5432"

        class Forward(socketserver.BaseRequestHandler):
            def handle(self):
                with socket.socket(socket.AF_UNIX) as there:
                    there.connect(behind)
                    ends = {self.request: there, there: self.request}
                    while ready := select.select(list(ends), [], [], 10)[0]:
                        for end in ready:
                            if not (data := end.recv(65536)):
                                return
                            ends[end].sendall(data)

        with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Forward) as server:
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            yield server.server_address[1]
            server.shutdown()

    def run(self, *statements):
        with psycopg2.connect(self.uri) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        connection.close()

    def load(self, name, table: pa.Table):
        """Write a table; the reader may read it."""
        columns = ", ".join(f"{_quoted(field.name)} {_type(field.type)}" for field in table.schema)
        rows = list(zip(*table.to_pydict().values(), strict=True))
        with psycopg2.connect(self.uri) as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE TABLE {name} ({columns})")
            places = ", ".join(["%s"] * len(table.schema))
            cursor.executemany(f"INSERT INTO {name} VALUES ({places})", rows)
            cursor.execute(f"GRANT SELECT ON {name} TO {READER}")
        connection.close()


def _quoted(name):
    return '"' + name.replace('"', '""') + '"'


def _type(type_):
    if pa.types.is_decimal(type_):
        return f"numeric({type_.precision}, {type_.scale})"
    return _TYPES[str(type_)]


@contextmanager
def postgres():
    """A private PostgreSQL with the role ``reader``, who owns nothing."""
    directory = Path(tempfile.mkdtemp(prefix="countersign-pg-"))  # pytest's own folder is closed to the server's user
    server = start_postgresql(directory / "data")
    started = Postgres(server.get_uri())
    try:
        started.run(
            f"CREATE ROLE {READER} LOGIN PASSWORD '{SECRET.replace(chr(39), chr(39) * 2)}'", "CREATE SCHEMA risk"
        )
        started.run(f"GRANT USAGE ON SCHEMA risk TO {READER}")
        yield started
    finally:
        server.cleanup()
        shutil.rmtree(directory, ignore_errors=True)


@dataclass
class Cluster:
    """A running Spark: the address of its master, and what its logs say."""

    url: str
    processes: list

    def running(self):
        return sum(process.poll() is None for process in self.processes)


def java():
    """Where Java is, or None."""
    return shutil.which("java") or (os.environ.get("JAVA_HOME") and str(Path(os.environ["JAVA_HOME"]) / "bin/java"))


@contextmanager
def spark_cluster(directory: Path):
    """A standalone master and two workers, each a process of its own, on ports that are free."""
    with ExitStack() as stack:
        master, log = _started(stack, directory, "master", "org.apache.spark.deploy.master.Master", *_HERE)
        url = _said(master, log, r"Starting Spark master at (spark://\S+)")
        workers = [
            _started(
                stack, directory, f"worker-{number}", "org.apache.spark.deploy.worker.Worker", *_HERE, *_SMALL, url
            )
            for number in (1, 2)
        ]
        for process, said in workers:
            _said(process, said, r"Successfully registered with master (\S+)")
        yield Cluster(url, [master, *(process for process, _ in workers)])


@contextmanager
def spark_connect(directory: Path):
    """A Spark Connect server with one core; gives its host and port."""
    options = [
        "spark.connect.grpc.binding.port=0",
        "spark.connect.grpc.binding.address=127.0.0.1",
        "spark.ui.enabled=false",
    ]
    with ExitStack() as stack:
        process, log = _started(
            stack,
            directory,
            "connect",
            "org.apache.spark.deploy.SparkSubmit",
            "--class",
            "org.apache.spark.sql.connect.service.SparkConnectServer",
            *(part for option in options for part in ("--conf", option)),
            *("--master", "local[1]", "spark-internal"),
        )
        yield "127.0.0.1:" + _said(process, log, r"Spark Connect server started at: \S*?:(\d+)")


_HERE = ("--host", "127.0.0.1", "--port", "0", "--webui-port", "0")
_QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""So that six Java processes start soon on two cores."""

_SMALL = ("--cores", "1", "--memory", "600m")


def spark_environment(directory: Path) -> dict[str, str]:
    """Variables that keep Spark small and on this machine."""
    import pyspark

    configuration = directory / "conf"
    configuration.mkdir(exist_ok=True)
    (configuration / "spark-defaults.conf").write_text(
        f"spark.driver.extraJavaOptions {_QUICK}\nspark.executor.extraJavaOptions {_QUICK}\n"
        "spark.executor.memory 512m\nspark.driver.memory 512m\nspark.sql.shuffle.partitions 3\n"
        f"spark.driver.host 127.0.0.1\nspark.driver.bindAddress 127.0.0.1\nspark.sql.warehouse.dir {directory}/warehouse\n"
        "spark.sql.catalogImplementation in-memory\n"
        "spark.sql.parquet.columnarReaderBatchSize 4\n"  # a task looks up between batches whether it is still wanted
    )
    (configuration / "log4j2.properties").write_text(
        "rootLogger.level = info\nrootLogger.appenderRef.stderr.ref = console\nappender.console.type = Console\n"
        "appender.console.name = console\nappender.console.target = SYSTEM_ERR\n"
        "appender.console.layout.type = PatternLayout\nappender.console.layout.pattern = %m%n\n"
    )
    return {
        "SPARK_HOME": str(Path(pyspark.__file__).parent),
        "SPARK_CONF_DIR": str(configuration),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_HOSTNAME": "localhost",
        "SPARK_DAEMON_MEMORY": "640m",
        "SPARK_DAEMON_JAVA_OPTS": _QUICK,
        "SPARK_WORKER_DIR": str(directory / "work"),
        "SPARK_LOCAL_DIRS": str(directory / "local"),
    }


def _started(stack, directory, name, main, *arguments):
    variables = {**os.environ, **spark_environment(directory)}
    log = directory / f"{name}.log"
    command = [f"{variables['SPARK_HOME']}/bin/spark-class", main, *arguments]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command,
            env=variables,
            stdout=stream,
            stderr=stream,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - it only sets a flag of the new process
        )
    stack.callback(_stopped, process)
    return process, log


def _die_with_parent():
    """Linux ends the process when the test process ends, however that comes about."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _said(process, log, pattern):
    """Wait until the log has it; fail with the log when the process ends or nothing comes."""
    until = time.monotonic() + _PATIENCE
    while not (found := re.search(pattern, log.read_text(errors="replace"))):
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"{log.name} never said {pattern}:\n{log.read_text(errors='replace')[-3000:]}")
        time.sleep(0.1)
    return found.group(1)


def _stopped(process):
    """Ended for sure, with whatever it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(timeout=10)
        except ProcessLookupError:
            break
        except subprocess.TimeoutExpired:
            continue
    process.wait()
