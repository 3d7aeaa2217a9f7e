"""A small S3 for tests: listing, heads and ranged reads of objects in memory, over real HTTP on this machine."""

from __future__ import annotations

import hashlib
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        return

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        parts = urlsplit(self.path)
        bucket, _, key = unquote(parts.path).removeprefix("/").partition("/")
        if self.server.key not in self.headers.get("Authorization", ""):
            self._answer(403, b"<Error><Code>AccessDenied</Code><Message>who are you</Message></Error>")
        elif "list-type" in (asked := parse_qs(parts.query)):
            self._answer(200, self._listing(bucket, asked.get("prefix", [""])[0], asked.get("delimiter", [""])[0]))
        elif (body := self.server.objects.get(f"{bucket}/{key}")) is None:
            self._answer(404, b"<Error><Code>NoSuchKey</Code><Message>no such key</Message></Error>")
        else:
            self._object(body)

    def _object(self, body):
        self.server.asked.append((self.command, self.path, self.headers.get("Range")))
        headers = {"ETag": f'"{hashlib.md5(body).hexdigest()}"', "Accept-Ranges": "bytes"}
        if span := self.headers.get("Range"):
            first, last = span.removeprefix("bytes=").split("-")
            start, end = int(first), min(int(last or len(body) - 1), len(body) - 1)
            headers["Content-Range"] = f"bytes {start}-{end}/{len(body)}"
            self._answer(206, body[start : end + 1], **headers)
        else:
            self._answer(200, body, **headers)

    def _listing(self, bucket, prefix, delimiter):
        keys = [name.partition("/")[2] for name in sorted(self.server.objects) if name.startswith(f"{bucket}/{prefix}")]
        shown, folders = [], set()
        for key in keys:
            rest = key.removeprefix(prefix)
            if delimiter and delimiter in rest:
                folders.add(prefix + rest.split(delimiter)[0] + delimiter)
            else:
                size = len(self.server.objects[f"{bucket}/{key}"])
                shown.append(
                    f"<Contents><Key>{escape(key)}</Key><Size>{size}</Size><ETag>x</ETag>"
                    "<LastModified>2026-01-01T00:00:00Z</LastModified></Contents>"
                )
        shown += [f"<CommonPrefixes><Prefix>{escape(folder)}</Prefix></CommonPrefixes>" for folder in sorted(folders)]
        return (
            f"<ListBucketResult><Name>{bucket}</Name><Prefix>{escape(prefix)}</Prefix><KeyCount>{len(shown)}</KeyCount>"
            f"<MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated>{''.join(shown)}</ListBucketResult>"
        ).encode()

    def _answer(self, status, body, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Type", "application/xml" if body.startswith(b"<") else "application/octet-stream")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@contextmanager
def object_store(objects, *, key):
    """Serve ``{"bucket/key": bytes}`` to those who show the access key; gives the server, its address and what was asked."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.objects, server.key, server.asked = objects, key, []
    server.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
