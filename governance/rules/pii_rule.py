"""The check ``pii``: no column may hold personal data of the kinds that the policy forbids. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from audits.data_roles import TRAINING
from governance.rules import wording
from governance.rules.bounds import Bounds
from governance.rules.classification_rule import ClassificationRule
from governance.rules.data_metrics import PII
from governance.rules.data_rule import COLUMN, DataRule
from governance.rules.facts import Facts
from governance.rules.measured_rule import Look
from governance.rules.metrics import Metric
from governance.rules.rule import Detail, Rule, common_fields
from governance.rules.selection import ALL, FEATURES, columns_of, columns_words

ENTITY, ANY = "entity", "any"
RATE = "pii_rate"

ENTITIES: Mapping[str, str] = {
    "email": "e-mail addresses",
    "phone": "phone numbers",
    "credit_card": "payment card numbers",
    "iban": "bank account numbers (IBAN)",
    "us_ssn": "US social security numbers",
    "cn_resident_id": "Chinese resident ids",
    "cn_uscc": "Chinese social credit codes",
    "national_id": "national ids",
    "passport": "passport numbers",
    "ip_address": "IP addresses",
    "mac_address": "MAC addresses",
    "url": "web addresses",
    "geo_coordinate": "geographical coordinates",
    "date_of_birth": "dates of birth",
    "person_name": "names of persons",
    "postal_address": "postal addresses",
    "secret": "secrets",
    ANY: "personal data of any kind",
}
"""What a policy may forbid, and how sentences call it."""

COVERS: Mapping[str, tuple[str, ...]] = {"national_id": ("us_ssn", "cn_resident_id")}
"""Who forbids the first forbids the others with it: they are found under a name of their own."""


_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class PiiRule(DataRule):
    """``{check: pii, forbid: [email, phone], in: features, tolerance: 0.0}``.

    It passes only if every column asked about was scanned, and none holds more than the tolerance.
    """

    check: ClassVar[str] = "pii"
    metrics: ClassVar[Mapping[str, Metric]] = PII
    evaluates: ClassVar[str] = "personal data"

    forbid: tuple[str, ...]

    @classmethod
    def form(cls, data: Mapping[str, Any]) -> type[Rule]:
        """With ``classes``, a rule that follows the lineage; else this one, which looks at values that were scanned."""
        return ClassificationRule if "classes" in data else cls

    @classmethod
    def parse(cls, data: Mapping[str, Any], path: str) -> Self:  # noqa: ARG003 - the schema sees everything here
        """Make the rule from its YAML mapping."""
        where = data["in"]
        return cls(
            **common_fields(data),
            metric=RATE,
            bounds=Bounds(at_most=data.get("tolerance", 0.0)),
            roles=(TRAINING if where == FEATURES else where,),
            columns=FEATURES if where == FEATURES else ALL,
            forbid=tuple(data["forbid"]),
        )

    @property
    def _forbidden(self) -> list[str]:
        return list(dict.fromkeys(name for entity in self.forbid for name in (entity, *COVERS.get(entity, ()))))

    def statement(self) -> str:
        """The rule as one sentence."""
        one = columns_words(self.columns or ALL).removeprefix("every ")
        tolerance = self.bounds.at_most
        share = f" in more than {wording.percent(tolerance)} of its values" if tolerance else ""
        return f"No {one} of {self.data_words} may hold {self._kinds}{share}."

    @property
    def _kinds(self) -> str:
        *others, last = self._words
        return f"{', '.join(others)} or {last}" if others else last

    @property
    def _words(self) -> list[str]:
        return [ENTITIES[entity] for entity in self.forbid]

    def expected(self) -> str:
        """What the rule asks, in a few words."""
        return f"{self._kinds} in {self.bounds.words()} of values" if self.bounds.at_most else f"no {self._kinds}"

    def parameters(self, schema: Mapping[str, Any]) -> tuple[Mapping[str, tuple[Any, ...]], Mapping[str, Any]]:
        """Nothing: every column is scanned as a whole."""
        return {}, {}

    def look(self, facts: Facts) -> list[Look]:
        """Make sure that every column was scanned, and hold what was found in it against the tolerance."""
        if self.columns == FEATURES and not facts.features:
            return [self.no_features()]
        scanned = {
            m.slice[COLUMN]
            for m in facts.measurements[self.key]
            if m.metric == RATE and m.slice.get(ENTITY) == ANY and COLUMN in m.slice
        }
        names = columns_of(self.columns or ALL, scanned, facts.features or ())
        if not names:
            return [self.unknown("no column was scanned", self.how_to_measure())]
        return [look for name in names for look in self._look_in(facts, name, scanned=name in scanned)]

    def _look_in(self, facts: Facts, name: str, *, scanned: bool) -> list[Look]:
        if not scanned:
            return [self.not_measured(name)]
        found = self.look_at_places(
            facts, lambda place: place.get(COLUMN) == name and place.get(ENTITY) in self._forbidden
        )
        return found or [self._clean(facts, name)]

    def _clean(self, facts: Facts, name: str) -> Look:
        """A column in which nothing forbidden was found; it must have been scanned with one result."""
        here = [m for m in facts.measurements[self.key] if m.metric == RATE and m.slice.get(COLUMN) == name]
        readings = {(m.value, m.n) for m in here if m.slice.get(ENTITY) == ANY}
        if len(readings) > 1:
            return self._result(name, "error", "it was scanned twice with different results")
        value, n = readings.pop()
        if value is None:
            return self._result(name, "missing", "it could not be scanned")
        told = {str(m.slice.get(ENTITY)): m.value or 0.0 for m in here if m.slice.get(ENTITY) != ANY}
        if value > math.fsum(told.values()) + _ROUNDING:
            # A finding whose measurement is absent would be a finding that passes.
            return self._result(name, "missing", "what was found in it is not all told")
        return self._result(name, "pass", "scanned, none found", n=n, value=0.0)

    def _result(self, name: str, status: str, note: str, **known: Any) -> Look:
        detail = Detail(metric=RATE, slice={COLUMN: name}, status=status, note=note, **known)
        return Look(detail, "" if status == "pass" else "Measure again under this policy.")

    def phrase(self, detail: Detail, facts: Facts) -> str:
        """The quantity as the beginning of a sentence."""
        column = f" in column {detail.slice[COLUMN]}" if COLUMN in detail.slice else ""
        return f"The share of values with {self._found(detail)}{column} of {self.data_words}"

    def label(self, detail: Detail) -> str:
        """The quantity in a list."""
        column = detail.slice.get(COLUMN, "")
        return f"{self._found(detail)} in column {column}" if ENTITY in detail.slice else f"column {column}"

    def _found(self, detail: Detail) -> str:
        entity = detail.slice.get(ENTITY, "")
        return ENTITIES.get(entity, entity.replace("_", " ")) if entity else self._kinds

    def _value(self, detail: Detail, *, n: int | None = None) -> str:
        return "not known" if detail.value is None else wording.counted(detail.value, n=n, beside=self.bounds.marks)

    def how_to_mend(self) -> str:
        """The fix when the value violates the bounds."""
        return (
            f"Leave the column out of {self.data_words}, or change its values so that they lead to nobody, and submit "
            "again; if the finding is wrong, ask for an exception and say why."
        )
