"""The bytes of ``/countersign.pyz``: the client and the offline verifier, runnable with nothing but Python."""

from __future__ import annotations

import functools
import importlib.util
import io
import zipfile
from pathlib import Path

SHEBANG = b"#!/usr/bin/env python3\n"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the oldest time that a zip archive can hold: the same sources give the same bytes
MODULES = {"__main__.py": "governance.client", "countersign_verify.py": "countersign_verify"}


def _source(module: str) -> bytes:
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(f"the source of {module} is not installed beside the service")
    return Path(spec.origin).read_bytes()


@functools.cache
def client_pyz() -> bytes:
    """Build the archive once per process.

    Returns
    -------
    bytes
        A zip application: ``python3 countersign.pyz gate check ...``. The same sources give the same bytes.

    Raises
    ------
    FileNotFoundError
        If a source file is not there.
    """
    archive = io.BytesIO(SHEBANG)
    archive.seek(0, io.SEEK_END)
    with zipfile.ZipFile(archive, "a", compression=zipfile.ZIP_DEFLATED) as bundle:
        for name, module in MODULES.items():
            entry = zipfile.ZipInfo(name, date_time=EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            bundle.writestr(entry, _source(module))
    return archive.getvalue()
