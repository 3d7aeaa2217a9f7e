"""A small HTTP server that answers as MLflow's REST reference says: searches with pages, aliases, tags; and its bad days."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


@dataclass
class FakeMlflow:
    """What the server holds, how it behaves, and what it was asked."""

    versions: list[dict] = field(default_factory=list)
    models: list[dict] = field(default_factory=list)
    page: int = 2
    mood: str = ""
    authorization: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""

    def put(self, name: str, version: str, **said) -> None:
        """One version, as MLflow shows it; its model too."""
        stamp = {"creation_timestamp": 1700000000000, "last_updated_timestamp": "1700000000000"}
        self.versions.append({"name": name, "version": version, "current_stage": "None", **stamp, **said})
        if name not in {model["name"] for model in self.models}:
            self.models.append({"name": name, **stamp})

    def answer(self, noun: str, query: dict) -> dict:
        """One page."""
        key, items = noun.replace("-", "_"), self.models if noun == "registered-models" else self.versions
        start = int(query.get("page_token", ["0"])[0])
        found = {key: items[start : start + self.page]} if items else {}
        if start + self.page < len(items):
            found["next_page_token"] = "0" if self.mood == "circle" else str(start + self.page)
        return found


def _handler(stage: FakeMlflow):  # noqa: C901 - one small method for each thing that a server may do
    class Handler(BaseHTTPRequestHandler):
        def _any(self):
            parts = urlsplit(self.path)
            stage.asked.append((self.command, parts.path))
            if stage.authorization and self.headers.get("Authorization") != stage.authorization:
                return self._send(401, b"{}")
            noun = parts.path.removeprefix("/mlflow").removeprefix("/api/2.0/mlflow/").removesuffix("/search")
            if self.command != "GET" or noun not in {"registered-models", "model-versions"}:
                return self._send(404, b"{}")
            return self._mood(json.dumps(stage.answer(noun, parse_qs(parts.query))).encode(), noun)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any  # noqa: N815 - the standard library's names

        def _mood(self, body, noun):
            if stage.mood == "slow":
                return self._drip(body)
            moods = {
                "redirect": (302, b"", {"Location": f"{stage.url}/elsewhere"}),
                "error": (500, b'{"error_code": "INTERNAL_ERROR"}'),
                "text": (200, b"<html>sign in</html>"),
                "list": (200, b"[]"),
                "strange": (200, json.dumps({noun.replace("-", "_"): ["x"]}).encode()),
                "huge": (200, b" " * (17 * 1024 * 1024)),
                "breaks off": (200, body, {"Content-Length": str(len(body) + 10)}),
            }
            if noun == "model-versions" and "page_token" in self.path:
                moods["second page fails"] = (503, b"{}")
            return self._send(*moods.get(stage.mood, (200, body)))

        def _send(self, status, body, headers=()):
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **dict(headers)}.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                self.wfile.write(body)
            except OSError:
                self.close_connection = True

        def _drip(self, body):
            self.send_response(200)
            self.send_header("Content-Length", str(len(body) + 1000))
            self.end_headers()
            try:
                for _ in range(1000):
                    self.wfile.write(b" ")
                    time.sleep(0.05)
            except OSError:
                self.close_connection = True

        def log_message(self, *args):
            pass

    return Handler


@contextmanager
def mlflow_server():
    """The server on a free port of this machine."""
    stage = FakeMlflow()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(stage))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    stage.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield stage
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
