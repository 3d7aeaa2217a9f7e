"""A composite version: its components run as a graph, each in a session of its own, and the last step's answer counts. Pure of Django."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from audits.sandbox.errors import ModelFailed
from audits.scoring.answers import REGRESSION, Answers
from audits.scoring.combining import MAJORITY, combined, elected, votes
from audits.scoring.model import DECISION, SCORE, Signature, Usage, score_column
from audits.scoring.prepared import columns_of, prepared
from audits.scoring.rows import split
from audits.scoring.source import Composite
from registry.errors import InvalidInput
from registry.execution import Step

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from audits.engines.port import Progress
    from audits.sandbox.limits import Limits
    from audits.scoring.model import RunModel


class CompositeModel:
    """Components that are open, and the steps that run them."""

    def __init__(self, source: Composite, components: Mapping[str, RunModel]) -> None:
        self.interface = source.interface
        self._source = source
        self._components = components
        self._raw = {step.name: _wants_raw(step, source.steps, components) for step in source.steps if step.component}
        self._last = source.steps[-1]
        self._answers = _answers_of(source, components)
        opened = list(components.values())
        libraries = {name: version for model in opened for name, version in model.signature.libraries.items()}
        self.signature = Signature(
            format="composite",
            inputs=_kinds(source, components),
            outputs=(SCORE, DECISION),
            classes=self._answers.classes,
            libraries=libraries,
            told={"components": ", ".join(components)},
            sandboxed=all(model.signature.sandboxed for model in opened),
            size_bytes=sum(model.signature.size_bytes for model in opened),
            load_seconds=sum(model.signature.load_seconds for model in opened),
        )

    def score(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Score rows, in order; see :meth:`audits.scoring.model.Model.score`."""
        first = 0
        for batch in batches:
            for part in split(batch):
                values, decisions = self._run(prepared(part, self.interface.inputs))
                yield self._answers.batch(values, decisions, rows=part.num_rows, first=first)
                first += part.num_rows

    def scores(self, columns: Mapping[str, Any]) -> np.ndarray[Any, Any]:
        """The scores of rows given by column; see :meth:`audits.scoring.model.Model.scores`."""
        import numpy as np

        found = []
        for part in split(columns_of(columns, self.interface.inputs)):
            values, decisions = self._run(part)
            found.append(self._answers.scores(values, decisions, rows=part.num_rows))
        return np.concatenate(found) if found else np.empty(0)

    def trees(self) -> None:
        """Always None: a graph is no sum of trees over its own inputs."""
        return

    def usage(self) -> Usage | None:
        """What the components in our sandbox took; None where there is none."""
        each = [usage for model in self._components.values() if (usage := model.usage()) is not None]
        if not each:
            return None
        return Usage(
            cpu_seconds=sum(usage.cpu_seconds for usage in each),
            peak_memory_bytes=max(usage.peak_memory_bytes for usage in each),
        )

    def _run(self, part: pa.RecordBatch) -> tuple[np.ndarray[Any, Any] | None, list[str] | None]:
        """Values and decisions of the last step."""
        columns = {name: part.column(name) for name in part.schema.names}
        for step in self._source.steps[:-1]:
            made = self._combine(step, columns) if step.combine else self._ask(step, columns)
            columns |= {f"{step.name}.{name}": column for name, column in made.items()}
        if not self._last.combine:
            return _outputs(self._ask(self._last, columns), self._answers)
        taken = [self._column(self._last, columns, name) for name in self._last.of]
        if self._last.combine != MAJORITY:
            return combined(self._last, taken).reshape(-1, 1), None
        shares = votes(self._last, taken, self._answers.classes)
        return shares, elected(self._last, taken, shares, self._answers.classes)

    def _ask(self, step: Step, columns: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
        """The component's outputs, by the names that they have in the graph."""
        import pyarrow as pa

        model = self._components[step.component]
        taken = {name: self._column(step, columns, step.inputs.get(name, name)) for name in model.interface.inputs}
        rows = pa.RecordBatch.from_pydict(taken)
        answers = [*model.score(iter([rows]))] if not self._raw[step.name] else [*model.outputs(iter([rows]))]
        whole = pa.Table.from_batches(answers).combine_chunks()
        if len(whole) != rows.num_rows:
            raise ModelFailed(f"{step.component}: answered with {len(whole):,} rows to {rows.num_rows:,}")
        return {step.outputs.get(name, name): whole[name].chunk(0) for name in whole.column_names}

    def _combine(self, step: Step, columns: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
        import pyarrow as pa

        taken = [self._column(step, columns, name) for name in step.of]
        if step.combine != MAJORITY:
            made = {SCORE: pa.array(combined(step, taken))}
        else:
            texts = [column.cast(pa.string()) for column in taken]
            classes = sorted({str(value) for column in texts for value in column.unique().to_pylist()})
            shares = votes(step, texts, classes)
            made = {DECISION: pa.array(elected(step, texts, shares, classes), type=pa.string())}
        return {step.outputs.get(name, name): column for name, column in made.items()}

    def _column(self, step: Step, columns: Mapping[str, pa.Array], name: str) -> pa.Array:
        if name not in columns:
            there = ", ".join(map(repr, list(columns)[:50]))
            message = f"{self._source.name}: the step {step.name!r} takes {name!r}, and there are {there}"
            raise InvalidInput(message, field="execution.graph")
        return columns[name]


@contextmanager
def open_composite(
    source: Composite, *, limits: Limits | None = None, processes: int = 1, progress: Progress | None = None
) -> Iterator[CompositeModel]:
    """Open every component, each in sessions of its own; see :func:`audits.scoring.opening.open_model`."""
    from audits.scoring.opening import open_model

    if not source.steps:
        raise InvalidInput(f"{source.name}: the graph has no steps", field="execution.graph")
    with ExitStack() as stack:
        opened: dict[str, Any] = {}
        for step in source.steps:
            if not step.component or step.component in opened:
                continue
            if step.component not in source.components:
                message = f"{source.name}: the component {step.component!r} of the step {step.name!r} is not there"
                raise InvalidInput(message, field="execution.graph")
            component = source.components[step.component]
            model = open_model(component, limits=limits, processes=processes, progress=progress)
            opened[step.component] = stack.enter_context(model)
        yield CompositeModel(source, opened)


def _wants_raw(step: Step, steps: tuple[Step, ...], components: Mapping[str, RunModel]) -> bool:
    """Whether later steps read outputs of a component beside score and decision, such as the text that it wrote."""
    names = set(step.outputs)
    renamed = {outer: inner for inner, outer in step.outputs.items()}
    for later in steps[steps.index(step) + 1 :]:
        taken = [*later.of, *(later.inputs.get(name, name) for name in _inputs(later, components))]
        for name in taken:
            owner, dot, column = name.partition(".")
            if dot and owner == step.name:
                names.add(renamed.get(column, column))
    classes = components[step.component].signature.classes
    return not names <= {SCORE, DECISION, *map(score_column, classes)}


def _inputs(step: Step, components: Mapping[str, RunModel]) -> tuple[str, ...]:
    return components[step.component].interface.inputs if step.component else ()


def _answers_of(source: Composite, components: Mapping[str, RunModel]) -> Answers:
    """How the last step's columns become the answer of the whole."""
    last, interface = source.steps[-1], source.interface
    if last.combine == MAJORITY or interface.task == REGRESSION or not last.component:
        if last.combine == MAJORITY and not interface.classes and interface.task != REGRESSION:
            earlier = [components[step.component].signature.classes for step in source.steps if step.component]
            return Answers(source.name, replace(interface, classes=next((names for names in earlier if names), ())))
        return Answers(source.name, interface)
    model = components[last.component]
    classes = interface.classes or model.signature.classes
    if model.signature.classes and set(classes) != set(model.signature.classes):
        message = f"{source.name}: the last step decides among {model.signature.classes}, and the whole among {classes}"
        raise InvalidInput(message, field="execution.classes")
    inner = model.interface.positive or (model.signature.classes or ("",))[-1]
    if interface.positive and inner and interface.positive != inner:
        message = (
            f"{source.name}: the positive class is {interface.positive!r}, and the score of the last step is of {inner!r}; "
            "name the same"
        )
        raise InvalidInput(message, field="schema.positive")
    return Answers(source.name, replace(interface, classes=tuple(model.signature.classes or classes), positive=inner))


def _outputs(columns: Mapping[str, pa.Array], answers: Answers) -> tuple[Any, list[str] | None]:
    """The columns of a component's answer as values and decisions again."""
    import numpy as np

    each = [score_column(name) for name in answers.classes]
    wanted = each if len(each) > 2 and all(name in columns for name in each) else [SCORE]  # noqa: PLR2004 - a pair
    if any(name not in columns for name in (*wanted, DECISION)):
        raise ModelFailed(f"the last step gives {', '.join(columns)}; it must give {SCORE} and {DECISION}")
    values = np.column_stack([columns[name].to_numpy(zero_copy_only=False) for name in wanted])
    return values, columns[DECISION].to_pylist() if answers.classes else None


def _kinds(source: Composite, components: Mapping[str, RunModel]) -> dict[str, str]:
    """What the components say of the columns that they take from outside."""
    found = dict.fromkeys(source.interface.inputs, "unknown")
    for step in source.steps:
        if step.component:
            for inner, kind in components[step.component].signature.inputs.items():
                outer = step.inputs.get(inner, inner)
                if found.get(outer) == "unknown":
                    found[outer] = kind
    return found
