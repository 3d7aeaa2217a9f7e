"""The manifest: what a client says a version is made of, checked, bound to digests, and made canonical. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import PurePosixPath
from typing import Any

from registry.canonical import canonical_json, sha256_hex, strip_algorithm
from registry.data_reference import DataReference, check_address
from registry.errors import InvalidInput
from registry.execution import check_execution
from registry.lineage.document_part import Part
from registry.lineage.features import read_features
from registry.lineage.statement import StatedEdge
from registry.safe_yaml import load_yaml

FORMAT = "countersign-manifest/1"
PREDICTIONS = "test-predictions"
ENVIRONMENT = "environment"
FEATURE_DEFINITIONS = "feature-definitions"

# No database can hold the first; the second would break a line in every list that names a file or a column.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_PROSE = ("description", "card", "training")
_CODE = ("sql", "transformation")


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """A file that the manifest names, and the part it plays."""

    path: str
    role: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest that has passed its schema, not yet bound to the digests of its files."""

    document: Mapping[str, Any]

    @property
    def model(self) -> str:
        """Name of the registered model."""
        return str(self.document["model"])

    @property
    def version(self) -> str:
        """Name of the version."""
        return str(self.document["version"])

    @property
    def use_case(self) -> str:
        """Slug of the use case."""
        return str(self.document["use_case"])

    @property
    def card(self) -> dict[str, str]:
        """Written sections of the model card, blank ones left out."""
        return {key: text for key, text in self.document.get("card", {}).items() if text.strip()}

    @property
    def files(self) -> tuple[ManifestFile, ...]:
        """Every file whose digest becomes part of the version's identity, in the manifest's order."""
        listed = [ManifestFile(item["path"], item["role"]) for item in self.document["artifacts"]]
        packages = self.document.get("environment", {}).get("packages")
        if packages and packages not in {file.path for file in listed}:
            listed.append(ManifestFile(packages, ENVIRONMENT))
        return tuple(listed)

    @property
    def training_datasets(self) -> tuple[str, ...]:
        """The dataset versions that it was trained on, as ``slug@label``, the one under ``dataset`` first."""
        return trained_on(self.document)

    @property
    def data(self) -> tuple[DataReference, ...]:
        """Data sets that stay where they are, in the manifest's order."""
        return tuple(DataReference(item["role"], item["url"]) for item in self.document.get("data", ()))


def trained_on(facts: Mapping[str, Any]) -> tuple[str, ...]:
    """The dataset versions, as ``slug@label``, that a manifest says the model was trained on."""
    training = facts.get("training", {})
    first = [training["dataset"]] if training.get("dataset") else []
    return tuple(dict.fromkeys([*first, *training.get("datasets", [])]))


def stated_features(facts: Mapping[str, Any]) -> dict[str, tuple[StatedEdge, ...]]:
    """What each feature that a manifest tells of is made from, by name.

    Raises
    ------
    InvalidInput
        Naming the field that is wrong.
    """
    found, _ = read_features(Part(facts.get("features"), "features"))
    return found


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator

    schema = json.loads(resources.files("registry").joinpath("manifest.schema.json").read_text())
    return Draft202012Validator(schema)


def _field(path: Any) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _explain(error: Any) -> tuple[str, str]:
    """The field and a sentence for one schema error."""
    field = _field(error.absolute_path)
    if error.validator == "additionalProperties":
        known = ", ".join(sorted(error.schema.get("properties", {})))
        extra = min(set(error.instance) - set(error.schema.get("properties", {})))
        return (f"{field}.{extra}" if field else extra), f"unknown key {extra!r}; known here: {known}"
    if error.validator == "required":
        missing = min(set(error.validator_value) - set(error.instance))
        return (f"{field}.{missing}" if field else missing), "is required"
    if error.validator == "type" and error.validator_value == "string":
        return field, f"must be text, not {error.instance!r}: put it in quotes"
    if error.validator in {"maxItems", "maxLength"}:  # without what stands there: it is long, and may be meant for few
        return field, f"is too long: {len(error.instance)}, where {error.validator_value} are allowed"
    if error.validator == "pattern":
        return field, f"{error.instance!r} does not have the form {error.validator_value}"
    return field, error.message


