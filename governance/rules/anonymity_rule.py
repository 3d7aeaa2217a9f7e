"""The check ``anonymity``: how well records hide among others that share their quasi-identifiers. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from governance.rules import wording
from governance.rules.data_metrics import ANONYMITY, OF_SENSITIVE
from governance.rules.data_rule import COLUMN, DataRule
from governance.rules.facts import Facts
from governance.rules.measured_rule import Look
from governance.rules.metrics import Metric
from governance.rules.rule import Detail
from registry.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class AnonymityRule(DataRule):
    """``{check: anonymity, metric: k_anonymity, quasi: [age, zip], at_least: 5}``.

    Attributes
    ----------
    quasi
        The columns by which somebody could be found who is known otherwise.
    sensitive
        The columns whose values must not follow from those; each must clear.
    """

    check: ClassVar[str] = "anonymity"
    metrics: ClassVar[Mapping[str, Metric]] = ANONYMITY
    evaluates: ClassVar[str] = "anonymity"

    quasi: tuple[str, ...]
    sensitive: tuple[str, ...] = ()

    @classmethod
    def parse_more(cls, data: Mapping[str, Any], path: str) -> dict[str, Any]:
        """The columns.

        Raises
        ------
        InvalidInput
            If the metric is about sensitive columns and none is named, or a column is both.
        """
        quasi, sensitive = tuple(data["quasi"]), tuple(data.get("sensitive", ()))
        place = f"{path}.sensitive"
        if data["metric"] in OF_SENSITIVE and not sensitive:
            raise InvalidInput(
                f"{place} is missing: {data['metric']} is about the values of such a column", field=place
            )
        if data["metric"] not in OF_SENSITIVE and sensitive:
            raise InvalidInput(f"{place} belongs to {', '.join(OF_SENSITIVE)}", field=place)
        both = [column for column in sensitive if column in quasi]
        if both:
            raise InvalidInput(f"{place} names {both[0]}, which is among quasi as well", field=place)
        return {"quasi": quasi, "sensitive": sensitive}

    @property
    def about(self) -> tuple[str, ...]:
        """The quasi-identifiers: each set of them is measured by itself."""
        return self.quasi

    def parameters(self, schema: Mapping[str, Any]) -> tuple[Mapping[str, tuple[Any, ...]], Mapping[str, Any]]:
        """The columns."""
        lists = {"sensitive": self.sensitive} if self.sensitive else {}
        return lists, {"quasi": sorted(self.quasi)}

    @property
    def _among(self) -> str:
        return f"{self.data_words} by {wording.listed(self.quasi)}"

    def statement(self) -> str:
        """The rule as one sentence."""
        of = f"{wording.listed(self.sensitive)} in " if self.sensitive else ""
        return f"The {self.quantity} of {of}{self._among} must be {self.bounds.words()}{self._with_confidence()}."

    def look(self, facts: Facts) -> list[Look]:
        """Compare the value of the whole, or that of every sensitive column."""
        if not self.sensitive:
            return [self.look_at_place(facts, {})]
        return [self.look_at_place(facts, {COLUMN: column}) for column in self.sensitive]

    def phrase(self, detail: Detail, facts: Facts) -> str:
        """The quantity as the beginning of a sentence."""
        column = detail.slice.get(COLUMN)
        return f"The {self.quantity} of {f'{column} in ' if column else ''}{self._among}"

    def how_to_mend(self) -> str:
        """The fix when the value violates the bounds."""
        return (
            "Make the quasi-identifiers coarser (age bands, shorter postal codes), leave out those that the evidence "
            "names as making records unique, and submit again."
        )
