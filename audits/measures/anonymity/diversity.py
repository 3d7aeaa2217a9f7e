"""Per class of equal records: how diverse a sensitive column is in it, and how far from the whole table it lies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from audits.engines.expressions import exactly
from audits.measures.anonymity.keys import known

if TYPE_CHECKING:
    import ibis

    from audits.engines.port import Engine
    from audits.measures.anonymity.keys import Keys

MOST_RANKS = 1000
"""Values that the ordered distance tells apart; more are put into as many bins of neighbouring values."""

_ORDERED = frozenset({"number", "integer", "date", "time"})


def is_ordered(engine: Engine, column: str, categorical: Sequence[str]) -> bool:
    """Whether a sensitive column has the ordered distance: numbers and dates, unless they are said to be codes."""
    return engine.columns[column] in _ORDERED and column not in categorical


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """The values of an ordered column over the whole table.

    Attributes
    ----------
    starts
        The first value of each rank, ascending; ``len(starts)`` is the number of ranks m.
    counts
        Rows at each rank.
    values
        Distinct values in the table; more than m if neighbours share a rank.
    missing
        Rows without a value.
    """

    starts: tuple[Any, ...]
    counts: tuple[int, ...]
    values: int
    missing: int

    @property
    def shares(self) -> list[float]:
        """Share of the rows with a value up to and including each rank: the table's distribution function Q."""
        total = sum(self.counts)
        return [count / total for count in accumulate(self.counts)]


def read_scale(engine: Engine, column: str, most: int = MOST_RANKS) -> Scale:
    """Rank the values of a column, in at most ``most`` ranks of as many neighbouring values each."""
    import ibis

    value = known(engine.table[column])
    levels = engine.table.mutate(_v=value).group_by("_v").aggregate(_c=ibis._.count())
    facts = engine.grouped(measures={"values": ibis._._v.count(), "missing": _missing()}, of=levels).columns()
    values = int(facts["values"][0])
    width = max(math.ceil(values / most), 1)
    order = ibis.window(order_by="_v")
    placed = levels.filter(ibis._._v.notnull()).mutate(_r=(ibis.row_number().over(order) / width).floor().cast("int64"))
    ranks = placed.group_by("_r").aggregate(start=ibis._._v.min(), rows=ibis._._c.sum().cast("int64")).order_by("_r")
    found = engine.read(ranks).to_pydict()
    return Scale(
        starts=tuple(found["start"]),
        counts=tuple(int(count) for count in found["rows"]),
        values=values,
        missing=int(facts["missing"][0] or 0),
    )


def _missing() -> Any:
    import ibis

    return ibis.ifelse(ibis._._v.isnull(), ibis._._c, 0).sum().cast("int64")


def classes_of(keys: Keys) -> ibis.Table:
    """One row per class, with its rows ``size``."""
    import ibis

    return keys.table.group_by(keys.names).aggregate(size=ibis._.count())


def diversity_of_classes(keys: Keys, code: ibis.Value, rows: int) -> ibis.Table:
    """One row per class: ``size``, ``values`` and ``entropy`` of a sensitive column, and its equal ``distance``.

    Parameters
    ----------
    code
        The sensitive column, as :func:`audits.measures.anonymity.keys.sensitive_code` gives it.
    rows
        Rows of the table.

    Notes
    -----
    With ``p`` the distribution in the class and ``q`` the one in the table, a missing value being a value of its own:
    entropy ``−Σ p log p`` = ``log n − Σ c log c / n``; equal distance ``½ Σ |p − q|`` = ``Σ max(p − q, 0)``, which needs the
    values present in the class alone (Li, Li and Venkatasubramanian 2007, section 5.2).
    """
    import ibis

    pairs = keys.table.mutate(_s=code).group_by([*keys.names, "_s"]).aggregate(_c=ibis._.count())
    placed = pairs.mutate(
        _n=pairs["_c"].sum().over(ibis.window(group_by=list(keys.names))),
        _g=pairs["_c"].sum().over(ibis.window(group_by="_s")),
    )
    inside = placed["_c"].cast("float64") / placed["_n"].cast("float64")
    excess = inside - placed["_g"].cast("float64") / ibis.literal(rows, type="float64")
    placed = placed.mutate(_excess=excess)
    return _per_class(placed, keys, ibis.greatest(ibis._._excess, 0.0).sum())


