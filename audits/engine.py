"""Which code and libraries made a report: the versions that stand in evidence. Pure."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

_LIBRARIES = ("pandas", "fairlearn", "scikit-learn", "numpy", "pyarrow")


def engine_version() -> str:
    """The libraries that read and count, pandas first: ``pandas 3.0.1, fairlearn 0.15.0, ...``."""
    return ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)


def code_version() -> str:
    """``countersign`` and its version; ``countersign source`` where it runs from a checkout that is not installed."""
    try:
        return f"countersign {version('countersign')}"
    except PackageNotFoundError:
        return "countersign source"
