"""Building a model again in the sandbox, and asking both models about the same rows. Pure of Django."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from packaging.utils import canonicalize_name

from audits.engines.opening import Data, open_data
from audits.engines.port import Origin, Progress
from audits.measures.environment.requirements import MOST_BYTES, Package, read_packages
from audits.measures.environment.running import DIFFERENT, Compared, compare_packages, compare_python
from audits.measures.reproduction.grades import BIT_IDENTICAL, NOT_REPRODUCED, PREDICTION_IDENTICAL, grade_of
from audits.measures.reproduction.outcome import Attempt, Outcome, spread_words
from audits.measures.reproduction.recipe import Recipe, digest
from audits.measures.reproduction.side_by_side import EDGES, SideBySide, positive_class
from audits.sandbox.errors import ModelFailed
from audits.scoring.rows import rows_of
from audits.scoring.source import ModelFile
from registry.errors import InvalidInput

if TYPE_CHECKING:
    import pyarrow as pa

    from audits.scoring.model import Model

_BUILT, _BUILT_AGAIN, _SCORED = 0.45, 0.8, 0.95
_NAMED = 3


class Asked(Protocol):
    """What of a reproduction's parameters is read here."""

    @property
    def label(self) -> str | None:
        """The column of what happened."""

    @property
    def positive(self) -> str:
        """The favourable class."""

    @property
    def sensitive(self) -> tuple[str, ...]:
        """Columns that name groups."""

    @property
    def task(self) -> str:
        """What the model does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """The submitted model's file with its digest and its size in bytes."""

    source: ModelFile
    sha256: str
    size: int

    @classmethod
    def of(cls, source: ModelFile) -> Submitted:
        """Read it once, for its digest.

        Raises
        ------
        InvalidInput
            If the file cannot be read.
        """
        try:
            return cls(source=source, sha256=digest(source.path), size=source.path.stat().st_size)
        except OSError as error:
            raise InvalidInput(f"{source.name}: cannot be read: {error.strerror}", field="model") from error


def rebuild(
    submitted: Submitted, test: Data, recipe: Recipe, asked: Asked, progress: Progress
) -> tuple[Outcome, list[Origin], list[str]]:
    """Run the training script, once more where its model is not the same file, and hold both models against each other.

    Returns
    -------
    tuple of Outcome, list of Origin and list of str
        What was found, what was read, and what a reader must know.

    Raises
    ------
    SandboxUnavailable
        If nothing can be run here.
    ModelFailed
        If the submitted model itself cannot be run. A rebuilt one that cannot be run is an outcome.
    InvalidInput
        If test data lack a column, or hold labels that are none of the model's classes.
    """
    with open_data(test) as engine:
        columns = [*submitted.source.interface.inputs, *filter(None, [asked.label]), *asked.sensitive]
        engine.require(*columns, field="test")
        rows, origins = engine.rows(), [Origin(path=submitted.source.name, sha256=submitted.sha256), *engine.origins]
    origins += [Origin(path=name, sha256=digest(path)) for name, path in sorted(recipe.files.items())]
    with ExitStack() as stack:
        first, written = _run(stack, recipe, _between(progress, 0.0, _BUILT), "building the model")
        outcome = Outcome(
            grade=NOT_REPRODUCED,
            why=_failure(first, recipe),
            submitted_sha256=submitted.sha256,
            submitted_size=submitted.size,
            first=first,
            rows=rows,
            packages=_packages(recipe, first),
        )
        if written is not None and first.sha256 == submitted.sha256:
            why = "the script wrote the very same file"
            outcome = replace(outcome, grade=BIT_IDENTICAL, why=why, largest=0.0, differing=0)
        elif written is not None:
            again, second = _run(stack, recipe, _between(progress, _BUILT, _BUILT_AGAIN), "building it a second time")
            outcome = replace(outcome, again=again.sha256 or "none was written")
            scoring = _between(progress, _BUILT_AGAIN, _SCORED)
            outcome = _scored(outcome, submitted, written, test, recipe, asked, scoring)
            if outcome.grade != PREDICTION_IDENTICAL and outcome.largest is not None:
                outcome = replace(outcome, steady=_steady(submitted, written, second, test, recipe, asked, scoring))
    return outcome, origins, _warnings(outcome, recipe)


