"""The parameters of an evaluation, checked and with their defaults: what stands in the report. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from registry.errors import InvalidInput

_LEAST_CONFIDENCE, _LARGEST_SEED, _MOST_MINIMUM = 0.5, 2**53 - 1, 0.5
_SHARES_ADD_UP = 0.01
TASKS = ("binary", "multiclass", "regression")
_CHAMPION_COLUMNS = ("label", "prediction", "score", "positive")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """How predictions are to be evaluated.

    Attributes
    ----------
    label, prediction, score, weight, positive
        Columns, and the value of the positive class; see :func:`audits.predictions.read_predictions`.
    sensitive
        Columns of groups.
    intersections
        Whether all combinations of the sensitive columns are measured too.
    over
        The sets of columns to measure, in place of ``sensitive`` and ``intersections``.
    confidences
        Nominal coverages, each in [0.5, 1).
    minimum_groups
        Shares of rows, each in [0, 0.5], under which groups are left out of aggregates.
    max_groups
        Most distinct values of a sensitive column.
    seed
        Of whatever is drawn at random.
    champion
        Columns of the champion's file where they differ from the challenger's.
    task
        ``binary``, ``multiclass`` (labels are any classes) or ``regression`` (labels and predictions are numbers).
    scores
        For ``multiclass``: class to the column of its probability.
    slices
        Columns among whose combinations (up to three at a time) the worst slices are searched.
    population
        Column to group to its share of the population that the data should represent.
    disclosure
        Groups of fewer rows than this never leave the engine; 0 holds nothing back.
    cross_check
        Whether rates of groups are compared with fairlearn's before they are reported.
    """

    label: str
    prediction: str
    score: str | None = None
    weight: str | None = None
    positive: str | None = None
    sensitive: tuple[str, ...] = ()
    intersections: bool = False
    over: tuple[tuple[str, ...], ...] = ()
    confidences: tuple[float, ...] = (0.95,)
    minimum_groups: tuple[float, ...] = (0.0,)
    max_groups: int = 100
    seed: int = 0
    champion: Mapping[str, str | None] = field(default_factory=dict)
    task: str = "binary"
    scores: Mapping[str, str] = field(default_factory=dict)
    slices: tuple[str, ...] = ()
    population: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    disclosure: int = 0
    cross_check: bool = True

    def of_champion(self) -> Parameters:
        """The same parameters with the champion's own columns."""
        own = dict(self.champion)
        return replace(
            self,
            champion={},
            label=own.get("label") or self.label,
            prediction=own.get("prediction") or self.prediction,
            score=own.get("score", self.score),
            positive=own.get("positive", self.positive),
        )

    def as_json(self) -> dict[str, Any]:
        """Plain JSON, with tuples as lists."""
        plain = asdict(self)
        for name in ("sensitive", "confidences", "minimum_groups", "slices"):
            plain[name] = list(plain[name])
        plain["over"] = [list(columns) for columns in self.over]
        plain["champion"] = dict(self.champion)
        plain["scores"] = dict(self.scores)
        plain["population"] = {column: dict(shares) for column, shares in self.population.items()}
        return plain


def parse_parameters(given: Mapping[str, Any], kind: str) -> Parameters:
    """Check parameters that came as JSON.

    Raises
    ------
    InvalidInput
        Naming the parameter that is unknown, missing, of the wrong type or out of range.
    """
    unknown = sorted(set(given) - set(Parameters.__slots__))
    if unknown:
        raise InvalidInput(f"{kind} has no parameter {unknown[0]!r}", field=unknown[0])
    return Parameters(
        label=_required(given, "label"),
        prediction=_required(given, "prediction"),
        score=_text(given, "score"),
        weight=_text(given, "weight"),
        positive=_text(given, "positive"),
        sensitive=_columns(given.get("sensitive", ()), "sensitive"),
        intersections=_flag(given, "intersections"),
        over=parse_column_sets(given.get("over", ())),
        confidences=_shares(given, "confidences", (0.95,), _LEAST_CONFIDENCE, 1.0, open_end=True),
        minimum_groups=_shares(given, "minimum_groups", (0.0,), 0.0, _MOST_MINIMUM),
        max_groups=_integer(given, "max_groups", 100),
        seed=_integer(given, "seed", 0),
        champion=_champion(given.get("champion") or {}),
        task=_task(given),
        scores=_scores(given.get("scores") or {}),
        slices=_columns(given.get("slices", ()), "slices"),
        population=parse_population(given.get("population") or {}),
        disclosure=_integer(given, "disclosure", 0),
        cross_check=_flag(given, "cross_check", default=True),
    )


