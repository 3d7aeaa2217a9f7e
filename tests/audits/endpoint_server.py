"""A server that speaks the Open Inference Protocol, version 2, over real HTTP, as well or as badly as a test wants."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

KINDS = {"FP64": "<f8", "FP32": "<f4", "INT64": "<i8", "INT32": "<i4", "BOOL": "?"}


@dataclass
class Behaviour:
    """What the server does; tests change it between questions.

    Attributes
    ----------
    answer
        From {input: array} to [(output, datatype, values)].
    bad
        Called with the handler in the place of answering a question; returns False to answer it after all.
    """

    inputs: list
    outputs: list
    answer: object
    name: str = "credit"
    extensions: list = field(default_factory=list)
    bad: object = None
    seen: list = field(default_factory=list)
    bodies: list = field(default_factory=list)


@contextmanager
def serving(behaviour):
    """The server's address; it runs in threads of its own."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_args):
            pass

        def send(self, body, status=200, **headers):
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_GET(self):
            behaviour.seen.append((self.path, dict(self.headers)))
            model = f"/v2/models/{behaviour.name}"
            if self.path == "/v2/health/ready":
                self.send(b"")
            elif self.path == "/v2":
                self.send({"name": "test", "version": "1", "extensions": behaviour.extensions})
            elif self.path in {model, f"{model}/versions/3"}:
                told = {"inputs": behaviour.inputs, "outputs": behaviour.outputs}
                self.send({"name": behaviour.name, "versions": ["3"], "platform": "python", **told})
            else:
                self.send({"error": "no such model"}, 404)

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            behaviour.seen.append((self.path, dict(self.headers)))
            behaviour.bodies.append(body)
            if behaviour.bad is not None and behaviour.bad(self) is not False:
                return
            made = behaviour.answer(tensors_of(body, self.headers.get("Inference-Header-Content-Length")))
            outputs = [
                {"name": name, "datatype": kind, "shape": list(np.shape(values)), "data": np.ravel(values).tolist()}
                for name, kind, values in made
            ]
            self.send({"model_name": behaviour.name, "model_version": "3", "outputs": outputs})

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        server.handle_error = lambda *_args: None  # clients of these tests hang up
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def tensors_of(body, header_length):
    """{input: array} of a question, from JSON or from the binary extension."""
    length = int(header_length or len(body))
    rest, found = memoryview(body)[length:], {}
    for tensor in json.loads(body[:length])["inputs"]:
        size = tensor.get("parameters", {}).get("binary_data_size")
        if size is None:
            values = np.array(tensor["data"], dtype=KINDS.get(tensor["datatype"], object))
        elif tensor["datatype"] == "BYTES":
            values, rest = np.array(texts_in(bytes(rest[:size])), dtype=object), rest[size:]
        else:
            values, rest = np.frombuffer(rest[:size], KINDS[tensor["datatype"]]), rest[size:]
        found[tensor["name"]] = values.reshape(tensor["shape"])
    return found


def texts_in(content):
    found = []
    while content:
        length = int.from_bytes(content[:4], "little")
        found.append(content[4 : 4 + length].decode())
        content = content[4 + length :]
    return found


def slow(handler):
    """One byte every now and then, for ever."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    for _ in range(200):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.05)
