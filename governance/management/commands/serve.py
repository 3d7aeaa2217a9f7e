"""``manage.py serve``: web and worker in one process, for demonstrations and trials on one machine."""

from __future__ import annotations

import threading
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from django.core.management.base import BaseCommand, CommandParser
from django_tasks_db.management.commands.db_worker import Worker

from governance.sweeps import start_sweeps


class ThreadedServer(ThreadingMixIn, WSGIServer):
    """One thread a request, so that a page does not wait for an upload."""

    daemon_threads = True


class QuietHandler(WSGIRequestHandler):
    """Requests are not logged: the ledger is."""

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def start_worker() -> Worker:
    """Run the background worker in a thread of this process."""
    worker = Worker(
        queue_names=["default"],
        interval=0.2,
        batch=False,
        backend_name="default",
        startup_delay=False,
        max_tasks=None,
        worker_id="serve",
        excluded_queue_names=[],
    )
    threading.Thread(target=worker.run, name="worker", daemon=True).start()
    start_sweeps()
    return worker


def make_web_server(host: str, port: int) -> ThreadedServer:
    """A web server for this service, not yet serving; port 0 takes a free one."""
    from governance.wsgi import application

    return make_server(host, port, application, server_class=ThreadedServer, handler_class=QuietHandler)


class Command(BaseCommand):
    """Serve."""

    help = "Serve pages and run the worker in one process (for trials; production runs gunicorn and db_worker)"

    def add_arguments(self, parser: CommandParser) -> None:
        """Address."""
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, host: str, port: int, **options: Any) -> None:
        """Until interrupted."""
        start_worker()
        server = make_web_server(host, port)
        self.stdout.write(f"Countersign at http://{host}:{server.server_port} (Ctrl+C stops it)")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            self.stdout.write("stopped")