def _required(given: Mapping[str, Any], name: str) -> str:
    value = _text(given, name)
    if value is None:
        raise InvalidInput(f"name the {name} column", field=name)
    return value


def _text(given: Mapping[str, Any], name: str) -> str | None:
    value = given.get(name)
    if value is not None and (not isinstance(value, str) or not value):
        raise InvalidInput(f"{name} must be a text, not {value!r}", field=name)
    return value


def _flag(given: Mapping[str, Any], name: str, *, default: bool = False) -> bool:
    value = given.get(name, default)
    if not isinstance(value, bool):
        raise InvalidInput(f"{name} must be true or false, not {value!r}", field=name)
    return value


def _integer(given: Mapping[str, Any], name: str, default: int) -> int:
    value = given.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _LARGEST_SEED:
        raise InvalidInput(f"{name} must be a whole number from 0, not {value!r}", field=name)
    return value


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _columns(value: Any, name: str) -> tuple[str, ...]:
    if not _is_list(value) or not all(isinstance(column, str) and column for column in value):
        raise InvalidInput(f"{name} must be a list of column names, not {value!r}", field=name)
    if len(set(value)) < len(value):
        raise InvalidInput(f"{name} names a column twice: {list(value)}", field=name)
    return tuple(value)


def parse_column_sets(value: Any) -> tuple[tuple[str, ...], ...]:
    """Sets of columns to group by, each a name or a list of names; raises :class:`InvalidInput` at ``over``."""
    if not _is_list(value):
        raise InvalidInput(f"over must be a list of lists of columns, not {value!r}", field="over")
    sets = [_columns([group] if isinstance(group, str) else group, "over") for group in value]
    if not all(sets):
        raise InvalidInput("over holds an empty set of columns", field="over")
    return tuple(dict.fromkeys(sets))


def _shares(
    given: Mapping[str, Any], name: str, default: tuple[float, ...], low: float, high: float, *, open_end: bool = False
) -> tuple[float, ...]:
    value = given.get(name, default)
    if not _is_list(value) or not value:
        raise InvalidInput(f"{name} must be a list of numbers, not {value!r}", field=name)
    for share in value:
        number = isinstance(share, int | float) and not isinstance(share, bool)
        if not number or not low <= share <= high or (open_end and share == high):
            raise InvalidInput(f"{name} must lie between {low} and {high}, not {share!r}", field=name)
    return tuple(dict.fromkeys(float(share) for share in value))


def _task(given: Mapping[str, Any]) -> str:
    task = given.get("task", TASKS[0])
    if task not in TASKS:
        raise InvalidInput(f"task must be one of {', '.join(TASKS)}, not {task!r}", field="task")
    return str(task)


def _scores(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping) or not all(isinstance(c, str) and c for pair in value.items() for c in pair):
        raise InvalidInput(f"scores must give each class its column, not {value!r}", field="scores")
    return dict(value)


def parse_population(value: Any) -> dict[str, dict[str, float]]:
    """Column to group to its share; raises :class:`InvalidInput` where shares are no shares or do not add up to 1."""
    if not isinstance(value, Mapping) or not all(isinstance(shares, Mapping) and shares for shares in value.values()):
        raise InvalidInput(f"population must give each column its groups' shares, not {value!r}", field="population")
    for column, shares in value.items():
        for group, share in shares.items():
            if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share <= 1:
                raise InvalidInput(
                    f"population of {column!r}: the share of {group!r} must lie between 0 and 1, not {share!r}",
                    field="population",
                )
        if abs(sum(shares.values()) - 1) > _SHARES_ADD_UP:
            raise InvalidInput(f"population of {column!r}: the shares must add up to 1", field="population")
    return {column: {str(group): float(share) for group, share in shares.items()} for column, shares in value.items()}


def _champion(value: Any) -> dict[str, str | None]:
    if not isinstance(value, Mapping) or not set(value) <= set(_CHAMPION_COLUMNS):
        raise InvalidInput(f"champion may give {', '.join(_CHAMPION_COLUMNS)}, not {value!r}", field="champion")
    return {name: _text(value, name) for name in value}
