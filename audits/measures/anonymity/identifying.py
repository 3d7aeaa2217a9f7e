"""Which columns make records unique: each left out in turn, added greedily, and the smallest sets that single out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from math import prod
from typing import TYPE_CHECKING, TypeAlias

from audits.measures.anonymity.diversity import classes_of

if TYPE_CHECKING:
    from audits.engines.port import Engine
    from audits.measures.anonymity.classes import ClassSizes
    from audits.measures.anonymity.keys import Keys

    Columns: TypeAlias = frozenset[str]

LARGEST_SET = 3
_MOST_WORK = 500_000_000
_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Hiding:
    """What a set of columns tells apart: its classes, the smallest of them, and the rows alone in theirs."""

    classes: int
    k: int
    unique: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Identifying:
    """Which quasi-identifiers make records unique.

    Attributes
    ----------
    alone
        Column to what it tells apart by itself.
    without
        Column to what the others tell apart without it.
    greedy
        The columns in the order in which each adds most unique rows, with the unique rows reached; it ends when all
        unique rows are.
    smallest
        The smallest sets of at most three columns in which more than the asked share of rows is unique, worst first.
    left_out
        Sentences on what was not searched because of its cost.
    """

    alone: dict[str, Hiding]
    without: dict[str, Hiding]
    greedy: list[tuple[str, int]]
    smallest: list[tuple[tuple[str, ...], Hiding]]
    left_out: list[str]


@dataclass(slots=True)
class _Search:
    """Looks sets of columns up, in few queries over the table of classes, each set once and within a budget of work."""

    engine: Engine
    keys: Keys
    sizes: ClassSizes
    step: Callable[[str], None]
    known: dict[Columns, Hiding] = field(default_factory=dict)
    work: int = 0

    def __post_init__(self) -> None:
        whole = frozenset(self.keys.columns)
        self.known[whole] = Hiding(self.sizes.classes, self.sizes.k, self.sizes.unique)
        self.known[frozenset()] = Hiding(1, self.sizes.rows, int(self.sizes.rows == 1))

    def afford(self, sets: Sequence[Columns]) -> bool:
        """Whether the sets that are not known yet can be looked up within the budget."""
        new = sum(columns not in self.known for columns in sets)
        return self.work + new * self.sizes.classes <= _MOST_WORK

    def look_up(self, sets: Sequence[Columns]) -> list[Hiding]:
        """What each set tells apart."""
        new = [columns for columns in dict.fromkeys(sets) if columns not in self.known]
        self.work += len(new) * self.sizes.classes
        for start in range(0, len(new), _AT_ONCE):
            self.step("looking for the columns that single records out")
            self._read(new[start : start + _AT_ONCE])
        return [self.known[columns] for columns in sets]

    def _read(self, sets: Sequence[Columns]) -> None:
        import ibis

        classes = classes_of(self.keys)
        parts = []
        for place, columns in enumerate(sets):
            merged = classes.group_by(
                [value.name(name) for name, value in self.keys.subset(classes, columns).items()]
            ).aggregate(rows=classes["size"].sum().cast("int64"))
            parts.append(
                merged.aggregate(
                    classes=ibis._.count(), k=ibis._.rows.min(), unique=(ibis._.rows == 1).sum().cast("int64")
                ).mutate(place=ibis.literal(place, type="int64"))
            )
        found = self.engine.read(ibis.union(*parts) if len(parts) > 1 else parts[0]).to_pylist()
        for row in found:
            self.known[sets[row["place"]]] = Hiding(int(row["classes"]), int(row["k"]), int(row["unique"] or 0))


def find_identifying(
    engine: Engine, keys: Keys, sizes: ClassSizes, *, share: float, step: Callable[[str], None]
) -> Identifying:
    """Look for the columns that make records unique.

    Parameters
    ----------
    sizes
        Of the classes of all quasi-identifiers.
    share
        A set of columns singles out if more than this share of the rows is unique in it, in [0, 1).
    step
        Called before each query; whatever it raises ends the work.

    Notes
    -----
    Adding a column never makes a unique row less unique, so nothing is searched where all columns together single out too
    few, and a search ends at the first size of sets that finds one.
    """
    search = _Search(engine, keys, sizes, step)
    columns = keys.columns
    whole = frozenset(columns)
    left_out: list[str] = []
    singles = [frozenset({column}) for column in columns]
    alone = dict(zip(columns, search.look_up(singles), strict=True))
    others = [whole - single for single in singles]
    without: dict[str, Hiding] = {}
    if search.afford(others):
        without = dict(zip(columns, search.look_up(others), strict=True))
    else:
        left_out.append("what the table is without each column was not computed: too many classes for so many columns")
    smallest = _smallest(search, share, left_out)
    return Identifying(
        alone=alone, without=without, greedy=_greedy(search, left_out), smallest=smallest, left_out=left_out
    )


def _smallest(search: _Search, share: float, left_out: list[str]) -> list[tuple[tuple[str, ...], Hiding]]:
    columns = search.keys.columns
    threshold = share * search.sizes.rows
    if search.sizes.unique <= threshold:
        return []
    distinct = {column: search.known[frozenset({column})].classes for column in columns}
    for size in range(1, min(LARGEST_SET, len(columns)) + 1):
        # There are no more unique rows than classes, and no more classes than combinations of values.
        sets = [few for few in combinations(columns, size) if prod(distinct[column] for column in few) > threshold]
        if not search.afford([frozenset(chosen) for chosen in sets]):
            left_out.append(f"sets of {size} columns were not searched: too many classes for so many columns")
            return []
        hidings = search.look_up([frozenset(chosen) for chosen in sets])
        found = [pair for pair in zip(sets, hidings, strict=True) if pair[1].unique > threshold]
        if found:
            return sorted(found, key=lambda pair: -pair[1].unique)
    return []


def _greedy(search: _Search, left_out: list[str]) -> list[tuple[str, int]]:
    chosen: list[str] = []
    steps: list[tuple[str, int]] = []
    reached = search.known[frozenset()].unique
    while reached < search.sizes.unique:
        rest = [column for column in search.keys.columns if column not in chosen]
        sets = [frozenset({*chosen, column}) for column in rest]
        if not search.afford(sets):
            left_out.append("the order in which columns single out ends early: too many classes for so many columns")
            break
        found = dict(zip(rest, search.look_up(sets), strict=True))
        best = max(rest, key=lambda column: (found[column].unique, found[column].classes))
        chosen.append(best)
        reached = found[best].unique
        steps.append((best, reached))
    return steps
