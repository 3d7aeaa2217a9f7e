"""What is run: a file, an endpoint, or a graph of components. Pure; nothing here is opened."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from registry.execution import Interface, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """A model in a file of its own, run in our sandbox.

    Attributes
    ----------
    name
        What people know it by: the path in the manifest. Its suffix tells the format.
    path
        A local copy, verified against its digest.
    """

    name: str
    path: Path
    interface: Interface


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A scoring endpoint that speaks the Open Inference Protocol, version 2, and is run by others.

    Attributes
    ----------
    url
        Where it is, without ``/v2``.
    model, version
        As the endpoint calls them; an empty version is the one that it chooses.
    trusted
        Whether whoever runs this process named the address himself, and so may ask any host. One that somebody submitted
        may name the hosts of ``COUNTERSIGN_ENDPOINT_HOSTS`` only.
    """

    name: str
    url: str
    model: str
    interface: Interface
    version: str = ""
    trusted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Composite:
    """Components run as a graph.

    Attributes
    ----------
    steps
        In an order in which each reads only what came before; the last one's columns are the answer.
    components
        ``model@version`` to what runs it.
    interface
        Of the whole.
    """

    name: str
    steps: tuple[Step, ...]
    interface: Interface
    components: dict[str, ModelSource] = field(default_factory=dict)


ModelSource: TypeAlias = ModelFile | Endpoint | Composite
