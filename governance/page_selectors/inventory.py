"""The inventory: models submitted here and models of other registries, filtered, sorted and paged in the database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any
from urllib.parse import urlencode

from django.db.models import Case, Count, Exists, F, IntegerField, Max, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Lower

from governance.models import EnvironmentPointer
from governance.page_selectors.deployments import DeploymentShown, deployments_of
from governance.page_selectors.models import ModelRow, rows_of
from governance.page_selectors.stage_filter import at_stage
from registry.errors import NotFound
from registry.external_selectors import external_versions_for
from registry.models import Deployment, ExternalVersion, ModelVersion, Person, RegisteredModel, RiskTier
from registry.selectors import models_for

HERE, ELSEWHERE = "here", "elsewhere"
SORTS = ("name", "use_case", "tier", "owner", "newest")
_TIERS = {RiskTier.LOW: 1, RiskTier.LIMITED: 2, RiskTier.HIGH: 3}
_SUBMITTED_ONLY = ("use_case", "tier", "stage", "environment", "owner", "noncompliant", "dataset", "region", "kind")
_LONGEST = 200
Key = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What is asked of the inventory; a text that is empty asks nothing.

    Attributes
    ----------
    q
        Part of the name of the model or its use case.
    stage
        Where the newest version stands: one of :data:`governance.page_selectors.stage_filter.STAGES`.
    environment
        Where something of it was promoted to, or is said to run.
    noncompliant
        ``yes``: what runs somewhere would not be let in again.
    dataset
        Slug of a dataset that some version was made from.
    region, kind
        Of a deployment that runs now.
    source
        ``here``, ``elsewhere``, or the name of a registry.
    sort
        One of :data:`SORTS`, with ``-`` in front for the other direction.
    """

    q: str = ""
    use_case: str = ""
    tier: str = ""
    stage: str = ""
    environment: str = ""
    owner: str = ""
    noncompliant: str = ""
    dataset: str = ""
    region: str = ""
    kind: str = ""
    source: str = ""
    sort: str = ""

    @property
    def given(self) -> dict[str, str]:
        """What is asked, without the order."""
        return {key: text for key, text in asdict(self).items() if text and key != "sort"}

    @property
    def query(self) -> str:
        """As the query of an address; equal filters give equal text."""
        return urlencode(sorted((key, text) for key, text in asdict(self).items() if text))

    @property
    def order(self) -> tuple[str, bool]:
        """By what, and whether backwards."""
        return self.sort.removeprefix("-") or "name", self.sort.startswith("-")


def read_filters(asked: Mapping[str, Any]) -> Filters:
    """Filters from a query; what is unknown is passed over."""
    said = {item.name: str(asked.get(item.name, "")).strip()[:_LONGEST].replace("\x00", "") for item in fields(Filters)}
    filters = Filters(**said)
    return filters if filters.order[0] in SORTS else replace(filters, sort="")


def matching(person: Person, filters: Filters) -> QuerySet[RegisteredModel]:
    """Models submitted here that ``person`` may see and that every filter lets through, in no order."""
    if filters.source not in ("", HERE):
        return RegisteredModel.objects.none()
    found = models_for(person).order_by()
    if filters.q:
        found = found.filter(Q(name__icontains=filters.q) | Q(use_case__name__icontains=filters.q))
    plain = {
        "use_case__slug": filters.use_case,
        "use_case__risk_tier": filters.tier,
        "use_case__owner__username": filters.owner,
    }
    found = found.filter(**{column: text for column, text in plain.items() if text})
    if filters.dataset:
        found = found.filter(pk__in=_made_from(person, filters.dataset))
    found = _running(found, filters)
    return at_stage(found, filters.stage) if filters.stage else found


def _running(found: QuerySet[RegisteredModel], filters: Filters) -> QuerySet[RegisteredModel]:
    pointers = EnvironmentPointer.objects.filter(model=OuterRef("pk"), promotion__isnull=False)
    deployments = Deployment.objects.filter(version__model=OuterRef("pk"), until=None)
    if filters.environment:
        pointers = pointers.filter(environment=filters.environment)
        deployments = deployments.filter(environment=filters.environment)
        found = found.filter(Exists(pointers) | Exists(deployments))
    if filters.noncompliant:
        found = found.filter(Exists(pointers.filter(noncompliant_since__isnull=False)))
    if filters.region:
        deployments = deployments.filter(region__iexact=filters.region)
    if filters.kind:
        deployments = deployments.filter(kind=filters.kind)
    return found.filter(Exists(deployments)) if filters.region or filters.kind else found


def _made_from(person: Person, slug: str) -> list[int]:
    from registry.dataset_selectors import dependent_versions, get_dataset

    try:
        dataset = get_dataset(person, slug)
    except NotFound:
        return []
    return sorted({version.model_id for version in dependent_versions(dataset)})


def external_matching(person: Person, filters: Filters) -> QuerySet[ExternalVersion]:
    """Versions of other registries that ``person`` may see and that the filters let through.

    Nothing is known of them beyond name and registry: a filter for anything else lets none of them through.
    """
    if filters.source == HERE or any(getattr(filters, key) for key in _SUBMITTED_ONLY):
        return ExternalVersion.objects.none()
    found = external_versions_for(person).filter(gone_at=None).order_by()
    if filters.q:
        found = found.filter(model_name__icontains=filters.q)
    return found if filters.source in ("", ELSEWHERE) else found.filter(registry__name=filters.source)


