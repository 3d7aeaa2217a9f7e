"""Registering model versions."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import IntegrityError, transaction
from guardian.shortcuts import assign_perm

from registry import artifact_store, ledger
from registry.canonical import canonical_json, sha256_hex, strip_algorithm
from registry.errors import Conflict, IntegrityFailure, InvalidInput, NotAllowed, NotFound
from registry.ledger_actions import Action
from registry.manifest import Manifest, bind, parse_manifest
from registry.models import (
    Artifact,
    CardRevision,
    ModelVersion,
    Person,
    RegisteredModel,
    UseCase,
    VersionArtifact,
)
from registry.roles import Role
from registry.selectors import artifacts_for, roles_of, use_cases_for
from registry.services.datasets import declared_dataset_version
from registry.services.manifest_lineage import state_version_lineage
from registry.services.places import lock_lineage


def _use_case(actor: Person, slug: str) -> UseCase:
    use_case = use_cases_for(actor).filter(slug=slug).first()
    if use_case is None:
        raise NotFound(f"there is no use case {slug!r} that you can see; register it first", field="use_case")
    return use_case


def _locked_model(name: str) -> RegisteredModel | None:
    return RegisteredModel.objects.select_for_update(of=("self",)).filter(name=name).first()


def _register_model(actor: Person, name: str, use_case: UseCase) -> RegisteredModel | None:
    """A new model; None if somebody registered the name at the same moment."""
    if Role.DEVELOPER not in roles_of(actor, use_case):
        raise NotAllowed(f"you are not a developer of the use case {use_case.slug!r}", field="use_case")
    try:
        with transaction.atomic():
            model = RegisteredModel.objects.create(name=name, use_case=use_case, created_by=actor)
    except IntegrityError:
        return None
    assign_perm(Role.DEVELOPER.codename, actor, model)
    ledger.record(
        actor=actor,
        action=Action.MODEL_REGISTERED,
        obj_type="model",
        obj_id=str(model.pk),
        label=model.name,
        data={"use_case": use_case.slug},
        model_name=model.name,
    )
    return model


def _model(actor: Person, manifest: Manifest) -> RegisteredModel:
    """The model of the manifest, registered on its first submission."""
    use_case = _use_case(actor, manifest.use_case)
    model = _locked_model(manifest.model)
    if model is None:
        made = _register_model(actor, manifest.model, use_case)
        if made is not None:
            return made
        model = _locked_model(manifest.model)
        assert model is not None
    if Role.DEVELOPER not in roles_of(actor, model):
        raise NotFound(
            f"there is no model {manifest.model!r} that you may submit to; is the name taken?", field="model"
        )
    if model.use_case_id != use_case.pk:
        raise Conflict(
            f"{model.name} serves the use case {model.use_case.slug!r}, not {use_case.slug!r}", field="use_case"
        )
    return model


def _artifacts(actor: Person, files: Mapping[str, str]) -> dict[str, Artifact]:
    """The uploaded artifact behind each path."""
    wanted = {path: strip_algorithm(digest) for path, digest in files.items()}
    held = {artifact.sha256: artifact for artifact in artifacts_for(actor).filter(sha256__in=set(wanted.values()))}
    for path, digest in wanted.items():
        if digest not in held:
            raise InvalidInput(f"{path!r} (sha256:{digest}) has not been uploaded by you", field="files")
        if not artifact_store.exists(digest):
            raise IntegrityFailure(f"the artifact store has lost {path!r} (sha256:{digest}); upload it again")
    return {path: held[digest] for path, digest in wanted.items()}


def _same_name(model: RegisteredModel, name: str, sha256: str) -> ModelVersion | None:
    """The version if this very manifest is known; a clear conflict if only its name or only its content is."""
    known = model.versions.filter(name=name).first()
    if known and known.sha256 != sha256:
        raise Conflict(
            f"{known} was registered with another manifest (sha256:{known.sha256}); give the new one another version name",
            field="version",
            registered_sha256=known.sha256,
            submitted_sha256=sha256,
        )
    return known


@transaction.atomic
def register_version(
    *, actor: Person, manifest: bytes, files: Mapping[str, str], responsible: Person | None = None
) -> tuple[ModelVersion, bool]:
    """Register what a manifest describes; whether it was new comes second. The same manifest again is a no-op.

    Parameters
    ----------
    manifest
        The YAML as sent.
    files
        ``{path: sha256}`` of every file that the manifest names; all uploaded before.
    responsible
        The person behind a service account; the actor unless given.

    Raises
    ------
    InvalidInput
        Naming the manifest's wrong field, or a file that was not uploaded.
    NotFound, NotAllowed
        If the use case or model cannot be seen or submitted to.
    Conflict
        If the version's name stands for another manifest.
    """
    parsed = parse_manifest(manifest)
    lock_lineage()  # before the first entry takes the ledger's lock
    model = _model(actor, parsed)
    artifacts = _artifacts(actor, files)
    content, sha256 = bind(parsed, {path: (artifact.sha256, artifact.size) for path, artifact in artifacts.items()})
    if known := _same_name(model, parsed.version, sha256):
        return known, False
    trained = [declared_dataset_version(actor=actor, reference=each) for each in parsed.training_datasets]
    version = ModelVersion.objects.create(
        model=model,
        name=parsed.version,
        manifest=content,
        sha256=sha256,
        training_dataset=trained[0] if trained else None,
        submitted_by=actor,
        responsible=responsible or actor,
    )
    VersionArtifact.objects.bulk_create(
        VersionArtifact(version=version, artifact=artifacts[file.path], role=file.role, path=file.path)
        for file in parsed.files
    )
    card = canonical_json(parsed.card)
    CardRevision.objects.create(version=version, number=1, content=card, sha256=sha256_hex(card), author=actor)
    ledger.record(
        actor=actor,
        action=Action.VERSION_REGISTERED,
        obj_type="version",
        obj_id=str(version.pk),
        label=str(version),
        data={
            "sha256": sha256,
            "card_sha256": sha256_hex(card),
            "artifacts": {path: artifact.sha256 for path, artifact in artifacts.items()},
            "responsible": version.responsible.username,
        },
        model_name=model.name,
    )
    state_version_lineage(version=version, actor=actor)
    return version, True