def ordered_diversity_of_classes(keys: Keys, column: str, scale: Scale) -> ibis.Table:
    """The same with the ordered distance: the earth mover's over ranks, 1 between the least and the greatest value.

    Notes
    -----
    ``Σ |P(i) − Q(i)| / (m − 1)`` over the m ranks, with P and Q the distribution functions in the class and in the table
    (Li, Li and Venkatasubramanian 2007, section 5.1). Between two ranks present in the class P stands still while Q
    rises, so with ``S(i) = Q(0) + … + Q(i − 1)`` and x the rank at which Q passes P, a stretch [a, b) adds
    ``P (x − a) − (S(x) − S(a)) + (S(b) − S(x)) − P (b − x)``: the work grows with the values present, not with m. Rows
    without a value have no place in an order and are left out of P and Q.
    """
    import ibis

    shares = scale.shares
    sums = [0.0, *accumulate(shares)]
    ranks = len(shares)
    value = known(keys.table[column])
    table = keys.table.mutate(_s=value, _r=_rank(value, scale))
    pairs = table.group_by([*keys.names, "_s", "_r"]).aggregate(_c=ibis._.count())
    inside = list(keys.names)
    counted = ibis.ifelse(pairs["_r"].isnull(), 0, pairs["_c"])
    # Missing values rank last, so that they end no stretch before its time.
    placed = pairs.mutate(_k=counted, _o=pairs["_r"].fill_null(ranks))
    order = ibis.window(group_by=inside, order_by=["_o", "_s"])
    upto = ibis.cumulative_window(group_by=inside, order_by=["_o", "_s"])
    placed = placed.mutate(
        _n=placed["_k"].sum().over(ibis.window(group_by=inside)),
        _upto=placed["_k"].sum().over(upto),
        _next=placed["_o"].lead().over(order).fill_null(ranks),
    )
    placed = placed.mutate(_p=placed["_upto"].cast("float64") / placed["_n"].nullif(0).cast("float64"))
    placed = placed.mutate(
        _x=_reached(placed["_p"], shares),
        _sa=_at(placed["_o"], sums),
        _sb=_at(placed["_next"], sums),
    )
    placed = placed.mutate(_sx=_at(placed["_x"], sums))
    x = ibis.greatest(ibis.least(placed["_x"], placed["_next"]), placed["_o"])
    sx = ibis.greatest(ibis.least(placed["_sx"], placed["_sb"]), placed["_sa"])
    stretch = placed["_p"] * (x - placed["_o"]) - (sx - placed["_sa"])
    stretch += (placed["_sb"] - sx) - placed["_p"] * (placed["_next"] - x)
    placed = placed.mutate(_stretch=ibis.ifelse(placed["_r"].isnull(), 0.0, stretch))
    moved = ibis._._stretch.sum() + ibis._._sa.min()
    distance = ibis.ifelse(ibis._._k.sum() > 0, moved / max(ranks - 1, 1), ibis.null("float64"))
    return _per_class(placed, keys, distance)


def _per_class(placed: ibis.Table, keys: Keys, distance: Any) -> ibis.Table:
    import ibis

    count = ibis._._c.cast("float64")
    size = ibis._._c.sum().cast("float64")
    return placed.group_by(keys.names).aggregate(
        size=ibis._._c.sum().cast("int64"),
        values=ibis._.count(),
        entropy=size.ln() - (count * count.ln()).sum() / size,
        distance=distance,
    )


def _rank(value: ibis.Value, scale: Scale) -> ibis.Value:
    """The rank of a value; missing where it is."""
    import ibis

    return ibis.ifelse(value.isnull(), ibis.null("int64"), _reached(value, scale.starts[1:]))


def _reached(value: ibis.Value, edges: Sequence[Any]) -> ibis.Value:
    """How many of the ascending edges a value has reached, as a balanced tree of comparisons."""
    import ibis

    def place(low: int, high: int) -> ibis.Value:
        if low == high:
            return ibis.literal(low, type="int64")
        middle = (low + high) // 2
        return ibis.ifelse(value < _edge(edges[middle]), place(low, middle), place(middle + 1, high))

    return place(0, len(edges))


def _at(place: ibis.Value, numbers: Sequence[float]) -> ibis.Value:
    """The number at a place, counted from 0, of a list."""
    import ibis

    return ibis.array([exactly(number) for number in numbers])[place]


def _edge(value: Any) -> Any:
    return exactly(value) if isinstance(value, float) else value