def _check_text(value: Any, path: tuple[str | int, ...] = ()) -> None:
    if isinstance(value, str):
        prose = path[0] in _PROSE and path[:2] != ("training", "dataset")
        prose = prose or (path[0] == "features" and path[-1] in _CODE)
        wrong = _UNSTORABLE if prose else _CONTROL
        if found := wrong.search(value):
            raise InvalidInput(
                f"manifest: {_field(path)}: the character U+{ord(found.group()):04X} cannot stand here",
                field=_field(path),
            )
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_text(key, (*path, key))
            _check_text(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _check_text(item, (*path, index))


def _check_paths(files: tuple[ManifestFile, ...]) -> None:
    seen: set[str] = set()
    for index, file in enumerate(files):
        path = PurePosixPath(file.path)
        if path.is_absolute() or ".." in path.parts or "\\" in file.path or str(path) != file.path:
            raise InvalidInput(
                f"{file.path!r} must be a plain path relative to the manifest, without '..'",
                field=f"artifacts[{index}].path",
            )
        if file.path in seen:
            raise InvalidInput(f"{file.path!r} is named twice", field=f"artifacts[{index}].path")
        seen.add(file.path)


def _check_data(manifest: Manifest) -> None:
    """Each data set's address is sound and holds no secret, and one thing only plays its part."""
    roles = {file.role for file in manifest.files}
    for index, reference in enumerate(manifest.data):
        try:
            check_address(reference.url, field=f"data[{index}].url")
        except InvalidInput as error:
            raise InvalidInput(f"manifest: {error.field}: {error}", field=error.field) from None
        if reference.role in roles:
            message = f"manifest: data[{index}].role: {reference.role!r} is the role of a file or of other data already"
            raise InvalidInput(message, field=f"data[{index}].role")
        roles.add(reference.role)


def _check_features(manifest: Manifest) -> None:
    """Features are told of that the model has, each once, and from sources that can be read."""
    document = manifest.document
    try:
        stated = stated_features(document)
    except InvalidInput as error:
        raise InvalidInput(f"manifest: {error.message}", field=error.field, **error.details) from None
    known = set(document["schema"].get("features", ()))
    for index, name in enumerate(stated):
        if name not in known:
            message = f"manifest: features[{index}].name: {name!r} is not among schema.features"
            raise InvalidInput(message, field=f"features[{index}].name")
    for index, component in enumerate(document.get("components", ())):
        if not component["model"] or not component["version"]:
            raise InvalidInput(
                f"manifest: components[{index}]: name a model and its version", field=f"components[{index}]"
            )


def _check_single(manifest: Manifest) -> None:
    """Some parts can be played by one file only."""
    for role in (PREDICTIONS, FEATURE_DEFINITIONS):
        if sum(file.role == role for file in manifest.files) > 1:
            raise InvalidInput(f"manifest: artifacts: more than one file has the role {role}", field="artifacts")


def parse_manifest(data: bytes) -> Manifest:
    """Read a YAML manifest.

    Raises
    ------
    InvalidInput
        Naming the field that is wrong: bad YAML, an unknown or missing key, a path that leaves the folder.
    """
    document = load_yaml(data, what="manifest")
    if not isinstance(document, dict):
        raise InvalidInput("the manifest must be a mapping with the keys model, version, use_case, artifacts, schema")
    error = min(_validator().iter_errors(document), key=lambda found: list(map(str, found.absolute_path)), default=None)
    if error is not None:
        field, sentence = _explain(error)
        raise InvalidInput(f"manifest: {field}: {sentence}" if field else f"manifest: {sentence}", field=field or None)
    _check_text(document)
    manifest = Manifest(document)
    _check_paths(manifest.files)
    _check_single(manifest)
    _check_data(manifest)
    _check_features(manifest)
    check_execution(manifest.document, {file.path for file in manifest.files})
    return manifest


def bind(manifest: Manifest, digests: Mapping[str, tuple[str, int]]) -> tuple[bytes, str]:
    """The canonical manifest, in which each file has its digest and size, and the version's identity.

    Parameters
    ----------
    digests
        ``{path: (sha256 hexadecimal, size in bytes)}`` for exactly the files of the manifest.

    Returns
    -------
    tuple of bytes and str
        Canonical JSON and its SHA-256. Defaults are written out, so that leaving a key away and stating its
        default are the same version.

    Raises
    ------
    InvalidInput
        If a digest is missing, superfluous, or contradicts one that the manifest states.
    """
    paths = {file.path for file in manifest.files}
    if missing := sorted(paths - set(digests)):
        raise InvalidInput(f"no digest was given for {missing[0]!r}", field="files")
    if unknown := sorted(set(digests) - paths):
        raise InvalidInput(f"the manifest does not name {unknown[0]!r}", field="files")
    for index, item in enumerate(manifest.document["artifacts"]):
        stated = item.get("sha256")
        if stated and strip_algorithm(stated) != digests[item["path"]][0]:
            raise InvalidInput(
                f"{item['path']!r} has another content than the manifest states (sha256:{digests[item['path']][0]})",
                field=f"artifacts[{index}].sha256",
            )
    document = dict(manifest.document)
    schema = document["schema"]
    bound = {
        "format": FORMAT,
        "model": manifest.model,
        "version": manifest.version,
        "use_case": manifest.use_case,
        "description": document.get("description", ""),
        "environment": document.get("environment", {}),
        "code": document.get("code", {}),
        "training": document.get("training", {}),
        "artifacts": [
            {"role": file.role, "path": file.path, "sha256": digests[file.path][0], "size": digests[file.path][1]}
            for file in sorted(manifest.files, key=lambda file: file.path)
        ],
        "schema": {"sensitive": [], "features": [], **schema},
        "components": document.get("components", []),
        "card": manifest.card,
    }
    if manifest.data:  # an older version without the key keeps its identity
        listed = sorted(manifest.data, key=lambda reference: reference.role)
        bound["data"] = [{"role": reference.role, "url": reference.url} for reference in listed]
    for key in ("features", "execution"):
        if document.get(key):
            bound[key] = document[key]
    data = canonical_json(bound)
    return data, sha256_hex(data)
