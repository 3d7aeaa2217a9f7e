"""``manage.py db_worker``: django-tasks' worker with the reaper beside it. Run as many as there is work for."""

from __future__ import annotations

from typing import Any

from django_tasks_db.management.commands import db_worker

from audits.reaper import start_reaper
from audits.services.evaluations import reclaim_evaluations
from audits.stranded_tasks import requeue_stranded_tasks
from governance.services.dossier_exports import reclaim_dossiers
from governance.services.rejudging import judge_what_runs
from registry.services.sealing import seal_waiting_events


class Command(db_worker.Command):
    """The worker."""

    help = "Measure, judge and render in the background; takes back what dead workers left"

    def handle(self, **options: Any) -> None:
        """Work until stopped."""
        stop = start_reaper([reclaim_evaluations, reclaim_dossiers, requeue_stranded_tasks, judge_what_runs, seal_waiting_events])
        try:
            super().handle(**options)
        finally:
            stop.set()
