"""Two models run on the same test data, where their submitted predictions are of different rows. Pure of Django."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from audits.engines.opening import Data, open_data
from audits.engines.port import Origin, Progress
from audits.measures.comparison.pairing import Pairing
from audits.measures.comparison.parameters import ComparisonParameters
from audits.prediction_files import digest_of_file
from audits.sandbox.errors import ModelFailed
from audits.scoring.data import source_of
from audits.scoring.model import DECISION, SCORE
from audits.scoring.rows import split
from audits.scoring.source import ModelFile, ModelSource
from registry.errors import InvalidInput

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from audits.predictions import Predictions

_BINARY = "binary"
_WRITTEN = 0.2


def score_together(
    test: Data, models: tuple[Data, Data], parameters: ComparisonParameters, progress: Progress
) -> tuple[Pairing, tuple[Origin, ...]]:
    """Run challenger and champion on the rows of ``test``; what they say, and what was read, the models' files included.

    Raises
    ------
    InvalidInput
        If the test data lack a column, or a model does not decide between two classes.
    SandboxUnavailable, ModelFailed
        As running models does.
    """
    sources = [
        source_of(data, dict(stated) or None)
        for data, stated in zip(models, (parameters.model, parameters.champion_model), strict=True)
    ]
    for source in sources:
        if source.interface.task != _BINARY:
            message = f"{source.name} is a model of {source.interface.task}; decisions between two classes are compared"
            raise InvalidInput(message, field="model.task")
    with tempfile.TemporaryDirectory(prefix="countersign-") as folder:
        rows = Path(folder) / "rows.parquet"
        origins = _write_rows(test, _columns(sources, parameters), rows, progress)
        scored = [
            _scored(source, rows, Path(folder) / f"scored-{place}.parquet", test, parameters, _part(progress, place))
            for place, source in enumerate(sources)
        ]
    files = tuple(
        Origin(path=source.name, sha256=digest_of_file(source.path))
        for source in sources
        if isinstance(source, ModelFile)
    )
    return Pairing(challenger=scored[0], champion=scored[1], by="scored together"), (*origins, *files)


def _columns(sources: Sequence[ModelSource], parameters: ComparisonParameters) -> list[str]:
    inputs = [column for source in sources for column in source.interface.inputs]
    return list(dict.fromkeys([parameters.predictions.label, *parameters.columns, *inputs]))


def _write_rows(test: Data, columns: Sequence[str], path: Path, progress: Progress) -> tuple[Origin, ...]:
    """The rows once, to a file: an engine elsewhere need not give them in the same order twice."""
    import pyarrow.parquet as pq

    done = 0
    with open_data(test) as engine:
        engine.require(*columns, field="test")
        wanted = engine.table.select(*columns)
        with pq.ParquetWriter(path, wanted.schema().to_pyarrow()) as writer:
            for batch in engine.batches(wanted):
                writer.write_batch(batch)
                done += batch.num_rows
                progress(_WRITTEN / 2, f"reading the test data: {done:,} rows")
        if not done:
            raise InvalidInput(f"{test.name}: the test data have no rows", field="test")
        return engine.origins


def _part(progress: Progress, place: int) -> Progress:
    each = (1 - _WRITTEN) / 2
    who = ("challenger", "champion")[place]
    return lambda share, note: progress(_WRITTEN + (place + share) * each, f"{who}: {note}")


def _scored(
    source: ModelSource, rows: Path, path: Path, test: Data, parameters: ComparisonParameters, progress: Progress
) -> Predictions:
    """What one model says, through a file, so that labels and decisions are read and checked as submitted ones are."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from audits.predictions import read_predictions
    from audits.scoring.opening import open_model

    asked = parameters.predictions
    names = {"label": asked.label} | {f"group_{i}": column for i, column in enumerate(parameters.columns)}
    answers: list[pa.RecordBatch] = []
    progress(0.0, "starting the model")
    with open_model(source) as model, pq.ParquetFile(rows) as opened:
        done, total = 0, opened.metadata.num_rows
        for answer in model.score(_batches(opened, source.interface.inputs)):
            answers.append(answer.select([DECISION, SCORE]))
            done += answer.num_rows
            progress(done / total, f"{done:,} of {total:,} rows scored")
    said = pa.Table.from_batches(answers)
    beside = pq.read_table(rows, columns=list(dict.fromkeys(names.values())))
    if len(said) != len(beside):
        raise ModelFailed(f"{source.name} answered {len(said):,} rows where {len(beside):,} were asked")
    columns = {name: beside[column] for name, column in names.items()}
    pq.write_table(pa.table({**columns, "prediction": said[DECISION], "score": said[SCORE]}), path)
    found = read_predictions(
        path,
        name=f"{source.name} on {test.name}",
        label="label",
        prediction="prediction",
        score="score",
        positive=asked.positive,
        sensitive=[name for name in names if name != "label"],
        max_groups=asked.max_groups,
    )
    return replace(
        found,
        sensitive={names[name]: groups for name, groups in found.sensitive.items()},
        unknown={names[name]: count for name, count in found.unknown.items()},
    )


def _batches(opened: pq.ParquetFile, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    for batch in opened.iter_batches(columns=list(columns)):
        for part in split(batch):
            yield part.select(list(columns))
