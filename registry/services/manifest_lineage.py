"""What a version's manifest says of where its features and its training come from, as a part of the lineage."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from registry import artifact_store, ledger
from registry.errors import InvalidInput
from registry.ledger_actions import Action
from registry.lineage.feature_store import MOST_BYTES, parse_features
from registry.lineage.features import FeatureDefinitions
from registry.lineage.names import OUR_JOBS, JobName, PlaceName, dataset_place, model_place
from registry.lineage.statement import StatedEdge, Statement
from registry.manifest import FEATURE_DEFINITIONS, stated_features, trained_on
from registry.models import Dataset, LineageStatement, ModelVersion, Place
from registry.services.lineage import apply_statements


@transaction.atomic
def state_version_lineage(*, version: ModelVersion, actor: ledger.Actor) -> bool:
    """State the lineage that a version's manifest tells; whether that is new. Doing it again changes nothing.

    The features are the columns of the model's place. Each comes from the sources that the manifest states; else from
    the feature of this name in the file of the role ``feature-definitions``; else, if the model was trained on one
    dataset, from its column of the same name. Datasets that the model was trained on, and components, are tied to it as
    wholes.

    Raises
    ------
    InvalidInput
        If the file of feature definitions cannot be read, naming the field within it.
    """
    job = JobName(OUR_JOBS, f"manifest of {version}")
    place = model_place(version.model.name, version.name)
    if LineageStatement.objects.filter(job__key=job.key, place__key=place.key, by="manifest").exists():
        _link(version, place)
        return False
    definitions = _definitions(version)
    edges = _edges(version, definitions)
    features = version.facts["schema"]["features"]
    told = definitions.statements(job=job, at=version.created_at) if definitions else ()
    made = Statement(
        job=job, place=place, at=version.created_at, by="manifest", edges=edges, columns=dict.fromkeys(features, "")
    )
    apply_statements([made, *told])
    _link(version, place)
    ledger.record(
        actor=actor,
        action=Action.LINEAGE_DECLARED,
        obj_type="version",
        obj_id=str(version.pk),
        label=str(version),
        data={
            "statements": {f"{one.place.namespace} {one.place.name}": one.digest for one in (made, *told)},
            "features_without_source": sorted(set(features) - {edge.target_column for edge in edges}),
        },
        model_name=version.model.name,
    )
    return True


def _definitions(version: ModelVersion) -> FeatureDefinitions | None:
    """What the version's file of feature definitions says, if it has one."""
    file = version.files.filter(role=FEATURE_DEFINITIONS).select_related("artifact").first()
    if file is None:
        return None
    if file.artifact.size > MOST_BYTES:
        raise InvalidInput(f"{file.path} is larger than {MOST_BYTES:,} bytes", field=file.path)
    try:
        return parse_features(artifact_store.read_bytes(file.artifact_id))
    except InvalidInput as error:
        field = f"{file.path}: {error.field}" if error.field else file.path
        raise InvalidInput(f"{file.path}: {error.message}", field=field, **error.details) from None


def _edges(version: ModelVersion, definitions: FeatureDefinitions | None) -> tuple[StatedEdge, ...]:
    facts = version.facts
    trained = list(dict.fromkeys(dataset_place(each.partition("@")[0]) for each in trained_on(facts)))
    stated = stated_features(facts)
    edges = [StatedEdge(source=place, level="training") for place in trained]
    for feature in facts["schema"]["features"]:
        found = stated.get(feature) or (definitions.edges_of(feature) if definitions else ())
        edges += found or _by_name(feature, trained)
    for component in facts.get("components", ()):
        source = model_place(component["model"], component["version"])
        edges.append(StatedEdge(source=source, level="dataset", description="component"))
    return tuple(edges)


def _by_name(feature: str, trained: Iterable[PlaceName]) -> list[StatedEdge]:
    """A feature is a column of the data that the model was trained on; of which ones is known where they are one."""
    places = list(trained)
    if len(places) != 1:
        return []
    return [StatedEdge(source=places[0], source_column=feature, target_column=feature, subtype="BY_NAME")]


def _link(version: ModelVersion, place: PlaceName) -> None:
    """Tie places to what they are, which others may have told of before it was registered."""
    Place.objects.filter(key=place.key, version=None).update(version=version, kind=Place.Kind.MODEL)
    for reference in trained_on(version.facts):
        dataset = Dataset.objects.get(slug=reference.partition("@")[0])
        unlinked = Place.objects.filter(key=dataset_place(dataset.slug).key, dataset=None, alias_of=None)
        unlinked.update(dataset=dataset, kind=Place.Kind.DATASET)
