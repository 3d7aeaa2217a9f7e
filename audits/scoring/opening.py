"""Opens a model, wherever it runs: a file in our sandbox, an endpoint, or a graph of components. Pure of Django."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from audits.scoring.source import Composite, ModelFile, ModelSource

if TYPE_CHECKING:
    from audits.engines.port import Progress
    from audits.sandbox.limits import Limits
    from audits.scoring.model import Model


def open_model(
    source: ModelSource, *, limits: Limits | None = None, processes: int = 1, progress: Progress | None = None
) -> AbstractContextManager[Model]:
    """Open a model; leaving the context ends its processes and connections.

    Parameters
    ----------
    limits
        Of each sandboxed process; the usual ones where they are not given.
    processes
        How many sandboxed processes load the same file; batches are spread over them and come back in order.
    progress
        Called with 0 and a note about twice a second while the model is loaded; whatever it raises stops it.

    Raises
    ------
    InvalidInput
        If the file is of no format that is run, the model and its interface do not fit, or an endpoint may not be asked.
    SandboxUnavailable
        If no sandbox works on this machine.
    ModelFailed
        If loading fails or takes more than it may.
    """
    if isinstance(source, ModelFile):
        from audits.scoring.sandboxed import open_file

        return open_file(source, limits=limits, processes=processes, progress=progress)
    if isinstance(source, Composite):
        from audits.scoring.composite import open_composite

        return open_composite(source, limits=limits, processes=processes, progress=progress)
    from audits.scoring.endpoint import open_endpoint

    return open_endpoint(source, processes=processes, progress=progress)
