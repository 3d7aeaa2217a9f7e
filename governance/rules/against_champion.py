"""What the rules of the check ``comparison`` share: the champion, the evaluation, the groups that are asked about. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from audits.data_roles import CHAMPION, OPTIONAL, TEST
from governance.rules import wording
from governance.rules.every_group import groups_counted
from governance.rules.facts import Facts
from governance.rules.measured_rule import Look, MeasuredRule
from governance.rules.prediction_needs import PLANNED_CONFIDENCE, prediction_need
from governance.rules.rule import Detail, EvidenceTerms, Judgement, Need
from registry.amounts import AMOUNTS
from registry.execution import MODEL
from registry.manifest import PREDICTIONS

ROLES = (
    PREDICTIONS, f"{CHAMPION}{PREDICTIONS}", f"{TEST}{OPTIONAL}", f"{MODEL}{OPTIONAL}", f"{CHAMPION}{MODEL}{OPTIONAL}"
)  # fmt: skip
"""Both predictions; and what both models are run on, and they themselves, where the predictions are of different rows."""

PREDICTED = 2
"""So many of them are predictions, which there must be."""


def nothing_to_compare(facts: Facts) -> Judgement | None:
    """The pass of a comparison with a champion where there is no other version to compare with; else None."""
    environment = facts.subject.environment
    if facts.champion is None:
        observed = f"no champion in {environment} yet, nothing to compare with"
        return Judgement(status="pass", observed=observed, sentence=f"There is {observed}.")
    if facts.champion.manifest_sha256 == facts.subject.manifest_sha256:
        observed = f"this version is itself the champion in {environment}"
        return Judgement(status="pass", observed=observed, sentence=f"There is nothing to compare: {observed}.")
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgainstChampion(MeasuredRule):
    """A rule about this version beside the one that the environment runs.

    Attributes
    ----------
    by
        The sets of columns of whose groups every one must clear; none asks about everybody.
    minimum_group
        Share of rows under which a group is left out.
    """

    check: ClassVar[str] = "comparison"

    by: tuple[tuple[str, ...], ...] = ()
    minimum_group: float = 0.0

    def needs(self, schema: Mapping[str, Any], *, has_champion: bool) -> Need | None:
        """The comparison with the champion, if there is one, by every sensitive column and those that the rule names."""
        if not has_champion:
            return None
        declared = tuple(schema.get("sensitive") or ())
        sets = tuple(dict.fromkeys([*((column,) for column in declared), *self._declared_sets(declared)]))
        lists: dict[str, tuple[Any, ...]] = {"confidences": (self.confidence or PLANNED_CONFIDENCE,)}
        if sets:
            lists |= {"over": sets}
        if self.minimum_group:
            lists |= {"minimum_groups": (0.0, self.minimum_group)}
        told = {name: schema[name] for name in ("key", AMOUNTS) if schema.get(name)}
        return prediction_need(self.check, schema, lists, roles=ROLES, fixed=told)

    def _declared_sets(self, declared: tuple[str, ...]) -> list[tuple[str, ...]]:
        return [columns for columns in self._asked_sets() if set(columns) <= set(declared)]

    def _asked_sets(self) -> tuple[tuple[str, ...], ...]:
        """The sets of columns that the rule looks at."""
        return self.by

    def judge(self, facts: Facts, terms: EvidenceTerms) -> Judgement:
        """Apply the rule; that there is no other champion is a known fact, and passes."""
        nothing = nothing_to_compare(facts)
        if nothing is not None:
            return nothing
        # Named by the class: a dataclass with slots is made twice, and bare super() would look at the first.
        return MeasuredRule.judge(self, facts, terms)

    def look(self, facts: Facts) -> list[Look]:
        """Compare the value over everybody, or every group's."""
        if not self.by:
            return [self.look_at_overall(facts)]
        return [look for columns in self.by for look in self._look_at_groups(columns, facts)]

    def _look_at_groups(self, columns: tuple[str, ...], facts: Facts) -> list[Look]:
        found = facts.measurements[self.key]
        if not self._is_known(columns, facts):
            return [self.undeclared(columns)]
        sizes, status, problem = groups_counted(found, columns)
        if status:
            detail = Detail(metric=self.metric, over=columns, status=status, note=problem)
            return [Look(detail, "Measure again under this policy.")]
        total = sum(sizes.values())
        kept = [names for names, size in sorted(sizes.items()) if size >= self.minimum_group * total]
        if not kept:
            note = f"no group has {wording.percent(self.minimum_group)} of the rows"
            return [self.unknown(note, "Measure on data with more rows of every group.", over=columns)]
        return [self.look_at_place(facts, dict(zip(columns, names, strict=True))) for names in kept]

    def _is_known(self, columns: tuple[str, ...], facts: Facts) -> bool:
        found = facts.measurements[self.key]
        known = {column for measurement in found for column in (*measurement.slice, *measurement.over)}
        return set(columns) <= known

    def undeclared(self, columns: tuple[str, ...]) -> Look:
        """A set of columns that nothing was measured by."""
        note = f"nothing was measured by {wording.columns_words(columns)}"
        fix = (
            f"Declare {wording.listed(columns)} under schema.sensitive in the manifest, have the columns in the test "
            "predictions, and submit again."
        )
        return self.unknown(note, fix, over=columns)

    def label(self, detail: Detail) -> str:
        """The quantity in a list."""
        if detail.slice:
            return wording.listed(f"{column} {group}" for column, group in detail.slice.items())
        return wording.columns_words(detail.over)

    def whom(self, detail: Detail) -> str:
        """Of whom the quantity is, as it follows its name; empty for everybody."""
        if detail.slice:
            return f" for {self.label(detail)}"
        return f" by {self.label(detail)}" if detail.over else ""

    def groups_words(self) -> str:
        """How a statement says that every group must clear; empty where everybody is asked about at once."""
        if not self.by:
            return ""
        sets = wording.listed(wording.columns_words(columns) for columns in self.by)
        return f", for every group by {sets}"

    def small_words(self) -> str:
        """How a statement says which groups are left out."""
        return (
            f"; groups under {wording.percent(self.minimum_group)} of rows are left out" if self.minimum_group else ""
        )

    def how_to_measure(self) -> str:
        """The fix when the evaluation was never planned."""
        return "Measure the version against the champion on the same test rows."
