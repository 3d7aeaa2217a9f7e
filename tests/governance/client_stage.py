"""A real HTTP server on the loopback that answers what a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "cs_ada_0123456789"

RULES = [
    {
        "id": "discrimination-power",
        "title": "ROC AUC at least 0.75",
        "status": "pass",
        "expected": "at least 0.75",
        "observed": "0.81 (0.79–0.83)",
        "sentence": "The ROC AUC is 0.81; the policy requires at least 0.75.",
        "evidence": [{"sha256": "a" * 64, "url": "/evidence/1"}],
        "fix": "",
    },
    {
        "id": "impact-ratio",
        "title": "Impact ratio at least 0.80",
        "status": "fail",
        "expected": "at least 0.80",
        "observed": "0.71 (0.64–0.79)",
        "sentence": "The impact ratio by race is 0.71; the policy requires at least 0.80.",
        "evidence": [{"sha256": "b" * 64, "url": "/evidence/2"}],
        "fix": "Retrain with a fairness constraint on race.",
    },
]
STAGES = [
    {"name": "owner", "role": "model-owner", "state": "signed", "signed": 1, "quorum": 1},
    {"name": "validation", "role": "validator", "state": "waiting", "signed": 0, "quorum": 1},
]


def decision(result: str, **changes: Any) -> dict[str, Any]:
    """A decision as the service words it."""
    rules = RULES if result == "deny" else [RULES[0]]
    return {
        "id": "8d0f",
        "result": result,
        "reason": "two rules were judged",
        "policy": {"id": "consumer-credit", "version": 4, "sha256": "c" * 64},
        "rules": rules,
        "waiting_for": ["sign-off"] if result == "pending" else [],
        "stages": STAGES,
        "review_url": "http://127.0.0.1/reviews/1",
        "attestation_url": None,
        **changes,
    }


@dataclass
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Answer:
    """One answer to give: JSON unless ``body`` is bytes; ``announced`` is a Content-Length that may be a lie."""

    body: Any = field(default_factory=dict)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    announced: int | None = None
    delay: float = 0.0

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


Script = Answer | Callable[[Asked], Answer]


class Stage:
    """The server: ``answers`` scripts an address, the last answer stays; what no script names is 404."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.scripts: dict[tuple[str, str], list[Script]] = {}
        self.closing = threading.Event()
        stage = self

        class Handler(BaseHTTPRequestHandler):
            def reply(self) -> None:
                stage.reply(self)

            do_GET = do_POST = do_PUT = reply  # noqa: N815

            def log_message(self, *_args: object) -> None:
                """Keep the test's output quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = False
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def answers(self, method: str, path: str, *script: Script) -> None:
        self.scripts[method, path] = list(script)

    def asked_of(self, path: str) -> list[Asked]:
        return [asked for asked in self.asked if asked.path == path]

    def reply(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        asked = Asked(handler.command, handler.path, dict(handler.headers.items()), body)
        self.asked.append(asked)
        script = self.scripts.get((asked.method, asked.path))
        chosen: Script = Answer({"title": "Not found", "status": 404}, 404)
        if script:
            chosen = script.pop(0) if len(script) > 1 else script[0]
        answer = chosen if isinstance(chosen, Answer) else chosen(asked)
        self.closing.wait(answer.delay)
        handler.send_response(answer.status)
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        handler.send_header(
            "Content-Length", str(len(answer.content) if answer.announced is None else answer.announced)
        )
        handler.end_headers()
        handler.wfile.write(answer.content)

    def close(self) -> None:
        self.closing.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class Clock:
    """Time that passes only by sleeping, so that patience is tested without waiting."""

    def __init__(self) -> None:
        self.now = 0.0
        self.naps: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds
