"""The model among the inputs of an evaluation. Pure of Django."""

from __future__ import annotations

import re
from typing import Any

from audits.engines.opening import Data
from audits.scoring.source import Endpoint, ModelFile, ModelSource
from registry.errors import InvalidInput
from registry.execution import Interface

_ENDPOINT = re.compile(r"(?P<url>https?://.+?)/v2/models/(?P<model>[^/]+)(/versions/(?P<version>[^/]+))?/?")


def source_of(data: Data, interface: dict[str, Any] | None = None) -> ModelSource:
    """What is to be run.

    Parameters
    ----------
    data
        From the service, it holds the source; from the command line it names a file, or an endpoint as
        ``https://HOST/v2/models/NAME``.
    interface
        How the model is asked, as plain JSON, where ``data`` does not hold it: see :class:`registry.execution.Interface`.

    Raises
    ------
    InvalidInput
        If the address is none of an endpoint, or the interface is wrong or missing.
    """
    if data.model is not None:
        return data.model
    asked = Interface.from_json(interface or {})
    if data.path is not None:
        return ModelFile(name=data.name, path=data.path, interface=asked)
    found = _ENDPOINT.fullmatch(data.url)
    if found is None:
        message = f"{data.url!r} is no endpoint: write https://HOST/v2/models/NAME or https://HOST/v2/models/NAME/versions/VERSION"
        raise InvalidInput(message, field="model")
    return Endpoint(
        name=data.url,
        url=found["url"],
        model=found["model"],
        version=found["version"] or "",
        interface=asked,
        trusted=data.trusted,
    )