def _between(progress: Progress, low: float, high: float) -> Progress:
    return lambda share, note: progress(low + (high - low) * min(max(share, 0.0), 1.0), note)


def _run(stack: ExitStack, recipe: Recipe, progress: Progress, note: str) -> tuple[Attempt, Path | None]:
    """One run of the script: what became of it, and the model that it wrote."""
    from audits.sandbox.script import run_script
    from audits.sandbox.settings import settings

    progress(0.0, note)
    started = time.monotonic()
    try:
        result = stack.enter_context(
            run_script(
                recipe.script,
                files=recipe.files,
                arguments=recipe.called_with,
                outputs=recipe.outputs,
                limits=settings().limits,
                environment=recipe.environment,
                progress=progress,
            )
        )
    except ModelFailed as error:
        return Attempt(exit_code=None, log=str(error), seconds=time.monotonic() - started), None
    model, predictions = result.outputs.get(recipe.model), result.outputs.get(recipe.predictions)
    attempt = Attempt(
        exit_code=result.exit_code,
        log=result.log,
        seconds=result.seconds,
        refused=result.refused.get(recipe.model, ""),
        sha256=digest(model) if model else None,
        size=model.stat().st_size if model else None,
        predictions_sha256=digest(predictions) if predictions else None,
        python=result.python,
        packages={str(canonicalize_name(name)): version for name, version in result.packages.items()},
    )
    return attempt, model if result.exit_code == 0 else None


def _failure(attempt: Attempt, recipe: Recipe) -> str:
    """Why there is no rebuilt model to compare; overwritten where there is."""
    if attempt.exit_code is None:
        return f"{recipe.script} was ended: {attempt.log}"
    if attempt.exit_code:
        lines = [line for line in attempt.log.splitlines() if line.strip()]
        last = f": {lines[-1].strip()}" if lines else ""
        return f"{recipe.script} ended with exit code {attempt.exit_code}{last}"
    if attempt.refused:
        return f"{recipe.model} was not taken: {attempt.refused}"
    return f"{recipe.script} wrote no {recipe.model}"


def _packages(recipe: Recipe, attempt: Attempt) -> list[Compared] | None:
    """The record against what the script saw; None where nothing is recorded, or nothing ran."""
    path = recipe.files.get(recipe.packages)
    python = compare_python(recipe.python, attempt.python)
    if not attempt.packages or (path is None and python is None):
        return None
    recorded: tuple[Package, ...] = ()
    if path is not None:
        with path.open("rb") as file:
            recorded = read_packages(file.read(MOST_BYTES + 1), recipe.packages).packages
    return [*([python] if python else []), *compare_packages(recorded, attempt.packages)]


def _scored(
    outcome: Outcome,
    submitted: Submitted,
    written: Path,
    test: Data,
    recipe: Recipe,
    asked: Asked,
    progress: Progress,
) -> Outcome:
    """Ask both models about every row of the test data."""
    both = SideBySide(task=asked.task, label=asked.label, sensitive=asked.sensitive, tolerance=recipe.score_tolerance)
    source = submitted.source
    try:
        classes = _ask(source, _like(source, recipe, written), test, both, progress)
    except _CannotRun as error:
        return replace(outcome, why=f"the rebuilt model cannot be run: {error}")
    positive = positive_class(asked.positive or source.interface.positive, classes)
    metrics = both.metrics(positive)
    grade = grade_of(
        largest_score_difference=both.largest,
        decisions_differing=both.decisions_differing,
        # Without labels, groups that get equal shares would make two quite different models alike.
        metrics=metrics if asked.label else (),
        score=recipe.score_tolerance,
        metric=recipe.metric_tolerance,
    )
    return replace(
        outcome,
        # Where no row was there, nothing was shown.
        grade=grade if both.rows else NOT_REPRODUCED,
        why=_said(both),
        largest=both.largest if both.rows else None,
        differing=both.decisions_differing if both.rows else None,
        metrics=metrics,
        spread=spread_words(EDGES, both.spread),
        rows=both.rows,
    )


