"""What rules over whole data sets share: the data that policy names by their roles, and the columns asked about. Pure."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from audits.data_roles import TRAINING
from audits.measurement import Measurement
from governance.rules import wording
from governance.rules.facts import Facts
from governance.rules.keys import evaluation_key
from governance.rules.measured_rule import Look, MeasuredRule, measured_fields, with_confidence
from governance.rules.metrics import Metric, parse_bounds
from governance.rules.rule import Detail, Need, common_fields
from governance.rules.selection import ALL, FEATURES, Columns, columns_of, columns_words, parse_columns
from registry.errors import InvalidInput

COLUMN = "column"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataRule(MeasuredRule):
    """A rule over an evaluation that reads one or two data sets.

    A kind of check derives from it with its table of metrics, the data that it usually reads, and the parameters of
    its evaluation; what it says and how it judges columns is here. ``one_confidence`` says that an evaluation of its
    kind makes intervals at one confidence only, so that rules that share it must name the same one.

    Attributes
    ----------
    roles
        The roles of the data, in the order in which the evaluation takes them.
    columns
        For metrics by column: the columns that must clear; None for metrics of the whole.
    """

    metrics: ClassVar[Mapping[str, Metric]]
    evaluates: ClassVar[str]
    usual: ClassVar[tuple[str, ...]] = (TRAINING,)
    one_confidence: ClassVar[bool] = False

    roles: tuple[str, ...]
    columns: Columns | None = None

    @classmethod
    def parse(cls, data: Mapping[str, Any], path: str) -> Self:
        """Make the rule from its YAML mapping."""
        metric = cls.metrics[data["metric"]]
        by_column = metric.per == COLUMN
        if "columns" in data and not by_column:
            raise InvalidInput(
                f"{path}.columns belongs to metrics by column; {data['metric']} is one value of the whole",
                field=f"{path}.columns",
            )
        return cls(
            **common_fields(data),
            **measured_fields(data, path),
            metric=data["metric"],
            bounds=parse_bounds(data, metric, path),
            roles=cls.parse_roles(data),
            columns=parse_columns(data.get("columns", ALL)) if by_column else None,
            **cls.parse_more(data, path),
        )

    @classmethod
    def parse_roles(cls, data: Mapping[str, Any]) -> tuple[str, ...]:
        """The roles of the data that the rule names, or the usual ones."""
        return (data.get("data", cls.usual[0]),)

    @classmethod
    def parse_more(cls, data: Mapping[str, Any], path: str) -> dict[str, Any]:  # noqa: ARG003 - for those that override it
        """The fields of a subclass that are its own."""
        return {}

    @abstractmethod
    def parameters(self, schema: Mapping[str, Any]) -> tuple[Mapping[str, tuple[Any, ...]], Mapping[str, Any]]:
        """The parameters of the evaluation: lists joined over rules, and those that are the same for all of them."""

    def told(self) -> Mapping[str, Any]:
        """The confidence, where an evaluation has only one."""
        return {"confidence": self.confidence} if self.one_confidence and self.confidence is not None else {}

    @property
    def about(self) -> tuple[str, ...]:
        """Columns that set the evaluation apart from others of its kind on the same data."""
        return ()

    @property
    def key(self) -> str:
        """The kind and, where they are not the usual ones, its data."""
        return evaluation_key(self.check, self.roles, self.usual, about=self.about)

    @property
    def evaluation_name(self) -> str:
        """What sentences call the evaluation."""
        return self.evaluates

    @property
    def data_words(self) -> str:
        """What sentences call the data."""
        return wording.data_words(role for role in self.roles if role)

    def needs(self, schema: Mapping[str, Any], *, has_champion: bool) -> Need | None:
        """The evaluation of the data that play the roles."""
        lists, fixed = self.parameters(schema)
        return Need(kind=self.check, key=self.key, roles=self.roles, parameters=lists, fixed=fixed)

    def statement(self) -> str:
        """The rule as one sentence."""
        of = f"{self.columns_words} of " if self.columns is not None else ""
        return f"The {self.quantity} of {of}{self.data_words} must be {self.bounds.words()}{self._with_confidence()}."

    def _with_confidence(self) -> str:
        return "" if self.bounds.whole and self.confidence is None else with_confidence(self.confidence)

    @property
    def quantity(self) -> str:
        """The metric in words."""
        return self.metrics[self.metric].words

    @property
    def columns_words(self) -> str:
        """The selection of columns in words."""
        return columns_words(self.columns or ALL)

    def matches(self, found: Measurement) -> bool:
        """Whether a measurement is of the rule's metric; what ``over`` names is what the evaluation was asked about."""
        return found.metric == self.metric

    def look(self, facts: Facts) -> list[Look]:
        """Compare the value of the whole, or that of every column asked about."""
        if self.columns is None:
            return [self.look_at_place(facts, {})]
        return self.look_at_columns(facts, self.columns)

    def look_at_columns(self, facts: Facts, columns: Columns) -> list[Look]:
        """Compare the value of every column asked about; one that was not measured is missing."""
        if columns == FEATURES and not facts.features:
            return [self.no_features()]
        measured = {m.slice[COLUMN] for m in facts.measurements[self.key] if self.matches(m) and COLUMN in m.slice}
        names = columns_of(columns, measured, facts.features or ())
        if not names:
            return [self.unknown("no column was measured", self.how_to_measure())]
        return [look for name in names for look in self._look_at_column(facts, name)]

    def _look_at_column(self, facts: Facts, name: str) -> list[Look]:
        found = self.look_at_places(facts, lambda place: place.get(COLUMN) == name)
        return found or [self.not_measured(name)]

    def not_measured(self, column: str) -> Look:
        """A column that the evaluation says nothing about."""
        return self.unknown(
            f"column {column} was not measured",
            f"Have the column {column} in {self.data_words} under this name, and submit again.",
            slice={COLUMN: column},
        )

    def no_features(self) -> Look:
        """The look of a rule over features of a version that declares none."""
        return self.unknown(
            "the manifest names no features",
            "Name the columns under schema.features in the manifest, and submit again.",
        )

    def phrase(self, detail: Detail, facts: Facts) -> str:
        """The quantity as the beginning of a sentence."""
        label = self.label(detail)
        of = f"{label} of " if label else ""
        return f"The {self.quantity} of {of}{self.data_words}"

    def label(self, detail: Detail) -> str:
        """The quantity in a list: the column, and what else tells it from others."""
        return wording.listed(f"{key.replace('_', ' ')} {value}" for key, value in detail.slice.items())

    def how_to_measure(self) -> str:
        """The fix when the evaluation was never planned, or did not measure this."""
        return how_to_add(self.roles)

    def how_to_mend(self) -> str:
        """The fix when the value violates the bounds."""
        return f"Find the cause in the evidence, mend {self.data_words}, and submit again."


def how_to_add(roles: tuple[str, ...]) -> str:
    """How a version gets data with these roles."""
    names = wording.listed(roles)
    one = "an artifact" if len(roles) == 1 else "artifacts"
    role, entry = ("role", "an entry") if len(roles) == 1 else ("roles", "entries")
    return f"Add {one} with the {role} {names}, or {entry} in the manifest's data list, and submit again."
