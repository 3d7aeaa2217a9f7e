"""Reads of datasets: which a person may see, who answers for them, and what depends on them."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q, QuerySet

from registry.errors import NotFound
from registry.lineage_queries import datasets_behind, models_depending_on, versions_depending_on
from registry.models import Dataset, ModelVersion, Person, Place
from registry.roles import Role
from registry.selectors import models_for, use_cases_for


def is_tender(person: Person, dataset: Dataset) -> bool:
    """Whether the person answers for the dataset: as its owner or its steward."""
    return person.is_active and person.pk in {dataset.owner_id, dataset.steward_id}


def datasets_for(person: Person) -> QuerySet[Dataset]:
    """Datasets that ``person`` may see.

    One's own always. Others only for those who hold a role somewhere or tend a dataset; and restricted ones only for
    those who hold a role on a model that depends on them.
    """
    if not person.is_active:
        return Dataset.objects.none()
    tended = Q(owner=person) | Q(steward=person)
    if not Dataset.objects.filter(tended).exists() and not use_cases_for(person).exists():
        return Dataset.objects.none()
    everyone = Q(visibility=Dataset.Visibility.EVERYONE)
    restricted = Dataset.objects.exclude(tended | everyone)
    concerned = _concerning(person, restricted) if restricted.exists() else set()
    return Dataset.objects.filter(tended | everyone | Q(pk__in=concerned))


def _concerning(person: Person, datasets: QuerySet[Dataset]) -> set[int]:
    """Which of the datasets some model was made from on which ``person`` holds a role; in a fixed number of queries.

    First what was made from any of them, then what lies behind those: never behind every model that a person sees.
    """
    versions = ModelVersion.objects.filter(model__in=models_for(person).order_by().values("pk")).order_by()
    named = versions.filter(training_dataset__dataset__in=datasets).values_list("training_dataset__dataset", flat=True)
    places = list(Place.objects.filter(dataset__in=datasets).values_list("pk", flat=True))
    made = versions_depending_on(places) if places else []
    seen = list(versions.filter(pk__in=made).values_list("pk", flat=True)) if made else []
    return {*named, *(datasets_behind(seen) if seen else ())}


def get_dataset(person: Person, slug: str) -> Dataset:
    """The dataset, or :class:`NotFound` where it is not there or not to be seen."""
    found = Dataset.objects.select_related("owner", "steward").filter(slug=slug).first()
    if found is None or not _sees(person, found):
        raise NotFound(f"there is no dataset {slug!r} that you can see")
    return found


def _sees(person: Person, dataset: Dataset) -> bool:
    if is_tender(person, dataset):
        return True
    if not person.is_active:
        return False
    if dataset.visibility == Dataset.Visibility.RESTRICTED:
        return _depends_for(person, dataset)
    tends = Dataset.objects.filter(Q(owner=person) | Q(steward=person)).exists()
    return tends or use_cases_for(person).exists()


def _depends_for(person: Person, dataset: Dataset) -> bool:
    seen = models_for(person)
    if seen.filter(versions__training_dataset__dataset=dataset).exists():
        return True
    models = {version.model_id for version in _through_lineage([dataset])}
    return bool(models) and seen.filter(pk__in=models).exists()


def _through_lineage(datasets: Iterable[Dataset]) -> Iterable[ModelVersion]:
    places = list(Place.objects.filter(dataset__in=list(datasets)).values_list("pk", flat=True))
    return models_depending_on(places) if places else []


def dependent_versions(dataset: Dataset) -> list[ModelVersion]:
    """Every model version that was made from the dataset: as its lineage says, or as its manifest does."""
    trained = ModelVersion.objects.filter(training_dataset__dataset=dataset)
    pks = {version.pk for version in _through_lineage([dataset])} | set(trained.values_list("pk", flat=True))
    found = ModelVersion.objects.filter(pk__in=pks).select_related("model__use_case").defer("manifest")
    return sorted(found, key=lambda version: (version.model.name, -version.pk))


def may_withdraw(person: Person, dataset: Dataset) -> bool:
    """Whether the person may withdraw and restore the dataset: who tends it, and who is compliance officer of a model from it."""
    if is_tender(person, dataset):
        return True
    models = {version.model_id for version in dependent_versions(dataset)}
    return models_for(person, roles=(Role.COMPLIANCE_OFFICER,)).filter(pk__in=models).exists()


def addresses_of(dataset: Dataset) -> QuerySet[Place]:
    """The names under which lineage tells of the dataset elsewhere."""
    return Place.objects.filter(alias_of__dataset=dataset).order_by("namespace", "name")
