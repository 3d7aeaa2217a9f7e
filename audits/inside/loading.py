"""Loads one model file by the module of its format."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from audits.inside.formats.loaded import Loaded
from audits.inside.refusal import Refusal


def load_model(path: Path, setup: Mapping[str, Any]) -> Loaded:
    """Load a model.

    Parameters
    ----------
    setup
        ``format`` (``onnx``, ``skops`` or ``safetensors``), ``interface`` as plain JSON with every key, and
        ``allowed_types``, types that skops files may hold beside our own list.

    Raises
    ------
    Refusal
        If the file is not what its format says, may not be run, or does not fit the interface.
    """
    kind, interface = setup["format"], setup["interface"]
    if kind == "skops":
        from audits.inside.formats import skops_file

        return skops_file.load(path, interface, allowed=setup.get("allowed_types", ()))
    if kind == "onnx":
        from audits.inside.formats import onnx_file

        return onnx_file.load(path, interface)
    if kind == "safetensors":
        from audits.inside.formats import safetensors_file

        return safetensors_file.load(path, interface)
    raise Refusal(f"no format {kind!r} is run")
