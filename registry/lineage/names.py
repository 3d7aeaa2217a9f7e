"""How places, columns and jobs are named, wherever they are told of. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from registry.canonical import sha256_hex
from registry.errors import InvalidInput

OUR_DATASETS = "countersign:datasets"
"""Namespace of registered datasets; the name is the slug."""

OUR_MODELS = "countersign:models"
"""Namespace of model versions; the name is ``model@version``."""

OUR_JOBS = "countersign:jobs"
"""Namespace of what makes statements here: manifests, datasheets, feature definitions."""

LONGEST_NAMESPACE, LONGEST_NAME, LONGEST_COLUMN = 500, 1000, 500


def _key(namespace: str, name: str) -> str:
    return sha256_hex(f"{namespace}\0{name}".encode())


def _check(text: str, longest: int, field: str) -> None:
    if not text or len(text) > longest or "\0" in text:
        raise InvalidInput(f"{field} has 1 to {longest} characters and no NUL", field=field)


@dataclass(frozen=True, slots=True, order=True)
class _Name:
    namespace: str
    name: str

    def __post_init__(self) -> None:
        _check(self.namespace, LONGEST_NAMESPACE, "namespace")
        _check(self.name, LONGEST_NAME, "name")

    @property
    def key(self) -> str:
        """SHA-256 of both, by which it is found."""
        return _key(self.namespace, self.name)


@dataclass(frozen=True, slots=True, order=True)
class PlaceName(_Name):
    """Where data lie, as OpenLineage names a dataset: ``postgres://warehouse:5432`` and ``prod.public.customers``."""


@dataclass(frozen=True, slots=True, order=True)
class JobName(_Name):
    """What makes data, as OpenLineage names a job."""


def dataset_place(slug: str) -> PlaceName:
    """The place that a registered dataset is."""
    return PlaceName(OUR_DATASETS, slug)


def model_place(model: str, version: str) -> PlaceName:
    """The place that a model version is: its columns are its features."""
    return PlaceName(OUR_MODELS, f"{model}@{version}")
