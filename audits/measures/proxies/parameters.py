"""What is asked about proxies: the features, the sensitive columns, and how rows are drawn. Pure of Django."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from audits.kinds.given import Given
from registry.errors import InvalidInput

MOST_ROWS = 20_000
_LEAST_ROWS, _LARGEST = 100, 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxies:
    """The parameters of ``evaluate proxies``.

    Attributes
    ----------
    features
        Columns that a model uses. A sensitive column among them does not predict itself.
    sensitive
        Columns of groups to predict.
    key
        Columns that identify a row, for drawing the sample; by default all columns named.
    rows
        Most rows to draw.
    confidences
        Nominal coverages.
    max_groups
        Most groups of one sensitive column.
    seed
        Of the sample, the folds and the model.
    """

    features: tuple[str, ...]
    sensitive: tuple[str, ...]
    key: tuple[str, ...] = ()
    rows: int = MOST_ROWS
    confidences: tuple[float, ...] = (0.95,)
    max_groups: int = 100
    seed: int = 0

    def as_json(self) -> dict[str, Any]:
        """Plain JSON."""
        plain = asdict(self)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in plain.items()}


def parse_proxies(values: Mapping[str, Any]) -> Proxies:
    """Check parameters that came as JSON.

    Raises
    ------
    InvalidInput
        Naming the parameter that is unknown, missing or impossible.
    """
    given = Given(values, "proxies", Proxies.__slots__)
    asked = Proxies(
        features=given.texts("features"),
        sensitive=given.texts("sensitive"),
        key=given.texts("key"),
        rows=given.whole("rows", MOST_ROWS, least=_LEAST_ROWS),
        confidences=given.confidences(),
        max_groups=given.whole("max_groups", 100, least=2),
        seed=given.whole("seed", 0),
    )
    if asked.rows > _LARGEST:
        raise InvalidInput(f"rows must be at most {_LARGEST:,}, not {asked.rows:,}", field="rows")
    for name in ("features", "sensitive"):
        if not getattr(asked, name):
            raise InvalidInput(f"name at least one column ({name})", field=name)
    for column in asked.sensitive:
        if set(asked.features) == {column}:
            raise InvalidInput(f"{column!r} is the only feature: it cannot be its own proxy", field="features")
    return asked
