"""What every worker does beside its tasks: takes back what dead workers left, judges what time changes, seals, polls, tries its sandbox."""

from __future__ import annotations

import threading

from audits.model_execution import try_model_execution
from audits.reaper import start_reaper
from audits.services.evaluations import reclaim_evaluations
from audits.services.what_ifs import delete_expired_what_ifs, reclaim_what_ifs
from audits.stranded_tasks import requeue_stranded_tasks
from governance.services.dossier_exports import reclaim_dossiers
from governance.services.rejudging import judge_what_runs
from registry.services.external_imports import poll_due_registries
from registry.services.sealing import seal_waiting_events

_POLLING_SECONDS = 60
_TRYING_SECONDS = 3600


def start_sweeps() -> list[threading.Event]:
    """Start the threads; setting the events ends them.

    Apart from each other, so that neither a long judging nor a slow registry keeps dead workers' jobs waiting.
    """
    return [
        start_reaper([reclaim_evaluations, reclaim_dossiers, reclaim_what_ifs, requeue_stranded_tasks]),
        start_reaper([judge_what_runs, seal_waiting_events, delete_expired_what_ifs]),
        start_reaper([poll_due_registries], seconds=_POLLING_SECONDS),
        start_reaper([try_model_execution], seconds=_TRYING_SECONDS),
    ]
