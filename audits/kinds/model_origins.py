"""What was run, as it stands under ``inputs`` in evidence: files by digest, endpoints by address. Pure of Django."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import file_digest

from audits.engines.port import Origin
from audits.scoring.source import Composite, Endpoint, ModelSource
from registry.canonical import digest_of


def origins_of(source: ModelSource) -> Iterator[Origin]:
    """Every file of a model; of an endpoint its address, with a digest of address and version, for its bytes are not ours."""
    if isinstance(source, Composite):
        for name in sorted(source.components):
            yield from origins_of(source.components[name])
    elif isinstance(source, Endpoint):
        yield Origin(path=source.url, sha256=digest_of([source.url, source.model, source.version]))
    else:
        with source.path.open("rb") as file:
            yield Origin(path=source.name, sha256=file_digest(file, "sha256").hexdigest())
