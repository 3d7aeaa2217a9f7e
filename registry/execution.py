"""The part of a manifest that says how the model is run: inputs, output, endpoint, graph of components. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from registry.errors import InvalidInput

MODEL = "model"
"""The role of the file that is the model itself."""

SCORE, DECISION = "score", "prediction"
"""The columns that running a model gives: a number, and the class or the number that is decided on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """How a model is asked, and which of its answers counts.

    Attributes
    ----------
    inputs
        The columns that it reads, in its own order.
    output
        The name of the output that holds the score; empty for the model's usual one.
    classes
        The classes in the order of the score output's columns; empty where the model itself knows them.
    positive
        The class whose probability is the score; empty for the last one.
    threshold
        The decision is positive where the score is at least this; ``None`` leaves the decision to the model.
    task
        ``binary``, ``multiclass`` or ``regression``.
    architecture
        For files that hold weights alone: the known architecture that reads them.
    """

    inputs: tuple[str, ...]
    output: str = ""
    classes: tuple[str, ...] = ()
    positive: str = ""
    threshold: float | None = None
    task: str = "binary"
    architecture: str = ""

    def as_json(self) -> dict[str, Any]:
        """Plain JSON, as it stands in the parameters of an evaluation."""
        return {
            "inputs": list(self.inputs),
            "output": self.output,
            "classes": list(self.classes),
            "positive": self.positive,
            "threshold": self.threshold,
            "task": self.task,
            "architecture": self.architecture,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Interface:
        """Inverse of :meth:`as_json`; keys may be left out.

        Raises
        ------
        InvalidInput
            Naming the key that is unknown or of the wrong type.
        """
        unknown = sorted(set(data) - set(cls.__slots__))
        if unknown:
            raise InvalidInput(f"model has no parameter {unknown[0]!r}", field=f"model.{unknown[0]}")
        for name in ("inputs", "classes"):
            value = data.get(name, [])
            if not isinstance(value, list | tuple) or not all(isinstance(item, str) and item for item in value):
                raise InvalidInput(f"model.{name} must be a list of texts, not {value!r}", field=f"model.{name}")
        for name in ("output", "positive", "task", "architecture"):
            if not isinstance(data.get(name, ""), str):
                raise InvalidInput(f"model.{name} must be a text, not {data[name]!r}", field=f"model.{name}")
        threshold = data.get("threshold")
        if threshold is not None and (isinstance(threshold, bool) or not isinstance(threshold, int | float)):
            raise InvalidInput(f"model.threshold must be a number, not {threshold!r}", field="model.threshold")
        if not data.get("inputs"):
            raise InvalidInput("name the columns that the model reads, in its order", field="model.inputs")
        return cls(
            inputs=tuple(data["inputs"]),
            output=data.get("output", ""),
            classes=tuple(data.get("classes", ())),
            positive=data.get("positive", ""),
            threshold=None if threshold is None else float(threshold),
            task=data.get("task", "binary"),
            architecture=data.get("architecture", ""),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a composite version.

    Attributes
    ----------
    name
        Unique within the graph.
    component
        ``model@version`` of the component that runs here; empty where outputs of other steps are combined.
    combine, of, weights
        How, and which columns: ``step.column`` of an earlier step, or an input of the whole.
    inputs
        The component's own input to the column it takes: ``step.column``, or an input of the whole. Inputs that are not
        named here take the column of the same name.
    outputs
        The component's output to the name it has in this graph; what is not named keeps its name.
    """

    name: str
    component: str = ""
    combine: str = ""
    of: tuple[str, ...] = ()
    weights: tuple[float, ...] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)


def interface_of(facts: Mapping[str, Any]) -> Interface:
    """How the model of a manifest is asked: its ``execution``, with ``schema`` for what that leaves out.

    Raises
    ------
    InvalidInput
        If neither names the columns that the model reads.
    """
    schema, stated = facts["schema"], facts.get("execution", {})
    inputs = tuple(stated.get("inputs") or schema.get("features") or ())
    if not inputs:
        raise InvalidInput(
            "the manifest does not say which columns the model reads: name them under schema.features, or under "
            "execution.inputs in the order in which the model takes them",
            field="execution.inputs",
        )
    threshold = stated.get("threshold")
    return Interface(
        inputs=inputs,
        output=stated.get("output", ""),
        classes=tuple(stated.get("classes", ())),
        positive=schema.get("positive", ""),
        threshold=None if threshold is None else float(threshold),
        task=schema.get("task", "binary"),
        architecture=stated.get("architecture", ""),
    )


def steps_of(facts: Mapping[str, Any]) -> tuple[Step, ...]:
    """The graph of a composite version, in the manifest's order; empty where it is none."""
    return tuple(
        Step(
            name=item["step"],
            component=item.get("component", ""),
            combine=item.get("combine", ""),
            of=tuple(item.get("of", ())),
            weights=tuple(float(weight) for weight in item.get("weights", ())),
            inputs=dict(item.get("inputs", {})),
            outputs=dict(item.get("outputs", {})),
        )
        for item in facts.get("execution", {}).get("graph", ())
    )


def check_execution(document: Mapping[str, Any], paths: Collection[str]) -> None:
    """Check what the schema of manifests cannot see of ``execution``.

    Raises
    ------
    InvalidInput
        Naming the field that is wrong.
    """
    stated = document.get("execution", {})
    if "endpoint" in stated and "graph" in stated:
        raise _wrong("execution.graph", "a version is either run at an endpoint or as a graph of components, not both")
    _check_graph(document, stated)
    _check_expectations(document, stated)
    for key in ("script", "model", "predictions"):
        path = stated.get("rebuild", {}).get(key)
        if path and path not in paths:
            raise _wrong(f"execution.rebuild.{key}", f"{path!r} is not among the artifacts")
    for index, path in enumerate(stated.get("rebuild", {}).get("data", ())):
        if path not in paths:
            raise _wrong(f"execution.rebuild.data[{index}]", f"{path!r} is not among the artifacts")


def _check_graph(document: Mapping[str, Any], stated: Mapping[str, Any]) -> None:
    """Every step is of one kind, named once, runs a component that is listed, and reads steps before it."""
    components = {f"{item['model']}@{item['version']}" for item in document.get("components", ())}
    seen: set[str] = set()
    for index, item in enumerate(stated.get("graph", ())):
        path = f"execution.graph[{index}]"
        if ("component" in item) == ("combine" in item):
            raise _wrong(path, "a step either runs a component or combines columns: give one of component and combine")
        if "component" in item and item["component"] not in components:
            raise _wrong(f"{path}.component", f"{item['component']!r} is not among the components")
        if item["step"] in seen:
            raise _wrong(f"{path}.step", f"{item['step']!r} is named twice")
        if "combine" in item and not item.get("of"):
            raise _wrong(f"{path}.of", "name the columns to combine")
        if (item.get("combine") == "weighted-mean") != ("weights" in item):
            raise _wrong(f"{path}.weights", "weights belong to weighted-mean, and it needs them")
        if "weights" in item and (len(item["weights"]) != len(item.get("of", ())) or not sum(item["weights"])):
            raise _wrong(f"{path}.weights", "there must be one weight for each column, and not all of them 0")
        for name in [*item.get("of", ()), *item.get("inputs", {}).values()]:
            step = name.partition(".")[0]
            if "." in name and step not in seen and name not in (document["schema"].get("features") or ()):
                raise _wrong(path, f"{name!r} does not name a step before this one")
        seen.add(item["step"])


def _check_expectations(document: Mapping[str, Any], stated: Mapping[str, Any]) -> None:
    features = set(stated.get("inputs") or document["schema"].get("features") or ())
    seen: set[str] = set()
    for index, item in enumerate(stated.get("expectations", ())):
        path = f"execution.expectations[{index}]"
        if item["id"] in seen:
            raise _wrong(f"{path}.id", f"{item['id']!r} is named twice")
        seen.add(item["id"])
        monotone, metamorphic = {"feature", "direction"} & set(item), {"change", "expect"} & set(item)
        if bool(monotone) == bool(metamorphic) or len(monotone | metamorphic) != 2:  # noqa: PLR2004 - a pair
            raise _wrong(path, "give either feature and direction, or change and expect")
        for name in [item["feature"]] if monotone else item["change"]:
            if name not in features:
                raise _wrong(path, f"{name!r} is not among the columns that the model reads")


def _wrong(field: str, sentence: str) -> InvalidInput:
    return InvalidInput(f"manifest: {field}: {sentence}", field=field)
