"""What an extension of a kind of evaluation adds to its report. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from audits.measurement import Measurement
    from audits.series import Series


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """Measurements, series and warnings beside those of the kind's core.

    Attributes
    ----------
    measurements, series, warnings
        Appended, in this order, to those of the core.
    extra
        Further keys of the report; must not be among those it has.
    """

    measurements: tuple[Measurement, ...] = ()
    series: tuple[Series, ...] = ()
    warnings: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
