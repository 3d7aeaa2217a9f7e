"""The model of a version as the input of an evaluation: what names it exactly, and how it is brought to a worker."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from audits.scoring.source import Composite, Endpoint, ModelFile, ModelSource
from registry import artifact_store
from registry.errors import InvalidInput
from registry.execution import MODEL, Interface, interface_of, steps_of
from registry.models import ModelVersion
from registry.selectors import versions_for


def model_input(version: ModelVersion) -> dict[str, Any] | None:
    """What exactly is run for ``version``, as plain JSON; None where it has nothing that can be run.

    Returns
    -------
    dict or None
        ``{"path", "role", "interface"}`` with ``"sha256"`` of a file, ``"url"`` of an endpoint, or ``"sha256"`` of a composite's
        manifest and ``"components"``, ``{"model@version": {...}}`` in turn. A component that is not registered, that the
        person responsible for the composite may not see, or that cannot be run makes the whole impossible.
    """
    facts = version.facts
    try:
        interface = interface_of(facts).as_json()
    except InvalidInput:
        return None
    graph = facts.get("execution", {}).get("graph")
    if graph:
        components = {step.component: _component(version, step.component) for step in steps_of(facts) if step.component}
        if not all(components.values()):
            return None
        return {
            "path": str(version),
            "role": MODEL,
            "sha256": version.sha256,
            "interface": interface,
            "graph": graph,
            "components": components,
        }
    endpoint = facts.get("execution", {}).get("endpoint")
    if endpoint:
        return {"path": endpoint["url"], "role": MODEL, "interface": interface, **endpoint}
    file = version.files.filter(role=MODEL).order_by("path").first()
    if file is None:
        return None
    return {"path": file.path, "role": MODEL, "sha256": file.artifact_id, "interface": interface}


def _component(version: ModelVersion, reference: str) -> dict[str, Any] | None:
    model, _, name = reference.partition("@")
    # What a composite answers tells what its components answer: nobody builds on a model that they may not see.
    found = versions_for(version.responsible).filter(model__name=model, name=name).first()
    return model_input(found) if found else None


def opened_model(stack: ExitStack, item: Mapping[str, Any]) -> ModelSource:
    """What :func:`model_input` named, its files brought to local paths for as long as ``stack`` lasts."""
    interface = Interface.from_json(item["interface"])
    if "graph" in item:
        components = {name: opened_model(stack, inner) for name, inner in item["components"].items()}
        steps = steps_of({"execution": {"graph": item["graph"]}})
        return Composite(name=item["path"], steps=steps, interface=interface, components=components)
    if "url" in item:
        return Endpoint(
            name=item["path"],
            url=item["url"],
            model=item["model"],
            version=item.get("version", ""),
            interface=interface,
        )
    path = stack.enter_context(artifact_store.local_path(item["sha256"], suffix=Path(item["path"]).suffix))
    return ModelFile(name=item["path"], path=path, interface=interface)


def runs_in_sandbox(item: Mapping[str, Any]) -> bool:
    """Whether everything that :func:`model_input` named is bytes that we hold: an endpoint may run something else."""
    return "url" not in item and all(runs_in_sandbox(inner) for inner in item.get("components", {}).values())
