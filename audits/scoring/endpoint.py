"""A model behind an endpoint that speaks the Open Inference Protocol, version 2; what it answers is only claimed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from audits.sandbox.errors import ModelFailed
from audits.scoring import inference_protocol as protocol
from audits.scoring.answers import Answers, checked_outputs
from audits.scoring.endpoint_address import place_of
from audits.scoring.endpoint_http import Bounds, EndpointConnection
from audits.scoring.inference_protocol import TensorShape
from audits.scoring.lanes import Lanes
from audits.scoring.model import Signature, TreeEnsemble
from audits.scoring.output_choice import Outputs, chosen_outputs
from audits.scoring.prepared import MATRIX, batch_of, prepared
from audits.scoring.rows import split
from audits.scoring.settings import TOKEN, ScoringSettings
from audits.scoring.source import Endpoint
from registry.errors import InvalidInput

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from audits.engines.port import Progress

_REQUEST_ROWS = 1024
_MATRIX_RANK = 2


class EndpointModel:
    """A model that others run; one connection for each lane."""

    def __init__(
        self, source: Endpoint, lanes: Lanes[EndpointConnection], metadata: Any, *, binary: bool, load_seconds: float
    ) -> None:
        self.interface = source.interface
        self._source = source
        self._lanes = lanes
        self._binary = binary
        self._path = _path_of(source) + "/infer"
        self._inputs = protocol.announced(metadata, "inputs")
        self._stacked = _is_stacked(source, self._inputs)
        self._answers = Answers(source.name, source.interface)
        outputs = protocol.announced(metadata, "outputs")
        self._outputs: Outputs | None = None
        if outputs:
            self._outputs = chosen_outputs({tensor.name: tensor.datatype for tensor in outputs}, source.interface)
        first = self._inputs[0].shape[0] if self._inputs and self._inputs[0].shape else -1
        self._rows = min(first, _REQUEST_ROWS) if first > 0 else _REQUEST_ROWS
        self.signature = Signature(
            format="endpoint",
            inputs=_kinds(source.interface.inputs, self._inputs, stacked=self._stacked),
            outputs=tuple(tensor.name for tensor in outputs),
            classes=self._answers.classes,
            told=_told(metadata),
            sandboxed=False,
            load_seconds=load_seconds,
        )

    def score(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Score rows, in order; see :meth:`audits.scoring.model.Model.score`."""
        inputs = self.interface.inputs
        parts = (prepared(part, inputs) for batch in batches for part in split(batch, self._rows))
        first = 0
        for asked, (values, decisions) in self._lanes.in_order(parts, self._ask):
            yield self._answers.batch(values, decisions, rows=asked.num_rows, first=first)
            first += asked.num_rows

    def scores(self, columns: Mapping[str, Any]) -> np.ndarray[Any, Any]:
        """The scores of rows given by column; see :meth:`audits.scoring.model.Model.scores`."""
        import numpy as np

        parts = split(batch_of(columns, self.interface.inputs), self._rows)
        found = [
            self._answers.scores(values, decisions, rows=asked.num_rows)
            for asked, (values, decisions) in self._lanes.in_order(parts, self._ask)
        ]
        return np.concatenate(found) if found else np.empty(0)

    def outputs(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """All outputs by name; see :meth:`audits.scoring.model.RunModel.outputs`."""
        inputs = self.interface.inputs
        parts = (prepared(part, inputs) for batch in batches for part in split(batch, self._rows))
        for asked, answer in self._lanes.in_order(parts, self._answer):
            yield checked_outputs(self._source.name, _all_columns(answer, asked.num_rows), asked.num_rows)

    def trees(self) -> TreeEnsemble | None:
        """Always None: an endpoint does not tell."""
        return None

    def usage(self) -> None:
        """Always None: it runs elsewhere."""
        return

    def _ask(
        self, connection: EndpointConnection, part: pa.RecordBatch
    ) -> tuple[np.ndarray[Any, Any] | None, Sequence[str] | None]:
        answer = self._answer(connection, part)
        kinds = {name: kind for name, (kind, _values) in answer.items()}
        try:
            return (self._outputs or chosen_outputs(kinds, self.interface)).taken(answer, part.num_rows)
        except ModelFailed as error:
            raise ModelFailed(f"{self._source.name}: {error}") from error

    def _answer(
        self, connection: EndpointConnection, part: pa.RecordBatch
    ) -> dict[str, tuple[str, np.ndarray[Any, Any]]]:
        try:
            body, headers = protocol.encode(self._tensors(part), binary=self._binary)
            return protocol.decode(connection.post(self._path, body, headers))
        except ModelFailed as error:
            raise ModelFailed(f"{self._source.name}: {error}") from error

    def _tensors(self, part: pa.RecordBatch) -> list[tuple[TensorShape, np.ndarray[Any, Any]]]:
        """The rows as the tensors that the metadata announce; without any, one per column."""
        columns = _columns(part, self.interface.inputs)
        if self._stacked:
            import numpy as np

            (tensor,) = self._inputs
            kinds = {values.dtype.kind for values in columns.values()}
            block = np.empty((part.num_rows, len(columns)), dtype=object if "O" in kinds else np.float64)
            for place, values in enumerate(columns.values()):
                block[:, place] = values
            return [(tensor, protocol.as_type(tensor.datatype, block, tensor.name))]
        announced = {tensor.name: tensor for tensor in self._inputs}
        found = []
        for name, values in columns.items():
            kind = protocol.BYTES if values.dtype.kind == "O" else "FP64"
            tensor = announced.get(name, TensorShape(name=name, datatype=kind, shape=(-1, 1)))
            typed = protocol.as_type(tensor.datatype, values, name)
            found.append((tensor, typed if len(tensor.shape) == 1 else typed.reshape(-1, 1)))
        return found


@contextmanager
def open_endpoint(
    source: Endpoint,
    *,
    processes: int = 1,
    progress: Progress | None = None,
    settings: ScoringSettings | None = None,
    bounds: Bounds | None = None,
) -> Iterator[EndpointModel]:
    """Ask an endpoint whether it is ready and what it takes; see :func:`audits.scoring.opening.open_model`."""
    taken = settings or ScoringSettings.from_environment()
    place = place_of(source, taken)
    token = taken.token(place.host)
    if token and place.scheme != "https" and not place.address.startswith("127."):
        message = f"{source.url}: {TOKEN}… is set for this host, and is sent by https only"
        raise InvalidInput(message, field="execution.endpoint.url")
    began = time.monotonic()
    if progress is not None:
        progress(0.0, f"asking {place.host}")
    with ExitStack() as stack:
        connections = [EndpointConnection(place, token=token, bounds=bounds) for _ in range(max(processes, 1))]
        for connection in connections:
            stack.callback(connection.close)
        connections[0].ready("/v2/health/ready")
        metadata = connections[0].get(_path_of(source))
        binary = _has_binary(connections[0])
        lanes = Lanes(connections)
        stack.callback(lanes.close)
        seconds = time.monotonic() - began
        yield EndpointModel(source, lanes, metadata, binary=binary, load_seconds=seconds)


def _has_binary(connection: EndpointConnection) -> bool:
    """Whether the server says that it takes binary tensors; one that does not say is given JSON."""
    try:
        server = connection.get("/v2")
    except ModelFailed:
        return False
    extensions = server.get("extensions") if isinstance(server, Mapping) else None
    return isinstance(extensions, list) and any(name in extensions for name in protocol.BINARY)


def _path_of(source: Endpoint) -> str:
    version = f"/versions/{quote(source.version, safe='')}" if source.version else ""
    return f"/v2/models/{quote(source.model, safe='')}{version}"


def _is_stacked(source: Endpoint, inputs: Sequence[TensorShape]) -> bool:
    """Whether one tensor takes all columns. Raises where the announced inputs and the interface do not fit."""
    names = source.interface.inputs
    if not inputs:
        return False
    if len(inputs) == 1 and (len(names) > 1 or inputs[0].name != names[0]):
        shape = inputs[0].shape
        width = shape[1] if len(shape) == _MATRIX_RANK else None
        if width is None or width not in {-1, len(names)}:
            raise _unfit(
                source, f"takes one tensor of shape {list(shape)}, and the interface names {len(names)} columns"
            )
        return True
    there = {tensor.name for tensor in inputs}
    if there != set(names):
        raise _unfit(source, f"takes {', '.join(sorted(there)[:20])}, and the interface names {', '.join(names[:20])}")
    return False


def _unfit(source: Endpoint, sentence: str) -> InvalidInput:
    return InvalidInput(f"{source.name}: the endpoint {sentence}", field="execution.inputs")


def _kinds(names: Sequence[str], inputs: Sequence[TensorShape], *, stacked: bool) -> dict[str, str]:
    told = {tensor.name: "text" if tensor.datatype == protocol.BYTES else "number" for tensor in inputs}
    if stacked:
        return dict.fromkeys(names, next(iter(told.values())))
    return {name: told.get(name, "unknown") for name in names}


def _told(metadata: Any) -> dict[str, str]:
    """Platform and versions, as far as they are short texts."""
    found = {}
    if isinstance(metadata, Mapping):
        if isinstance(platform := metadata.get("platform"), str):
            found["platform"] = platform[:100]
        if isinstance(versions := metadata.get("versions"), list):
            found["versions"] = ", ".join(str(version)[:50] for version in versions[:10])
    return found


def _all_columns(answer: Mapping[str, tuple[str, np.ndarray[Any, Any]]], rows: int) -> pa.RecordBatch:
    import pyarrow as pa

    columns: dict[str, pa.Array] = {}
    for name, (kind, values) in answer.items():
        if not values.shape or values.shape[0] != rows:
            raise ModelFailed(f"the endpoint answered {name!r} of shape {list(values.shape)} to {rows:,} rows")
        block = values.reshape(rows, -1)
        for place in range(block.shape[1]):
            flat = block[:, place]
            text = kind in {protocol.BYTES, protocol.BOOL}
            typed = pa.array([str(value) for value in flat.tolist()], type=pa.string()) if text else pa.array(flat)
            columns[name if block.shape[1] == 1 else f"{name}:{place}"] = typed
    return pa.RecordBatch.from_pydict(columns)


def _columns(part: pa.RecordBatch, names: Sequence[str]) -> dict[str, np.ndarray[Any, Any]]:
    """Column to values: numbers, NaN where missing, or objects, None where missing."""
    import pyarrow as pa

    if part.schema.names == [MATRIX] and tuple(names) != (MATRIX,):
        block = part.column(0).flatten().to_numpy(zero_copy_only=False).reshape(part.num_rows, len(names))
        return {name: block[:, place] for place, name in enumerate(names)}
    found = {}
    for name in names:
        column = part.column(name)
        text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
        plain = column if text else column.cast(pa.float64()) if column.null_count else column
        values = plain.to_numpy(zero_copy_only=False)
        found[name] = values.astype(object) if text else values
    return found
