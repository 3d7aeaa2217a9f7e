"""How often each reason comes first among adverse decisions, by group, and a few examples without anybody's values. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audits.explain.asking import Columns
from audits.explain.feature_dictionary import FeatureDictionary
from audits.explain.reason_codes import NO_REASON, Reason, reason_codes
from audits.intervals import critical_value, wilson
from audits.series import Series
from registry.canonical import sha256_hex

REASONS, EXAMPLES = "reasons", "reason_examples"
_EXAMPLES, _DIGITS = 5, 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The reasons of every adverse decision among the explained rows: the rows' numbers, and what is told of each."""

    places: tuple[int, ...]
    reasons: tuple[tuple[Reason, ...], ...]


def tell_reasons(
    values: npt.NDArray[np.float64],
    rows: Columns,
    adverse: npt.NDArray[np.bool_],
    dictionary: FeatureDictionary,
    *,
    side: str,
    sensitive: Collection[str],
    typical: Mapping[str, float],
) -> Told:
    """The reasons of all rows whose decision is adverse."""
    places = [int(place) for place in np.flatnonzero(adverse)]
    names = list(rows)
    told = []
    for place in places:
        contributions = dict(zip(names, values[place].tolist(), strict=True))
        inputs = {name: rows[name][place : place + 1].tolist()[0] for name in names}
        told.append(reason_codes(contributions, inputs, dictionary, adverse=side, sensitive=sensitive, typical=typical))
    return Told(places=tuple(places), reasons=tuple(told))


def reasons_series(
    told: Told, groups: Mapping[str, Mapping[str, npt.NDArray[np.intp]]], confidence: float
) -> list[Series]:
    """How often each reason is told first, and at all, of everybody and by group; the most frequent first."""
    found = [_tally(told, {}, None, confidence)]
    for column, members in groups.items():
        found += [
            _tally(told, {column: name}, set(rows.tolist()), confidence) for name, rows in sorted(members.items())
        ]
    return [series for series in found if series.rows]


def _tally(told: Told, slice_: Mapping[str, str], members: set[int] | None, confidence: float) -> Series:
    chosen = [r for place, r in zip(told.places, told.reasons, strict=True) if members is None or place in members]
    first = Counter(reasons[0].name if reasons else NO_REASON for reasons in chosen)
    among = Counter(reason.name for reasons in chosen for reason in reasons)
    among[NO_REASON] = first[NO_REASON]
    sensitive = {reason.name for reasons in chosen for reason in reasons if reason.sensitive}
    names = sorted(
        (name for name, count in among.items() if count), key=lambda name: (-first[name], -among[name], name)
    )
    rows = []
    for name in names:
        low, high = wilson([first[name]], [len(chosen)], critical_value(confidence))
        share = first[name] / len(chosen)
        rows.append(
            (name, first[name], share, float(low[0]), float(high[0]), among[name], len(chosen), name in sensitive)
        )
    return Series(
        name=REASONS,
        title="Reasons of adverse decisions",
        slice=slice_,
        columns=("reason", "first", "first_share", "low", "high", "among", "decisions", "sensitive"),
        rows=tuple(rows),
    )


def examples_series(told: Told, keys: Sequence[str]) -> Series:
    """The reasons of a few adverse decisions: what is told, without the values; who it is stands as a hash of the key."""
    rows = [
        (keys[place], order, reason.headline, round(reason.share, 6))
        for place, reasons in list(zip(told.places, told.reasons, strict=True))[:_EXAMPLES]
        for order, reason in enumerate(reasons, start=1)
    ]
    return Series(
        name=EXAMPLES,
        title="Examples of reasons",
        columns=("key_hash", "order", "reason", "share"),
        rows=tuple(rows),
    )


def key_hashes(keys: Columns, count: int, *, salt: str) -> list[str]:
    """The first digits of each row's key's digest; without a key the row's place in the sample."""
    if not keys:
        return [f"row {place + 1}" for place in range(count)]
    texts = zip(*(column.tolist() for column in keys.values()), strict=True)
    return [sha256_hex("\x1f".join([salt, *map(str, values)]).encode())[:_DIGITS] for values in texts]
