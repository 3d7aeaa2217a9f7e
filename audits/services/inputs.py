"""What an evaluation reads: the artifact or the address that plays each role, in the version or in its champion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audits.data_roles import CHAMPION, EXPECTATIONS, OPTIONAL
from audits.services.bundled_inputs import BUNDLES, bundled_input, opened_bundle
from audits.services.model_inputs import model_input, opened_model
from registry import artifact_store
from registry.errors import InvalidInput
from registry.execution import MODEL
from registry.manifest import PREDICTIONS
from registry.models import ModelVersion

if TYPE_CHECKING:
    from audits.engines.opening import Data

Input = dict[str, Any]


_NO_MODEL = (
    "the {whose} has no model that can be run: add an artifact with the role model and name the columns that it reads "
    "(schema.features or execution.inputs), or name an endpoint, or a graph of registered components that whoever is "
    "responsible for the version may see, under execution, and submit again"
)


def inputs_of(
    version: ModelVersion, plan: Mapping[str, Any], champion: ModelVersion | None
) -> tuple[list[Input], list[str]]:
    """Find what a planned evaluation reads, and the roles that nothing plays.

    Returns
    -------
    tuple of list of dict and list of str
        ``{"path", "sha256"}`` of test predictions, with ``"role"`` for other files, and ``{"path", "url", "role"}`` of
        tables elsewhere, in the order in which the kind of evaluation takes them; the roles that are missing.
    """
    found: list[Input] = []
    missing: list[str] = []
    for role in filter(None, plan["roles"]):
        whose = champion if role.startswith(CHAMPION) else version
        item = _playing(role.removeprefix(CHAMPION), whose) if whose else None
        if item is None:
            missing.append(role)
        else:
            found.append(item)
    path = plan["parameters"].get(EXPECTATIONS)
    if path:
        file = version.files.filter(path=path, role=EXPECTATIONS).first()
        if file is None:
            missing.append(f"{EXPECTATIONS} at {path}")
        else:
            found.append({"path": file.path, "sha256": file.artifact_id, "role": EXPECTATIONS})
    return found, missing


def with_roles_played(
    version: ModelVersion, plan: Mapping[str, Any], champion: ModelVersion | None = None
) -> dict[str, Any]:
    """The plan with its optional roles settled: by their own names where something plays them, else empty."""

    def settled(role: str) -> str:
        if not role.endswith(OPTIONAL):
            return role
        name = role.removesuffix(OPTIONAL)
        whose = champion if name.startswith(CHAMPION) else version
        played = whose is not None and _playing(name.removeprefix(CHAMPION), whose) is not None
        return name if played else ""

    return {**plan, "roles": [settled(role) for role in plan["roles"]]}


def _playing(role: str, version: ModelVersion) -> Input | None:
    if role == MODEL:
        return model_input(version)
    if role in BUNDLES:
        return bundled_input(role, version)
    files = list(version.files.filter(role=role).order_by("path"))
    if files:
        file = files[0]
        # Without the role for predictions: questions asked before there were other roles keep their digest.
        named = {} if role == PREDICTIONS else {"role": role}
        return {"path": file.path, "sha256": file.artifact_id, **named}
    for reference in version.facts.get("data", ()):
        if reference["role"] == role:
            return {"path": reference["url"], "url": reference["url"], "role": role}
    return None


def require_all(missing: Sequence[str], version: ModelVersion, roles: Sequence[str]) -> None:
    """Refuse to measure without some of the data, or with files that cannot be told apart.

    Raises
    ------
    InvalidInput
        Naming the role, and how to add data for it.
    """
    if missing:
        role = missing[0].removeprefix(CHAMPION)
        whose = "champion" if missing[0].startswith(CHAMPION) else "version"
        if role == MODEL:
            raise InvalidInput(_NO_MODEL.format(whose=whose), field="execution")
        entry = "" if role.startswith(EXPECTATIONS) else ", or an entry for it in the manifest's data list"
        raise InvalidInput(
            f"the {whose} has no data with the role {role}: add an artifact with the role {role}{entry}, and submit again"
        )
    for role in filter(None, roles):
        files = (
            [] if role.startswith(CHAMPION) else list(version.files.filter(role=role).values_list("path", flat=True))
        )
        if len(files) > 1:
            raise InvalidInput(
                f"{len(files)} files have the role {role}, {files[0]} and {files[1]} among them: give it to one"
            )


def opened(stack: ExitStack, roles: Sequence[str], inputs: Sequence[Mapping[str, Any]]) -> Iterator[Data]:
    """The data of each role, files brought to local paths for as long as ``stack`` lasts; no data for an empty role."""
    from audits.engines.opening import Data
    from audits.kinds.kind import NOT_GIVEN

    data = iter(inputs)
    for role in roles:
        if not role:
            yield NOT_GIVEN
            continue
        item = next(data)
        if role.removeprefix(CHAMPION) == MODEL:
            yield Data(name=item["path"], model=opened_model(stack, item))
        elif role.removeprefix(CHAMPION) in BUNDLES:
            yield opened_bundle(stack, item)
        elif "url" in item:
            yield Data(name=item["url"], url=item["url"])
        else:
            suffix = Path(item["path"]).suffix
            path = stack.enter_context(artifact_store.local_path(item["sha256"], suffix=suffix))
            yield Data(name=item["path"], path=path)


def parameters_with(inputs: Sequence[Mapping[str, Any]], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters, with the expectations as they were written in the place of their path."""
    for item in inputs:
        if item.get("role") == EXPECTATIONS:
            from registry.safe_yaml import load_yaml

            stated = load_yaml(artifact_store.read_bytes(item["sha256"]), what=f"expectations {item['path']}")
            return {**parameters, EXPECTATIONS: stated}
    return dict(parameters)
