"""When requests are meant to be sent: decided beforehand, whatever the answers do. Pure."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def arrival_times(kind: str, rate: float, seconds: float, *, seed: Any) -> npt.NDArray[np.float64]:
    """Seconds after the start at which requests are meant to be sent, ascending.

    Parameters
    ----------
    kind
        ``poisson``: independent users, gaps are exponential. ``uniform``: a metronome.
    rate
        Requests per second.
    seed
        Of the gaps: a whole number, or a list of such.

    Returns
    -------
    (n,) float64
        At least one. ``n`` is ``rate × seconds`` rounded: given their number, the arrivals of a Poisson process are
        independent and uniform, so that rounds with the same parameters offer the same load.
    """
    n = max(1, round(rate * seconds))
    if kind == "uniform":
        return np.arange(n, dtype=np.float64) / rate
    return np.sort(np.random.default_rng(seed).uniform(0.0, n / rate, n))
