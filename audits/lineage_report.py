"""Where a version's features come from and what of people is in them, as pages, cards and papers show it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from audits.lineage_marks import TermsState, class_mark
from audits.tables import Cell, Table
from audits.wording import EN_DASH, interval, number, percent, whole
from registry.lineage.graph import Graph

NOT_MEASURED = "not measured"
_SOURCE_WORDS = {"declared": "declared", "tag": "imported as a tag", "scan": "found by a scan"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassOrigin:
    """A class of personal data at a feature.

    Attributes
    ----------
    label
        As in ``registry.lineage.classification``.
    influence
        Whether it only decides what is in the feature, by a filter or a join, and does not come over.
    source, detail
        How it is known (``declared``, ``tag`` or ``scan``), and the entity or tag.
    origin
        The column of which that is known.
    way
        How it came, as a sentence; empty where it is known of the feature itself.
    """

    label: str
    influence: bool
    source: str
    detail: str
    origin: str
    way: str

    @property
    def letters(self) -> str:
        """The mark of the class."""
        return class_mark(self.label)[0]

    @property
    def words(self) -> str:
        """``identifier``; ``influenced by an identifier`` where it only decides."""
        said = class_mark(self.label)[1]
        return f"influenced by: {said}" if self.influence else said

    @property
    def why(self) -> str:
        """``public.customers.email is declared (email)``."""
        said = f"{self.origin} is {_SOURCE_WORDS.get(self.source, self.source)}"
        return f"{said} ({self.detail})" if self.detail else said


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a way back ends: a column or a whole place. ``dataset`` is the slug where it is registered."""

    label: str
    dataset: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """How well the feature alone predicts a sensitive attribute: the ROC AUC (0.5 not at all, 1 completely) with its interval."""

    attribute: str
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Uniqueness:
    """How well people hide among those who share the quasi-identifiers ``among``: the smallest group, and the share alone in theirs."""

    among: tuple[str, ...]
    k: float | None = None
    unique: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureOrigin:
    """One feature.

    Attributes
    ----------
    node
        Its index in the report's graph; None where nothing is known of it.
    sources
        Where its ways back end; none where its lineage is not known.
    way
        One way from a source, as a sentence.
    proxy
        Its strongest one; None where none was measured for it.
    uniqueness
        Of the quasi-identifiers that it is one of, or is made from; None where it was not measured.
    is_quasi
        Whether it is, or is made from, a quasi-identifier, so that uniqueness is of interest.
    """

    name: str
    node: int | None = None
    sources: tuple[Source, ...] = ()
    classes: tuple[ClassOrigin, ...] = ()
    way: str = ""
    proxy: Proxy | None = None
    uniqueness: Uniqueness | None = None
    is_quasi: bool = False

    @property
    def proxy_words(self) -> str:
        """``sex: 0.812 (0.790–0.830)``."""
        if self.proxy is None:
            return NOT_MEASURED
        bracket = f" ({interval(self.proxy.low, self.proxy.high)})" if self.proxy.low is not None else ""
        return f"{self.proxy.attribute}: {number(self.proxy.value)}{bracket}"

    @property
    def uniqueness_words(self) -> str:
        """``k 3 among age and zip, 1.2 % unique``; an en dash where it is no quasi-identifier."""
        found = self.uniqueness
        if found is None:
            return NOT_MEASURED if self.is_quasi else EN_DASH
        unique = f", {percent(found.unique)} unique" if found.unique is not None else ""
        return f"k {whole(found.k)} among {', '.join(found.among)}{unique}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetUse:
    """A registered dataset that the version depends on: by its features, by training, or both."""

    slug: str
    name: str
    state: TermsState
    feeds: bool = False
    trains: bool = False

    @property
    def use(self) -> str:
        """What the model has of it."""
        return {(True, True): "features and training", (True, False): "features", (False, True): "training"}.get(
            (self.feeds, self.trains), "steps between"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageReport:
    """Everything on one version: features in the manifest's order, datasets, and the graph that the picture shows.

    Attributes
    ----------
    classes
        Index of a node of the graph to the classes that it holds.
    unregistered
        Names of places at which ways end and that nobody registered.
    proxies_measured, uniqueness_measured
        Whether the evaluations ``proxies`` and ``anonymity`` were run for the version.
    """

    features: tuple[FeatureOrigin, ...] = ()
    datasets: tuple[DatasetUse, ...] = ()
    graph: Graph = field(default_factory=Graph)
    classes: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    unregistered: tuple[str, ...] = ()
    proxies_measured: bool = False
    uniqueness_measured: bool = False

    @property
    def terms(self) -> dict[str, TermsState]:
        """The state of terms by slug, as the picture wants it."""
        return {item.slug: item.state for item in self.datasets}

    @property
    def known(self) -> int:
        """How many features have a known source."""
        return sum(bool(feature.sources) for feature in self.features)

    def as_json(self) -> dict[str, Any]:
        """What the tables say, as plain JSON; the graph stands beside it among the facts."""
        return {
            "features": [
                {
                    "name": item.name,
                    "sources": [source.label for source in item.sources],
                    "classes": [
                        {"class": found.label, "influence": found.influence, "why": found.why, "way": found.way}
                        for found in item.classes
                    ],
                    "way": item.way,
                    "proxy": item.proxy_words,
                    "uniqueness": item.uniqueness_words,
                }
                for item in self.features
            ],
            "datasets": [
                {"slug": item.slug, "name": item.name, "status": item.state.status, "terms": item.state.words, "use": item.use}
                for item in self.datasets
            ],
            "unregistered": list(self.unregistered),
        }  # fmt: skip


_FEATURE_HEADS: tuple[Cell, ...] = (
    ("text", "Feature"), ("text", "Comes from"), ("text", "Personal data"), ("note", "Why, and the way"),
    ("text", "Strongest proxy for (ROC AUC)"), ("text", "Uniqueness"),
)  # fmt: skip
_DATASET_HEADS: tuple[Cell, ...] = (("text", "Dataset"), ("text", "Used for"), ("text", "Terms"))


def feature_table(report: LineageReport) -> Table:
    """A row per feature: its sources, classes, why and the way, proxy and uniqueness."""
    return Table(heads=_FEATURE_HEADS, rows=tuple(_feature_row(item) for item in report.features))


def _feature_row(item: FeatureOrigin) -> tuple[Cell, ...]:
    classes = "; ".join(f"{found.letters} {found.words}" for found in item.classes)
    reasons = [f"{found.why}. {found.way}".strip() for found in item.classes] or [item.way]
    return (
        ("text", item.name),
        ("text", ", ".join(source.label for source in item.sources) or "not known"),
        ("text", classes or (EN_DASH if item.sources else "not known")),
        ("note", " ".join(reasons)),
        ("text", item.proxy_words),
        ("text", item.uniqueness_words),
    )


def dataset_table(report: LineageReport) -> Table:
    """A row per registered dataset: what it is used for, and whether its terms permit that."""
    rows: list[tuple[Cell, ...]] = [
        (("text", f"{item.name} ({item.slug})"), ("text", item.use), (item.state.status, f"{item.state.mark} {item.state.words}"))
        for item in report.datasets
    ]  # fmt: skip
    return Table(heads=_DATASET_HEADS, rows=tuple(rows))