class _CannotRun(Exception):
    """A rebuilt model does not answer; the message says why."""


def _like(source: ModelFile, recipe: Recipe, written: Path) -> ModelFile:
    """What the script wrote, asked as the submitted model is."""
    return ModelFile(name=recipe.model, path=written, interface=source.interface)


def _ask(source: ModelFile, rebuilt: ModelFile, test: Data, both: SideBySide, progress: Progress) -> tuple[str, ...]:
    """Have two models score all rows, batch by batch; the classes of the first.

    Raises
    ------
    _CannotRun
        If the second cannot be run. What is wrong with the first passes through.
    """
    from audits.scoring.opening import open_model

    with ExitStack() as stack:
        model = stack.enter_context(open_model(source))
        try:
            other = stack.enter_context(open_model(rebuilt))
        except (ModelFailed, InvalidInput) as error:
            raise _CannotRun(str(error)) from error
        for batch in rows_of(test, [*source.interface.inputs, *both.columns]):
            answer = _answer(model, batch)
            try:
                both.add(batch, answer, _answer(other, batch))
            except ModelFailed as error:
                raise _CannotRun(str(error)) from error
            progress(0.0, f"scored {both.rows:,} rows with both models")
        return model.signature.classes


def _steady(
    submitted: Submitted,
    first: Path,
    second: Path | None,
    test: Data,
    recipe: Recipe,
    asked: Asked,
    progress: Progress,
) -> bool:
    """Whether two runs of the script give models that answer alike: whether it depends on nothing but what it is given."""
    if second is None:
        return False
    both = SideBySide(task=asked.task, label=None, sensitive=(), tolerance=recipe.score_tolerance)
    source = submitted.source
    try:
        _ask(_like(source, recipe, first), _like(source, recipe, second), test, both, progress)
    except _CannotRun:
        return False
    return both.largest <= recipe.score_tolerance and both.decisions_differing == 0


def _said(both: SideBySide) -> str:
    if not both.rows:
        return "the test data have no rows, so the models could not be compared"
    return f"{both.decisions_differing:,} of {both.rows:,} decisions differ, and scores by at most {both.largest:.3g}"


def _answer(model: Model, batch: pa.RecordBatch) -> pa.RecordBatch:
    import pyarrow as pa

    return pa.Table.from_batches(list(model.score(iter([batch])))).combine_chunks().to_batches()[0]


def _warnings(outcome: Outcome, recipe: Recipe) -> list[str]:
    """What a reader must know, the likely causes of a difference among it."""
    said = [f"{name} was not given to the script: it holds what the script is to make" for name in recipe.withheld]
    if recipe.seed is None:
        said.append("the manifest states no seed (training.seed), so none was given to the script")
    if outcome.grade == BIT_IDENTICAL:
        return said
    if outcome.steady is False:
        said.append(
            "two rebuilds differ from each other: the script is not deterministic in itself, whatever the seed; "
            "fix the seeds of all its libraries, and the number of threads"
        )
    elif outcome.steady:
        said.append(
            "two rebuilds answer alike, so that chance is not the cause: the seed, the data, the arguments or the versions "
            "are others than those that the submitted model was trained with"
        )
    elif outcome.again and outcome.again != outcome.first.sha256:
        said.append("two rebuilds answer alike but are not the same bytes: the file's format writes others every time")
    differing = [row for row in outcome.packages or () if row.state in DIFFERENT]
    if differing:
        shown = "; ".join(f"{row.name} {row.recorded}, here {row.running or 'absent'}" for row in differing[:_NAMED])
        more = f"; and {len(differing) - _NAMED} more" if len(differing) > _NAMED else ""
        said.append(f"packages differ from the recorded ones, a likely cause: {shown}{more}")
    elif outcome.packages is None:
        said.append("no packages are recorded, so other versions cannot be told as a cause")
    return said
