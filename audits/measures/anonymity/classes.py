"""Classes of records that are equal in their quasi-identifiers: sizes, and the least diverse of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audits.engines.port import ROWS
from audits.measures.anonymity.diversity import (
    classes_of,
    diversity_of_classes,
    is_ordered,
    ordered_diversity_of_classes,
    read_scale,
)
from audits.measures.anonymity.keys import sensitive_code

if TYPE_CHECKING:
    from collections.abc import Sequence

    import ibis

    from audits.engines.port import Engine
    from audits.measures.anonymity.diversity import Scale
    from audits.measures.anonymity.keys import Keys

_BUCKETS = (1, 2, 3, 4, 5, 10, 20, 50, 100, 1000, 10_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassSizes:
    """How many classes there are of each size.

    Attributes
    ----------
    counts
        Size of a class to the number of classes of that size, ascending.
    """

    counts: dict[int, int]

    @property
    def rows(self) -> int:
        """Rows in all classes, n."""
        return sum(size * classes for size, classes in self.counts.items())

    @property
    def classes(self) -> int:
        """Number of classes."""
        return sum(self.counts.values())

    @property
    def unique(self) -> int:
        """Rows that are alone in their class."""
        return self.counts.get(1, 0)

    @property
    def k(self) -> int:
        """Rows in the smallest class: the table is k-anonymous (Sweeney 2002, definition 3)."""
        return min(self.counts)

    def buckets(self) -> list[tuple[int, int | None, int, int]]:
        """Least and greatest size, classes and rows, in buckets of sizes that occur."""
        ends: list[int | None] = [start - 1 for start in _BUCKETS[1:]]
        result = []
        for least, most in zip(_BUCKETS, [*ends, None], strict=True):
            held = {s: c for s, c in self.counts.items() if s >= least and (most is None or s <= most)}
            if held:
                result.append((least, most, sum(held.values()), sum(s * c for s, c in held.items())))
        return result


@dataclass(frozen=True, slots=True, kw_only=True)
class Diversity:
    """What the classes show of one sensitive column.

    Attributes
    ----------
    column
        The sensitive column.
    distinct
        Fewest distinct values in a class: the table is distinct l-diverse.
    entropy
        Least entropy in a class, in nats: the table is entropy l-diverse for ``l = exp(entropy)``.
    distance
        Largest distance of a class's distribution from the table's, t; ``None`` if no row has a value.
    scale
        The ranks of the ordered distance; ``None`` where the distance is the equal one.
    problem
        Why there is no distance; empty where there is one.
    """

    column: str
    distinct: int
    entropy: float
    distance: float | None
    scale: Scale | None
    problem: str = ""


def size_classes(engine: Engine, keys: Keys) -> ClassSizes:
    """Count the classes by their size: in two groupings, nested."""
    return _sizes(engine, classes_of(keys), {})[0]


def diversify_classes(
    engine: Engine, keys: Keys, column: str, categorical: Sequence[str]
) -> tuple[ClassSizes, Diversity]:
    """Sizes of the classes and, from the same pass, how diverse one sensitive column is in them."""
    import ibis

    ordered = is_ordered(engine, column, categorical)
    held_back = ordered and engine.disclosure > 0
    scale = read_scale(engine, column) if ordered and not held_back else None
    if scale is not None and scale.starts:
        table = ordered_diversity_of_classes(keys, column, scale)
    else:
        table = diversity_of_classes(keys, sensitive_code(engine, column), engine.rows())
    measures = {
        "values": ibis._["values"].min(),
        "entropy": ibis._.entropy.min(),
        "distance": ibis._.distance.max(),
    }
    sizes, found = _sizes(engine, table, measures)
    problem = "the column has no values" if scale is not None and not scale.starts else ""
    if held_back:
        problem = "an ordered distance needs the values of the column, which the disclosure threshold holds back"
    known = [distance for distance in found["distance"] if distance is not None]
    return sizes, Diversity(
        column=column,
        distinct=int(min(found["values"])),
        entropy=max(min(found["entropy"]), 0.0),
        distance=None if problem or not known else max(float(max(known)), 0.0),
        scale=scale,
        problem=problem,
    )


def _sizes(
    engine: Engine, classes: ibis.Table, measures: dict[str, ibis.Value]
) -> tuple[ClassSizes, dict[str, list[float]]]:
    """Classes by size, and measures over those of each size.

    A count of classes names nobody and holds no value, so it is read past the disclosure threshold: what is asked is
    exactly how small the smallest class is.
    """
    import ibis

    found = engine.read(classes.group_by("size").aggregate(**{ROWS: ibis._.count()}, **measures)).to_pydict()
    counts = dict(sorted(zip(map(int, found["size"]), map(int, found[ROWS]), strict=True)))
    return ClassSizes(counts=counts), {name: found[name] for name in measures}
