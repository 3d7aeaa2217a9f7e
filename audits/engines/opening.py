"""Opens what an evaluation reads: a file, a directory, or the address of a table that stays where it is. Pure of Django."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audits.engines.addresses import Address, parse_address
from audits.engines.settings import Settings
from audits.scoring.source import ModelSource
from registry.errors import InvalidInput

if TYPE_CHECKING:
    from audits.engines.port import Engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """One set of data to evaluate.

    Attributes
    ----------
    name
        What people know it by; it stands in messages and reports.
    path
        The file or directory, where it is one.
    url
        The address of a table elsewhere (``postgresql://…``, ``spark://…``), where it is none. It never holds credentials.
    trusted
        Whether whoever runs this process named the address himself, and so may ask any host. One that somebody submitted
        may name the hosts of ``COUNTERSIGN_ENGINE_HOSTS`` only.
    model
        What is run, where it is no data but a model; see :func:`audits.scoring.data.source_of`.
    files
        Further files that belong to it, by the names that the manifest gives them: what a training script reads, reports of
        vulnerabilities.
    facts
        What the manifest says of it, as plain JSON.
    """

    name: str
    path: Path | None = None
    url: str = ""
    trusted: bool = False
    model: ModelSource | None = None
    files: Mapping[str, Path] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, reference: Data | Path | str) -> Data:
        """The data that a path or an address names, said by whoever runs this process."""
        if isinstance(reference, Data):
            return reference
        text = str(reference)
        if isinstance(reference, str) and "://" in text:
            return cls(name=text, url=text, trusted=True)
        return cls(name=text, path=Path(reference))


def open_data(data: Data, *, disclosure: int = 0, settings: Settings | None = None) -> Engine:
    """Open the engine that holds ``data``; use it as a context manager.

    Parameters
    ----------
    disclosure
        Groups of fewer rows than this never leave the engine. In warehouses the setting counts too: the larger of both.
    settings
        Of engines; the environment's where they are not given.

    Raises
    ------
    PredictionsError
        If a file is not what it should be, or a table cannot be read.
    InvalidInput
        If the address is malformed, names an engine that is not known or not installed, or a host that it may not name.
    """
    settings = settings or Settings.from_environment()
    if data.path is not None:
        from audits.engines.duckdb_engine import open_files

        engine: Engine = open_files(data.path, data.name, settings=settings)
        engine.disclosure = disclosure
        return engine
    if not data.url:
        raise InvalidInput(f"{data.name}: neither a file nor an address", field="data")
    address = parse_address(data.url)
    if not data.trusted:
        address.check_host(settings.hosts)
    engine = _OPENERS[address.scheme](address, settings)
    engine.disclosure = max(disclosure, settings.disclosure)
    return engine


def _open_postgresql(address: Address, settings: Settings) -> Engine:
    _require("psycopg2", address, "psycopg2-binary")
    from audits.engines.postgresql_engine import open_postgresql

    return open_postgresql(address, settings)


def _open_spark(address: Address, settings: Settings) -> Engine:
    _require("pyspark", address, "countersign[spark]")
    if address.scheme == "sc":
        _require("grpc", address, "pyspark[connect]")
    from audits.engines.spark_engine import open_spark

    return open_spark(address, settings)


def _open_s3(address: Address, settings: Settings) -> Engine:
    from audits.engines.s3_objects import open_s3

    return open_s3(address, settings)


_OPENERS: dict[str, Callable[[Address, Settings], Engine]] = {
    "postgresql": _open_postgresql,
    "spark": _open_spark,
    "sc": _open_spark,
    "s3": _open_s3,
}


def _require(module: str, address: Address, package: str) -> None:
    if find_spec(module) is None:
        message = f"{address.text}: {address.scheme}:// needs a library that is not installed: pip install '{package}'"
        raise InvalidInput(message, field="data")
