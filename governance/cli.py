"""The ``countersign`` command: sends each word to the half that knows it, importing nothing else."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from governance import client

if TYPE_CHECKING:
    from collections.abc import Sequence

LOCAL = {
    "evaluate": "measure performance or fairness of a file of predictions, here, without a server",
    "policy": "check a policy, or judge facts by it, here, without a server",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    ``evaluate`` and ``policy`` are the local half, the very code that the server runs; everything else is the client,
    which is imported alone so that a CI job starts in a tenth of a second.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    word = arguments[0] if arguments else ""
    if word == "evaluate":
        from audits.evaluate_cli import main as evaluate

        return evaluate(arguments[1:])
    if word == "policy":
        from governance.policy_cli import main as policy

        return policy(arguments[1:])
    return client.main(arguments, also=LOCAL)


if __name__ == "__main__":
    sys.exit(main())
