"""The parameters of ``evaluate load``, checked. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from audits.kinds.given import Given
from registry.errors import InvalidInput

RATE, BATCH_SIZE, SECONDS = 10.0, 1, 10.0
ARRIVALS = ("poisson", "uniform")
_MOST_RATE, _MOST_BATCH, _MOST_SECONDS = 100_000.0, 100_000, 600.0
_MOST_CONNECTIONS = 256
_MOST_IN_ALL = 3600.0
_MOST_REQUESTS = 2_000_000
_KNOWN = (
    "model", "champion_model", "key", "seed", "rates", "batch_sizes", "seconds", "arrivals", "connections", "timeout",
    "confidences", "saturation",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadParameters:
    """What load is offered.

    Attributes
    ----------
    rates
        Requests per second, ascending.
    batch_sizes
        Rows of a request, ascending; every rate is offered with every size.
    seconds
        How long each is offered.
    arrivals
        ``poisson`` or ``uniform``.
    connections
        Requests that may be on their way at once: so many processes of a model that we run, so many connections to an
        endpoint; ``None`` is 1 for the first and 32 for the second.
    timeout
        Seconds after which whoever asked has gone away.
    confidences
        Coverages of the intervals.
    saturation
        Whether to look for the most that the model bears.
    key, seed
        Of the rows that are drawn from the test data; the seed also of the arrivals.
    model, champion_model
        How the models are asked, on the command line; the service knows it from the manifests. The champion is asked as the
        version where nothing else is said.
    """

    rates: tuple[float, ...] = (RATE,)
    batch_sizes: tuple[int, ...] = (BATCH_SIZE,)
    seconds: float = SECONDS
    arrivals: str = "poisson"
    connections: int | None = None
    timeout: float = 10.0
    confidences: tuple[float, ...] = (0.95,)
    saturation: bool = True
    key: tuple[str, ...] = ()
    seed: int = 0
    model: Mapping[str, Any] | None = None
    champion_model: Mapping[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain JSON."""
        lists = {name: list(getattr(self, name)) for name in ("rates", "batch_sizes", "confidences", "key")}
        return asdict(self) | lists


def parse_load(values: Mapping[str, Any]) -> LoadParameters:
    """Check parameters that came as JSON.

    Raises
    ------
    InvalidInput
        Naming the parameter that is unknown, of the wrong type or out of range; or if all that was asked for would take more
        than an hour.
    """
    given = Given(values, "load", _KNOWN)
    arrivals = given.text("arrivals") or "poisson"
    if arrivals not in ARRIVALS:
        raise InvalidInput(f"arrivals must be one of {', '.join(ARRIVALS)}, not {arrivals!r}", field="arrivals")
    connections = given.whole("connections", 0) if values.get("connections") is not None else None
    if connections is not None and not 1 <= connections <= _MOST_CONNECTIONS:
        raise InvalidInput(f"connections must lie between 1 and {_MOST_CONNECTIONS}", field="connections")
    asked = LoadParameters(
        rates=_numbers(values, "rates", (RATE,), _MOST_RATE),
        batch_sizes=tuple(
            int(size) for size in _numbers(values, "batch_sizes", (BATCH_SIZE,), _MOST_BATCH, whole=True)
        ),
        seconds=given.number("seconds", SECONDS, 0.1, _MOST_SECONDS),
        arrivals=arrivals,
        connections=connections,
        timeout=given.number("timeout", 10.0, 0.01, 300.0),
        confidences=given.confidences(),
        saturation=given.flag("saturation", default=True),
        key=given.texts("key"),
        seed=given.whole("seed", 0),
        model=values.get("model"),
        champion_model=values.get("champion_model"),
    )
    if asked.seconds * len(asked.rates) * len(asked.batch_sizes) > _MOST_IN_ALL:
        message = (
            f"{len(asked.rates)} rates with {len(asked.batch_sizes)} batch sizes for {asked.seconds:g} seconds each take more "
            "than an hour: ask for fewer, or for fewer seconds"
        )
        raise InvalidInput(message, field="seconds")
    if max(asked.rates) * asked.seconds > _MOST_REQUESTS:
        message = (
            f"{max(asked.rates):g} a second for {asked.seconds:g} seconds are more than {_MOST_REQUESTS:,} requests"
        )
        raise InvalidInput(message, field="rates")
    return asked


def _numbers(
    values: Mapping[str, Any], name: str, default: tuple[float, ...], most: float, *, whole: bool = False
) -> tuple[float, ...]:
    stated = values.get(name)
    if stated is None or stated == []:
        return default
    what = "whole numbers" if whole else "numbers"
    if not isinstance(stated, list | tuple):
        raise InvalidInput(f"{name} must be a list of {what}, not {stated!r}", field=name)
    for value in stated:
        sound = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
        if not sound or not 0 < value <= most:
            raise InvalidInput(f"{name} must be {what} above 0 and up to {most:,.0f}, not {value!r}", field=name)
    return tuple(sorted({float(value) for value in stated}))
