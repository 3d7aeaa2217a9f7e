"""What is counted of a column, part by part: rows by what they hold, candidates by what they pass, examples by digest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from audits.measures.personal_data.catalogue import BITS
from audits.measures.personal_data.detector import Hits
from audits.measures.personal_data.free_text import is_running_text
from audits.measures.personal_data.masking import masked
from audits.measures.personal_data.texts import Bools, Digests, Ints, Texts, digests

KEPT = 1 << 16
"""Distinct candidates that are counted exactly; of more, those with the smallest digests stand for all."""

EXAMPLES = 3
_WHOLE_RANGE = float(1 << 64)
_WORD = 64
_FREQUENT = 8
_WORDS = (len(BITS) + _WORD - 1) // _WORD


class Smallest:
    """The distinct digests seen, or the smallest of them: the same whatever the order and the parts.

    Up to :data:`KEPT` it is exact. Beyond, ``(k − 1) / u_k`` estimates the number of distinct values, ``u_k`` being the
    largest kept digest over the whole range (bottom-k sketch; Beyer et al., SIGMOD 2007), within about 0.4 %.
    """

    def __init__(self) -> None:
        self.digests: Digests = np.zeros(0, dtype=np.uint64)
        self.passed: Bools = np.zeros(0, dtype=np.bool_)

    def add(self, digests: Digests, passed: Bools) -> None:
        """Take in candidates, each with whether it passes its check."""
        if len(self.digests) == KEPT:
            low = digests < self.digests[-1]
            digests, passed = digests[low], passed[low]
        together, first = np.unique(np.concatenate([self.digests, digests]), return_index=True)
        self.digests = together[:KEPT]
        self.passed = np.concatenate([self.passed, passed])[first[:KEPT]]

    @property
    def exact(self) -> bool:
        """Whether all that were seen are kept."""
        return len(self.digests) < KEPT

    def scale(self) -> float:
        """Distinct values that each kept one stands for."""
        if self.exact:
            return 1.0
        return (KEPT - 1) / (float(self.digests[-1]) / _WHOLE_RANGE) / KEPT


@dataclass
class Tried:
    """What one detector saw in a column: rows that hold a hit, rows that are one, candidates, three masked examples."""

    rows: int = 0
    whole: int = 0
    candidates: Smallest = field(default_factory=Smallest)
    examples: list[tuple[int, str]] = field(default_factory=list)

    def absorb(self, other: Tried) -> None:
        """Add what was seen in another part."""
        self.rows += other.rows
        self.whole += other.whole
        self.candidates.add(other.candidates.digests, other.candidates.passed)
        self.examples = sorted(set(self.examples) | set(other.examples))[:EXAMPLES]


@dataclass
class ColumnTally:
    """All counts of one column, additive over parts.

    Attributes
    ----------
    name, kind
        The column and what the engine says it holds: ``text``, ``integer`` …
    values
        Rows that are neither missing nor blank.
    holding
        Set of detectors, as bits, to the rows in which exactly these found something.
    tried
        Detector's key to what it saw.
    years
        Year to the rows whose value is a day in it.
    prose
        Rows that hold several words.
    unread
        Whether values could not be read as text, so that nothing can be said of the column.
    """

    name: str
    kind: str
    values: int = 0
    holding: dict[int, int] = field(default_factory=dict)
    tried: dict[str, Tried] = field(default_factory=dict)
    years: dict[int, int] = field(default_factory=dict)
    prose: int = 0
    unread: bool = False

    def add(self, texts: Texts, all_hits: Iterable[Hits]) -> None:
        """Count what the detectors found in distinct values."""
        self.values += int(texts.rows.sum())
        self.prose += int(texts.rows[is_running_text(texts)].sum())
        bits = np.zeros((len(texts), _WORDS), dtype=np.uint64)
        for hits in all_hits:
            if len(hits.found):
                self._add_hits(texts, hits, bits)
        self._add_holding(bits, texts.rows)

    def _add_hits(self, texts: Texts, hits: Hits, bits: Digests) -> None:
        tried = self.tried.setdefault(hits.detector.key, Tried())
        counted = hits.counted
        holders = _marked(hits.found.parents[counted], len(texts))
        word, bit = divmod(BITS[hits.detector.key], _WORD)
        bits[holders, word] |= np.uint64(1 << bit)
        tried.rows += int(texts.rows[holders].sum())
        tried.whole += int(texts.rows[_marked(hits.found.parents[counted & hits.found.whole], len(texts))].sum())
        order = digests(hits.found.tokens)
        tried.candidates.add(order, hits.passed)
        tried.examples = _examples(tried.examples, hits, order)

    def _add_holding(self, bits: Digests, rows: Ints) -> None:
        left = np.flatnonzero(bits.any(axis=1))
        for _ in range(_FREQUENT):
            if not len(left):
                return
            same = (bits[left] == bits[left[0]]).all(axis=1)
            self._hold(bits[left[0]], int(rows[left[same]].sum()))
            left = left[~same]
        distinct, place = np.unique(bits[left], axis=0, return_inverse=True)
        for index, count in _summed(place.ravel(), rows[left]):
            self._hold(distinct[index], count)

    def _hold(self, words: Digests, rows: int) -> None:
        which = sum(int(part) << (_WORD * word) for word, part in enumerate(words))
        self.holding[which] = self.holding.get(which, 0) + rows

    def count(self, key: str, rows: int, values: int) -> None:
        """Count rows that are known to hold something without looking at texts, out of so many values."""
        self.values += values
        if rows:
            tried = self.tried.setdefault(key, Tried())
            tried.rows += rows
            tried.whole += rows
            bit = 1 << BITS[key]
            self.holding[bit] = self.holding.get(bit, 0) + rows

    def add_years(self, years: Ints, rows: Ints) -> None:
        """Count rows by the year of their day."""
        for year, count in _summed(years, rows):
            self.years[year] = self.years.get(year, 0) + count

    def rows_with(self, keys: Iterable[str]) -> int:
        """Rows in which at least one of these detectors found something."""
        wanted = sum(1 << BITS[key] for key in set(keys))
        return sum(rows for bits, rows in self.holding.items() if bits & wanted)

    def distinct(self, keys: Iterable[str]) -> tuple[int, bool]:
        """How many distinct matches these detectors found, and whether that is exact."""
        seen = [self.tried[key].candidates for key in keys if key in self.tried]
        if len(seen) == 1:
            return round(int(seen[0].passed.sum()) * seen[0].scale()), seen[0].exact
        together = Smallest()
        for part in seen:
            together.add(part.digests[part.passed], part.passed[part.passed])
        return round(len(together.digests) * together.scale()), all(part.exact for part in [*seen, together])

    def absorb(self, other: ColumnTally) -> None:
        """Add the counts of another part of the same column."""
        self.values += other.values
        self.prose += other.prose
        self.unread |= other.unread
        for mine, theirs in ((self.holding, other.holding), (self.years, other.years)):
            for key, rows in theirs.items():
                mine[key] = mine.get(key, 0) + rows
        for name, tried in other.tried.items():
            self.tried.setdefault(name, Tried()).absorb(tried)


def _marked(places: Ints, count: int) -> Ints:
    """The places without repetition, in order."""
    marks = np.zeros(count, dtype=np.bool_)
    marks[places] = True
    return np.flatnonzero(marks)


def _summed(keys: Ints, rows: Ints) -> list[tuple[int, int]]:
    distinct, place = np.unique(keys, return_inverse=True)
    sums = np.zeros(len(distinct), dtype=np.int64)
    np.add.at(sums, place, rows)
    return [(int(key), int(total)) for key, total in zip(distinct, sums, strict=True)]


def _examples(known: list[tuple[int, str]], hits: Hits, order: Digests) -> list[tuple[int, str]]:
    chosen = np.flatnonzero(hits.counted)
    if len(known) == EXAMPLES:
        chosen = chosen[order[chosen] < np.uint64(known[-1][0])]
    if len(chosen) > EXAMPLES:
        _, first = np.unique(order[chosen], return_index=True)
        chosen = chosen[first[:EXAMPLES]]
    values = hits.found.tokens.take(pa.array(chosen)).to_pylist()
    new = {(int(order[place]), masked(text, hits.detector.entity)) for place, text in zip(chosen, values, strict=True)}
    return sorted(new | set(known))[:EXAMPLES]
