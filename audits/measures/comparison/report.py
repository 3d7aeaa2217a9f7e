"""Everything that is measured of a challenger beside the champion: measurements for rules, series for people. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from audits.comparison import compared
from audits.intervals import critical_value
from audits.measurement import Measurement
from audits.measures.comparison.benefit import METRIC as BENEFIT
from audits.measures.comparison.benefit import benefit_difference, benefits, measure_benefit
from audits.measures.comparison.flips import flip_series, measure_differences, measure_flips
from audits.measures.comparison.joint import JointTable, joint_table, paired_rates
from audits.measures.comparison.pairing import Pairing
from audits.measures.comparison.parameters import ComparisonParameters
from audits.measures.comparison.slices import Paired, measure_slices
from audits.paired import mcnemar_test
from audits.series import Series
from registry.amounts import Amounts
from registry.errors import InvalidInput

_MOST_FLIPPED = 10
_DIFFERENCES = ("metric", "group", "challenger", "champion", "difference", "low", "high", "n")
_BENEFITS = ("group", "rows", "challenger", "champion", "difference", "low", "high", "per_1000", "currency")


@dataclass(slots=True)
class Findings:
    """What was found."""

    measurements: list[Measurement] = field(default_factory=list)
    series: list[Series] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def measure_pairing(pairing: Pairing, parameters: ComparisonParameters) -> Findings:
    """Compare two models' predictions of the same rows, over everybody and by group.

    Raises
    ------
    InvalidInput
        If either is weighted.
    """
    one, two, asked = pairing.challenger, pairing.champion, parameters.predictions
    if one.weight is not None or two.weight is not None:
        raise InvalidInput("a comparison does not take sample weights", field="weight")
    found, first = Findings(), asked.confidences[0]
    everybody = joint_table(one, two)
    overall = compared(one, two, confidences=asked.confidences, seed=asked.seed, paired=True)
    found.measurements += [item.measurement for item in overall]
    found.measurements += [*_mcnemar(everybody, first), *_counts(everybody, first)]
    found.measurements += measure_flips(everybody, confidences=asked.confidences)
    found.series.append(flip_series(everybody, confidence=first))
    tables = [
        table
        for table in (joint_table(one, two, group) for group in parameters.sets)
        if _told(table, parameters, found)
    ]
    for table in tables:
        found.measurements += [*_counts(table, first), *measure_flips(table, confidences=asked.confidences)]
        found.measurements += measure_differences(
            table, confidences=asked.confidences, minimum_groups=asked.minimum_groups, seed=asked.seed
        )
        found.series.append(flip_series(table, confidence=first))
    found.series += _flipped_rows(pairing, parameters)
    found.series.append(_difference_series("Challenger minus champion", overall, first))
    for table in tables:
        slices = list(measure_slices(one, two, table, confidences=asked.confidences, seed=asked.seed))
        found.measurements += [item.measurement for item in slices]
        found.series.append(
            _difference_series(f"Challenger minus champion, by {' × '.join(table.columns)}", slices, first)
        )
    if parameters.amounts is not None:
        for table in (everybody, *tables):
            found.measurements += measure_benefit(table, parameters.amounts, confidences=asked.confidences)
            found.series.append(_benefit_series(table, parameters.amounts, first))
    if (one.score is None) != (two.score is None):
        found.warnings.append("only one of the two has scores: score metrics are not compared")
    return found


def _told(table: JointTable, parameters: ComparisonParameters, found: Findings) -> bool:
    """Whether no group is smaller than may leave the data; of such a table nothing is told, and the warning says so."""
    least = parameters.predictions.disclosure
    small = sum(size < least for size in table.sizes)
    if small:
        over = " × ".join(table.columns)
        found.warnings.append(f"{small} groups by {over} have fewer than {least} rows: nothing is told by {over}")
    return not small


def _mcnemar(table: JointTable, confidence: float) -> Iterator[Measurement]:
    right = paired_rates(table.counts[0])["accuracy_score"]
    b, c = right.challenger_only, right.champion_only
    test = mcnemar_test(b, c)
    yield Measurement(
        metric="mcnemar_p_value",
        value=test.p,
        n=right.n,
        method=test.method,
        confidence=confidence,
        note=(
            f"only the challenger is right in {b:,} rows, only the champion in {c:,}; "
            f"statistic {test.statistic:.4g}, mid-p {test.mid_p:.4g}"
        ),
    )
    for metric, count in (("challenger_only_right", b), ("champion_only_right", c)):
        yield Measurement(metric=metric, value=float(count), n=right.n, method="exact count", confidence=confidence)


def _counts(table: JointTable, confidence: float) -> Iterator[Measurement]:
    for slice_, size in zip(table.slices, table.sizes, strict=True):
        yield Measurement(
            metric="count", slice=slice_, value=float(size), n=size, method="exact count", confidence=confidence
        )


def _difference_series(title: str, items: Sequence[Paired], confidence: float) -> Series:
    rows = [
        (
            item.measurement.metric, " × ".join(item.measurement.slice.values()) or "everyone", item.challenger,
            item.champion, item.measurement.value, item.measurement.low, item.measurement.high, item.measurement.n,
        )
        for item in items
        if item.measurement.confidence == confidence
    ]  # fmt: skip
    return Series(name="paired_differences", title=title, columns=_DIFFERENCES, rows=tuple(rows))


def _benefit_series(table: JointTable, amounts: Amounts, confidence: float) -> Series:
    z, rows = critical_value(confidence, len(table.slices)), []
    for slice_, counts in zip(table.slices, table.counts, strict=True):
        value, low, high = benefit_difference(counts, amounts, z)
        challenger, champion = benefits(counts, amounts)
        who = " × ".join(slice_.values()) or "everyone"
        rows.append((who, int(counts.sum()), challenger, champion, value, low, high, value * 1000, amounts.currency))
    over = f", by {' × '.join(table.columns)}" if table.columns else ""
    title = f"What decisions are worth{over}"
    return Series(name=BENEFIT, title=title, columns=_BENEFITS, rows=tuple(rows))


def _flipped_rows(pairing: Pairing, parameters: ComparisonParameters) -> Iterator[Series]:
    """A few rows by key, as many of each direction as there are; none where rows are not to leave the data."""
    if not pairing.keys or parameters.predictions.disclosure:
        return
    one, two = pairing.challenger, pairing.champion
    lost = np.flatnonzero((one.prediction == 0) & (two.prediction == 1))[: _MOST_FLIPPED // 2]
    gained = np.flatnonzero((one.prediction == 1) & (two.prediction == 0))[: _MOST_FLIPPED // 2]
    groups = [(column, *one.sensitive[column]) for column in parameters.columns]
    rows = [
        (
            ", ".join(str(column[row]) for column in pairing.keys),
            " × ".join(names[codes[row]] for _, codes, names in groups),
            int(one.label[row]),
            int(two.prediction[row]),
            int(one.prediction[row]),
        )
        for row in (*lost, *gained)
    ]
    if rows:
        yield Series(
            name="flipped_rows",
            title="Some of the rows that change sides",
            columns=("key", "group", "label", "champion", "challenger"),
            rows=tuple(rows),
        )
