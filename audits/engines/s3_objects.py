"""Parquet objects in S3-compatible storage, read column by column as they are needed. Pure of Django."""

from __future__ import annotations

from concurrent.futures import Future
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from audits.engines.addresses import Address
from audits.engines.duckdb_engine import DuckEngine, open_arrow
from audits.engines.files import LIMITS, check_schemas
from audits.engines.fingerprint import origin_of
from audits.engines.settings import Settings
from audits.prediction_errors import PredictionsError
from audits.prediction_files import first_line
from registry.errors import InvalidInput

if TYPE_CHECKING:
    import pyarrow as pa

_SUFFIX = ".parquet"
_MOST_OBJECTS = 10_000
_CONNECT_SECONDS = 10
_ATTEMPTS = 3
_OPTIONS = ("access_key", "secret_key", "session_token", "region", "role_arn")


def open_s3(address: Address, settings: Settings) -> DuckEngine:
    """Open one object, those under a prefix that ends in ``/``, or those that a pattern in the last part names.

    The objects are not copied: DuckDB asks for the columns that a query needs. The origin is the address with a fingerprint of
    the objects' names, sizes and ETags, as the store tells them.

    Raises
    ------
    InvalidInput
        If the store cannot be reached, or there is no such object.
    PredictionsError
        If an object is not sound Parquet, or its columns differ from those of the first.
    """
    import pyarrow as pa

    try:
        store = _store(address, settings)
        paths = _paths(store, address)
        objects, schemas, rows = _look_at(store, paths)
    except (OSError, pa.ArrowException) as error:
        raise InvalidInput(f"{address.text}: cannot be read: {first_line(error)}", field="data") from None
    check_schemas(schemas)
    if rows > LIMITS.rows:
        raise PredictionsError(f"{address.text}: holds more than {LIMITS.rows:,} rows", file=address.text)
    engine = open_arrow(_data_set(store, paths, schemas), address.text, settings=settings)
    columns = engine.table.schema()
    origin: Future[str] = Future()
    origin.set_result(origin_of(address.text, columns, rows=rows, content=objects).sha256)
    engine.read_from([(address.text, origin)], rows=rows)
    return engine


def _store(address: Address, settings: Settings) -> Any:
    from pyarrow import fs

    name = address.option("credentials")
    shown = settings.credentials(name) if name else None
    options: dict[str, Any] = {key: shown[key] for key in _OPTIONS if shown and shown[key]}
    if shown:
        if not shown["access_key"]:
            raise InvalidInput(f"the credentials {name!r} hold no access_key, which s3:// needs", field="data")
        scheme, _, endpoint = shown["endpoint"].rpartition("://")
        options |= {"endpoint_override": endpoint or None, "scheme": scheme or "https"}
    return fs.S3FileSystem(
        **options,
        connect_timeout=_CONNECT_SECONDS,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=_ATTEMPTS),
    )


def _paths(store: Any, address: Address) -> list[str]:
    """The objects that are meant, by name."""
    from pyarrow import fs

    whole = f"{address.host}/{address.path}"
    folder, _, last = whole.rpartition("/")
    if last and "*" not in last:
        if store.get_file_info(whole).type != fs.FileType.File:
            message = f"{address.text}: there is no such object; end the address with / for all objects under it"
            raise InvalidInput(message, field="data")
        return [whole]
    found = store.get_file_info(fs.FileSelector(folder, allow_not_found=True))
    files = [item.path for item in found if item.type == fs.FileType.File]
    pattern = last or f"*{_SUFFIX}"
    paths = sorted(path for path in files if fnmatchcase(path.rpartition("/")[2], pattern))
    if not paths:
        raise InvalidInput(f"{address.text}: names no object; there are {len(files)} there", field="data")
    if len(paths) > _MOST_OBJECTS:
        raise InvalidInput(f"{address.text}: names {len(paths)} objects, more than {_MOST_OBJECTS}", field="data")
    return paths


def _look_at(store: Any, paths: list[str]) -> tuple[list[Any], list[tuple[str, pa.Schema]], int]:
    """Name, size and ETag of each object; its schema; and the rows of all."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    objects, schemas, rows = [], [], 0
    for path in paths:
        with store.open_input_file(path) as stream:
            tag = {key.lower(): value for key, value in stream.metadata().items()}.get(b"etag", b"")
            objects.append([path, str(stream.size()), tag.decode(errors="replace")])
            try:
                read = pq.ParquetFile(stream)
            except pa.ArrowInvalid as error:
                message = f"s3://{path}: is not a sound Parquet file: {first_line(error)}"
                raise PredictionsError(message, file=path) from error
            schemas.append((f"s3://{path}", read.schema_arrow))
            rows += read.metadata.num_rows
    return objects, schemas, rows


def _data_set(store: Any, paths: list[str], schemas: list[tuple[str, pa.Schema]]) -> Any:
    import pyarrow as pa
    import pyarrow.dataset as ds

    # The first part may lack values in a column, and so its type: the parts agree otherwise, as was checked.
    schema = pa.unify_schemas([schema.remove_metadata() for _, schema in schemas], promote_options="permissive")
    return ds.dataset(paths, schema=schema, filesystem=store, format="parquet")
