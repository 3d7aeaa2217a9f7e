"""Which code and libraries made a report: the versions that stand in evidence. Pure."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

_LIBRARIES = ("pandas", "fairlearn", "scikit-learn", "numpy", "pyarrow")


def engine_version(engine: str = "") -> str:
    """The engine, if one is named, and the libraries beside it: ``duckdb 1.5.6, pandas 3.0.1, fairlearn 0.15.0, ...``."""
    return ", ".join([*filter(None, [engine]), *(f"{name} {version(name)}" for name in _LIBRARIES)])


def code_version() -> str:
    """``countersign`` and its version; ``countersign source`` where it runs from a checkout that is not installed."""
    try:
        return f"countersign {version('countersign')}"
    except PackageNotFoundError:
        return "countersign source"