class Inventory:
    """The keys of all rows, as a sequence that a paginator cuts: ``("here", model)`` and ``("elsewhere", version)``."""

    def __init__(self, person: Person, filters: Filters) -> None:
        self.person, self.filters = person, filters
        self.ours, self.theirs = matching(person, filters), external_matching(person, filters)
        self._counts: tuple[int, int] | None = None
        self._keys: list[Key] | None = None
        if filters.stage:
            # Judging stages is what costs: then the keys are read once, instead of counted first and cut afterwards.
            self._keys = self._cut(_ordered(self.ours, self.theirs, filters.order[0])[0], slice(None))
            self._counts = len(self._keys), 0

    @property
    def counts(self) -> tuple[int, int]:
        """How many models here, and how many elsewhere."""
        if self._counts is None:
            elsewhere = self.theirs.values("registry", "model_name").distinct().count()
            self._counts = self.ours.count(), elsewhere
        return self._counts

    def count(self) -> int:
        """How many rows."""
        return sum(self.counts)

    def __len__(self) -> int:
        return self.count()

    def __getitem__(self, part: slice) -> list[Key]:
        if self._keys is not None:
            return self._keys[part]
        here, elsewhere = self.counts
        ours, theirs = _ordered(self.ours, self.theirs, self.filters.order[0])
        return self._cut(ours.union(theirs, all=True) if here and elsewhere else theirs if elsewhere else ours, part)

    def _cut(self, rows: QuerySet[Any], part: slice) -> list[Key]:
        way = "-" if self.filters.order[1] else ""
        return [(row[0], row[1]) for row in rows.order_by(f"{way}sorted_by", f"{way}label", "row")[part]]


def _ordered(ours: QuerySet[Any], theirs: QuerySet[Any], by: str) -> tuple[QuerySet[Any], QuerySet[Any]]:
    """Both as rows ``(kind, row, sorted_by, label)``; a model elsewhere is one row, its latest version."""
    last = ModelVersion.objects.filter(model=OuterRef("pk")).order_by("-created_at", "-pk").values("created_at")[:1]
    tier = Case(
        *(When(use_case__risk_tier=name, then=Value(rank)) for name, rank in _TIERS.items()),
        default=Value(0),
        output_field=IntegerField(),
    )
    here: dict[str, Any] = {
        "name": Lower("name"),
        "use_case": Lower("use_case__name"),
        "tier": tier,
        "owner": Lower("use_case__owner__username"),
        "newest": Subquery(last),
    }
    elsewhere: dict[str, Any] = {
        "name": Lower("model_name"), "use_case": Value(""), "tier": Value(0), "owner": Value(""), "newest": Max("first_seen")
    }  # fmt: skip
    columns = ("from_where", "row", "sorted_by", "label")
    mine = ours.annotate(from_where=Value(HERE), row=F("pk"), sorted_by=here[by], label=Lower("name"))
    grouped = theirs.values("registry", "model_name").annotate(
        from_where=Value(ELSEWHERE), row=Max("pk"), sorted_by=elsewhere[by], label=Lower("model_name")
    )
    return mine.values_list(*columns), grouped.values_list(*columns)


@dataclass(frozen=True, slots=True)
class ExternalRow:
    """A model of another registry: its latest version there, and how many there are. Never a standing: nothing was measured."""

    newest: ExternalVersion
    versions: int


@dataclass(frozen=True, slots=True)
class InventoryRow:
    """One row: a model submitted here, or one of another registry."""

    here: ModelRow | None = None
    elsewhere: ExternalRow | None = None
    deployments: tuple[DeploymentShown, ...] = ()


def inventory_rows(keys: Sequence[Key]) -> list[InventoryRow]:
    """The rows behind the keys, in their order; a fixed number of queries for all."""
    here = RegisteredModel.objects.filter(pk__in=[pk for kind, pk in keys if kind == HERE])
    models = list(here.select_related("use_case__owner"))
    rows = {row.model.pk: row for row in rows_of(models)} if models else {}
    deployments: defaultdict[int, list[DeploymentShown]] = defaultdict(list)
    for shown in deployments_of(models) if models else ():
        deployments[shown.deployment.version.model_id].append(shown)
    theirs = _external_rows([pk for kind, pk in keys if kind == ELSEWHERE])
    found = []
    for kind, pk in keys:
        if kind == HERE and pk in rows:
            found.append(InventoryRow(here=rows[pk], deployments=tuple(deployments[pk])))
        elif kind == ELSEWHERE and pk in theirs:
            found.append(InventoryRow(elsewhere=theirs[pk]))
    return found


def _external_rows(keys: list[int]) -> dict[int, ExternalRow]:
    if not keys:
        return {}
    same = (
        ExternalVersion.objects.filter(registry=OuterRef("registry"), model_name=OuterRef("model_name"), gone_at=None)
        .order_by()
        .values("model_name")
        .annotate(n=Count("pk"))
        .values("n")
    )
    found = ExternalVersion.objects.filter(pk__in=keys).select_related("registry", "model").annotate(n=Subquery(same))
    return {row.pk: ExternalRow(row, row.n or 0) for row in found}
