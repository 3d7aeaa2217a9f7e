"""Prediction files on disk: what they are by content, their digest, and their rows in bounded batches."""

from __future__ import annotations

import codecs
import csv
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from audits.prediction_errors import PredictionsError

if TYPE_CHECKING:
    import pyarrow as pa

_Record: TypeAlias = "tuple[pa.RecordBatch, frozenset[str]]"

_CHUNK = 1 << 20
_MOST_NAMED = 50
_BATCH_ROWS = 1 << 17
_MAGIC = b"PAR1"
_OTHER_ENCODINGS = ((codecs.BOM_UTF16_LE, "UTF-16"), (codecs.BOM_UTF16_BE, "UTF-16"), (b"\x1f\x8b", "gzip-compressed"))
_OTHER_SEPARATORS = ((";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much a file may hold before it is refused.

    Attributes
    ----------
    file_bytes, unpacked_bytes
        Size on disk, and of the needed columns when unpacked.
    rows
        Data rows in all.
    """

    file_bytes: int = 8 << 30
    unpacked_bytes: int = 16 << 30
    rows: int = 200_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One file: its name for people, its SHA-256, where it lies, and what it is (``csv`` or ``parquet``)."""

    name: str
    sha256: str
    path: Path
    format: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of a file.

    ``first_row`` is the 0-based data row at which they begin; ``declared`` names the columns whose categories were listed
    by the file's author.
    """

    file: Source
    first_row: int
    columns: dict[str, pa.Array]
    declared: frozenset[str]


def open_sources(path: Path, name: str, limits: Limits) -> list[Source]:
    """Digest the file (or each Parquet file of the directory) and tell what it is by its content.

    Raises
    ------
    PredictionsError
        If there is none, it is empty, too large, not UTF-8, or neither CSV nor Parquet.
    """
    return [_open(part, shown, limits) for part, shown in _parts(path, name)]


def told_sources(path: Path, name: str, limits: Limits) -> list[Source]:
    """The same files, told by their content but not digested yet: ``sha256`` is empty, and text is not yet known to be UTF-8.

    Raises
    ------
    PredictionsError
        If there is none, or one is empty, too large, or neither CSV nor Parquet.
    """
    return [_tell(part, shown, limits) for part, shown in _parts(path, name)]


def digest_of_file(path: Path) -> str:
    """SHA-256 (hexadecimal) of a file, read in chunks."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _parts(path: Path, name: str) -> list[tuple[Path, str]]:
    if not path.is_dir():
        return [(path, name)]
    parts = sorted(part for part in path.iterdir() if part.suffix == ".parquet")
    if not parts:
        raise PredictionsError(f"{name}: the directory holds no .parquet file", file=name)
    return [(part, f"{name}/{part.name}") for part in parts]


def _open(path: Path, name: str, limits: Limits) -> Source:
    told = _tell(path, name, limits)
    try:
        with path.open("rb") as stream:
            digest = _digest(stream, name, text=told.format == "csv")
    except OSError as error:
        raise PredictionsError(f"{name}: cannot be read ({error.strerror})", file=name) from error
    return Source(name=name, sha256=digest, path=path, format=told.format)


def _tell(path: Path, name: str, limits: Limits) -> Source:
    try:
        size = path.stat().st_size
        if size > limits.file_bytes:
            message = f"{name}: is {size:,} bytes, more than the {limits.file_bytes:,} allowed"
            raise PredictionsError(message, file=name)
        with path.open("rb") as stream:
            head = stream.read(4)
    except OSError as error:
        raise PredictionsError(f"{name}: cannot be read ({error.strerror})", file=name) from error
    if not head:
        raise PredictionsError(f"{name}: is empty", file=name)
    if head != _MAGIC and path.suffix == ".parquet":
        raise PredictionsError(f"{name}: is not a Parquet file (it does not begin with PAR1)", file=name)
    return Source(name=name, sha256="", path=path, format="parquet" if head == _MAGIC else "csv")


def _digest(stream: Any, name: str, *, text: bool) -> str:
    """SHA-256 of a stream; text is checked to be UTF-8 on the way."""
    digest = hashlib.sha256()
    check = _Utf8Check(name)
    while chunk := stream.read(_CHUNK):
        digest.update(chunk)
        if text:
            check.feed(chunk)
    if text:
        check.finish()
    return digest.hexdigest()


class _Utf8Check:
    """Finds the first byte of a text that is not UTF-8, with its line."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.read = 0
        self.lines = 0
        self.rest = b""

    def feed(self, chunk: bytes) -> None:
        if not self.read:
            for mark, encoding in _OTHER_ENCODINGS:
                if chunk.startswith(mark):
                    raise PredictionsError(f"{self.name}: is {encoding}, not UTF-8 text (byte 0)", file=self.name)
        if (zero := chunk.find(b"\0")) >= 0:
            raise self._error(chunk, zero, "a zero byte: it is binary or UTF-16")
        data = self.rest + chunk
        self.read -= len(self.rest)
        self.rest = b""
        if not chunk.isascii() or data is not chunk:
            data = self._whole(data)
        self.lines += data.count(b"\n")
        self.read += len(data) + len(self.rest)

    def _whole(self, data: bytes) -> bytes:
        try:
            _, used = codecs.utf_8_decode(data, "strict", False)
        except UnicodeDecodeError as error:
            raise self._error(data, error.start, f"byte 0x{data[error.start]:02x}") from error
        self.rest = data[used:]
        return data[:used]

    def finish(self) -> None:
        if self.rest:
            raise self._error(b"", -len(self.rest), "a cut-off character")

    def _error(self, data: bytes, start: int, what: str) -> PredictionsError:
        line = self.lines + data[: max(start, 0)].count(b"\n") + 1
        row = max(line - 1, 1)
        message = f"{self.name}: is not UTF-8: {what} at byte {self.read + start} (line {line}); save it as UTF-8"
        return PredictionsError(message, file=self.name, row=row, line=line)


def read_batches(files: Sequence[Source], columns: Sequence[str], limits: Limits) -> Iterator[Batch]:
    """The wanted columns of all files, in bounded batches, in order.

    Raises
    ------
    PredictionsError
        If a column is missing or named twice, a row is ragged, the file is corrupt, or a limit is passed.
    """
    rows = unpacked = 0
    for file in files:
        first = 0
        for record, declared in _parquet(file, columns, limits) if file.format == "parquet" else _csv(file, columns):
            arrays = {name: record.column(name) for name in columns}
            rows += record.num_rows
            unpacked += record.nbytes
            if rows > limits.rows:
                raise _holds_beyond(file, limits)
            if unpacked > limits.unpacked_bytes:
                raise _unpacks_beyond(file, limits)
            yield Batch(file, first, arrays, declared)
            first += record.num_rows


def _holds_beyond(file: Source, limits: Limits) -> PredictionsError:
    return PredictionsError(f"{file.name}: holds more than {limits.rows:,} rows", file=file.name)


def _unpacks_beyond(file: Source, limits: Limits) -> PredictionsError:
    return PredictionsError(f"{file.name}: unpacks to more than {limits.unpacked_bytes:,} bytes", file=file.name)


def _check_columns(file: Source, present: Sequence[str], wanted: Sequence[str]) -> None:
    for index, name in enumerate(present):
        if name in present[:index]:
            raise PredictionsError(f"{file.name}: has two columns named {name!r}", file=file.name, column=name)
    for name in wanted:
        if name not in present:
            hint = next(
                (f" (separated by {w}? commas are expected)" for s, w in _OTHER_SEPARATORS if s in present[0]), ""
            )
            there = ", ".join(map(repr, present[:_MOST_NAMED])) + (" …" if len(present) > _MOST_NAMED else "")
            message = f"{file.name}: has no column {name!r}; it has {there}{hint}"
            raise PredictionsError(message, file=file.name, column=name)


def _parquet(file: Source, columns: Sequence[str], limits: Limits) -> Iterator[_Record]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file.path, memory_map=True) as opened:
            schema = opened.schema_arrow
            _check_columns(file, schema.names, columns)
            _check_size(file, opened.metadata, set(columns), limits)
            declared = frozenset(name for name in columns if pa.types.is_dictionary(schema.field(name).type))
            text = [name for name in columns if pa.types.is_string(schema.field(name).type)]
        with pq.ParquetFile(file.path, memory_map=True, read_dictionary=text) as opened:
            for record in opened.iter_batches(batch_size=_BATCH_ROWS, columns=list(columns)):
                yield record, declared
    except (pa.ArrowException, OSError, ValueError) as error:
        raise PredictionsError(
            f"{file.name}: is not a sound Parquet file: {first_line(error)}", file=file.name
        ) from error


def check_parquet(file: Source, limits: Limits) -> None:
    """Refuse a Parquet file that is not sound, names a column twice, or holds more rows than allowed.

    Raises
    ------
    PredictionsError
        Naming file and column.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file.path, memory_map=True) as opened:
            _check_columns(file, opened.schema_arrow.names, ())
            if opened.metadata.num_rows > limits.rows:
                raise _holds_beyond(file, limits)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise PredictionsError(
            f"{file.name}: is not a sound Parquet file: {first_line(error)}", file=file.name
        ) from error


def _check_size(file: Source, metadata: Any, wanted: set[str], limits: Limits) -> None:
    if metadata.num_rows > limits.rows:
        raise _holds_beyond(file, limits)
    if _declared_bytes(metadata, wanted) > limits.unpacked_bytes:
        raise _unpacks_beyond(file, limits)


def _declared_bytes(metadata: Any, wanted: set[str]) -> int:
    total = 0
    for group in range(metadata.num_row_groups):
        for index in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(index)
            if chunk.path_in_schema.split(".")[0] in wanted:
                total += chunk.total_uncompressed_size
    return total


def _csv(file: Source, columns: Sequence[str]) -> Iterator[_Record]:
    import pyarrow as pa
    import pyarrow.csv

    present = header_of(file)
    _check_columns(file, present, columns)
    _check_quotes(file)
    ragged: list[Any] = []
    rows = 0

    def refuse(row: Any) -> str:
        ragged.append(row)
        return "error"

    text = pa.dictionary(pa.int32(), pa.string())
    try:
        with pa.OSFile(str(file.path)) as stream:
            reader = pa.csv.open_csv(
                stream,
                read_options=pa.csv.ReadOptions(use_threads=False, block_size=4 << 20),
                parse_options=pa.csv.ParseOptions(newlines_in_values=True, invalid_row_handler=refuse),
                convert_options=pa.csv.ConvertOptions(
                    include_columns=list(columns), column_types=dict.fromkeys(columns, text), strings_can_be_null=False
                ),
            )
            for record in reader:
                _check_swallowed(file, record, rows, commas=max(len(present) - 1, 1))
                rows += record.num_rows
                yield record, frozenset()
    except (pa.ArrowException, OSError) as error:
        if ragged:
            raise _ragged(file, ragged[0], present) from error
        raise PredictionsError(f"{file.name}: is not a sound CSV file: {first_line(error)}", file=file.name) from error


def _check_quotes(file: Source) -> None:
    """Refuse a quote that is never closed: every row after it would be swallowed by one value, in silence."""
    opened, inside = 0, False
    with file.path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            if line.count(b'"') % 2:
                inside = not inside
                opened = number if inside else opened
    if inside:
        message = (
            f"{file.name}: line {opened} opens a quote that is never closed; the rows after it cannot be told apart"
        )
        raise PredictionsError(message, file=file.name, row=opened - 1 or None, line=opened)


def _check_swallowed(file: Source, record: Any, before: int, *, commas: int) -> None:
    """Refuse a value with a whole line of the file in it, in a column that we read: two stray quotes swallow rows."""
    for column, values in zip(record.schema.names, record.columns, strict=True):
        broken = [
            code
            for code, text in enumerate(values.dictionary.to_pylist())
            if "\n" in text and any(line.count(",") >= commas for line in text.split("\n"))
        ]
        if not broken:
            continue
        row = before + 1 + next(index for index, code in enumerate(values.indices.to_pylist()) if code in broken)
        message = (
            f"{file.name}: row {row}: the value of {column!r} holds whole lines of the file; is a quote out of place?"
        )
        raise PredictionsError(message, file=file.name, column=column, row=row, line=line_of(file, row))


def _ragged(file: Source, bad: Any, present: Sequence[str]) -> PredictionsError:
    row = bad.number - 1 if bad.number else None
    line = line_of(file, row) if row else None
    column = present[bad.actual_columns] if bad.actual_columns < len(present) else None
    place = f"row {row} (line {line})" if row else "a row"
    message = (
        f"{file.name}: {place} has {bad.actual_columns} values where the header has {bad.expected_columns} columns"
    )
    return PredictionsError(message, file=file.name, column=column, row=row, line=line)


def header_of(file: Source) -> list[str]:
    """The column names of a CSV file."""
    with file.path.open(encoding="utf-8-sig", newline="") as stream:
        try:
            header = next((row for row in csv.reader(stream) if row), [])
        except csv.Error as error:
            raise PredictionsError(f"{file.name}: has no readable header: {error}", file=file.name) from error
    if not header:
        raise PredictionsError(f"{file.name}: is empty", file=file.name)
    return header


def line_of(file: Source, row: int) -> int | None:
    """The line on which 1-based data ``row`` of a CSV file ends; None for Parquet, or where it cannot be told."""
    if file.format != "csv":
        return None
    with file.path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(stream)
        try:
            for number, _ in enumerate(record for record in reader if record):
                if number == row:
                    return reader.line_num
        except csv.Error:
            return None
    return None


def first_line(error: Exception) -> str:
    """What an error of a library says first, short enough to repeat."""
    return str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
