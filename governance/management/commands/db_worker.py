"""``manage.py db_worker``: django-tasks' worker with the reaper beside it. Run as many as there is work for."""

from __future__ import annotations

from typing import Any

from django_tasks_db.management.commands import db_worker

from governance.sweeps import start_sweeps


class Command(db_worker.Command):
    """The worker."""

    help = "Measure, judge and render in the background; takes back what dead workers left"

    def handle(self, **options: Any) -> None:
        """Work until stopped."""
        threads = start_sweeps()
        try:
            super().handle(**options)
        finally:
            for stop in threads:
                stop.set()
