"""Loops compiled by numba, kept on disk so that they are compiled once per release and machine. Pure.

Import it inside functions: numba takes a while to load. Compiled code lies in a folder that is named by the digest of all
sources that are compiled together, since numba itself looks at no more than the one file that a function stands in, and would
go on using loops of an older release that were compiled into it. The folder must be private to who runs us: it holds code.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

_Function = TypeVar("_Function")
_SOURCES = ("compiled.py", "tree_paths.py", "tree_kernels.py", "tree_long_paths.py")


def compiled(function: _Function) -> _Function:
    """Compile a function on its first call; it lets other threads run, and divides by zero as NumPy does."""
    config: Any = numba.config
    before = config.CACHE_DIR
    config.CACHE_DIR = str(_folder())
    try:
        return cast("_Function", numba.njit(cache=True, nogil=True, error_model="numpy")(function))
    except RuntimeError:  # the folder cannot be written to: compile in every process instead
        return cast("_Function", numba.njit(nogil=True, error_model="numpy")(function))
    finally:
        config.CACHE_DIR = before


@cache
def _folder() -> Path:
    """Below ``NUMBA_CACHE_DIR``, else the user's cache; made for nobody but us, if it can be made."""
    stated = os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")
    base = Path(stated) if stated else Path(os.path.expanduser("~/.cache"))  # noqa: PTH111 - never raises, as Path.home does
    digest = hashlib.sha256()
    for name in _SOURCES:
        digest.update(Path(__file__).with_name(name).read_bytes())
    folder = base / "countersign-compiled" / digest.hexdigest()[:16]
    with suppress(
        OSError
    ):  # then numba looks for another place, and if there is none, loops are compiled in every process
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
