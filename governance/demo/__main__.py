"""``python -m governance.demo``: set up a private instance, tell the story, and leave the server running."""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import sys
from pathlib import Path

MARKER = ".countersign-demo"


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bin/demo", description="The main job, end to end, on real mortgage decisions."
    )
    parser.add_argument("--once", action="store_true", help="tell the story and exit, without leaving a server")
    parser.add_argument("--data", type=Path, default=Path("var/demo"), help="where its state goes (default: var/demo)")
    parser.add_argument(
        "--port", type=int, default=None, help="where to serve (default: 8000; any free port with --once)"
    )
    return parser.parse_args(argv)


def _fresh(data: Path) -> Path:
    """An empty folder for the demo's state. Only a folder that an earlier demo made is ever emptied."""
    data = data.resolve()
    if data.exists() and any(data.iterdir()):
        if not (data / MARKER).exists():
            sys.exit(f"bin/demo: {data} is not empty and was not made by a demo; name another folder with --data")
        shutil.rmtree(data)
    data.mkdir(parents=True, exist_ok=True)
    (data / MARKER).touch()
    return data


def _free_port(port: int | None, *, once: bool) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port if port is not None else (0 if once else 8000)))
        except OSError:
            sys.exit(f"bin/demo: port {port or 8000} is taken; stop what uses it, or name another with --port")
        return int(probe.getsockname()[1])


def main(argv: list[str] | None = None) -> int:
    """Run the demo."""
    arguments = _arguments(argv)
    port = _free_port(arguments.port, once=arguments.once)
    data = _fresh(arguments.data)
    os.environ.update(
        DJANGO_SETTINGS_MODULE="governance.settings",
        COUNTERSIGN_ENV="development",
        COUNTERSIGN_DATA_DIR=str(data / "state"),
        COUNTERSIGN_URL=f"http://127.0.0.1:{port}",
        # Refusals are part of the story, which tells them itself.
        COUNTERSIGN_LOG_LEVEL=os.environ.get("COUNTERSIGN_LOG_LEVEL", "ERROR"),
        DATABASE_URL=f"sqlite:///{data / 'state' / 'countersign.sqlite3'}",
    )
    for name in ("COUNTERSIGN_SIGNING_KEY_FILE", "COUNTERSIGN_CHECKPOINT_DIR", "COUNTERSIGN_S3_BUCKET"):
        os.environ.pop(name, None)
    (data / "state").mkdir()
    import django

    django.setup()
    from governance.demo.story import tell

    return tell(data=data, port=port, once=arguments.once)


if __name__ == "__main__":
    sys.exit(main())
