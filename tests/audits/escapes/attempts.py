"""Tries to get out, from inside, in every way that leaves it alive; writes what came of each attempt.

An attempt that gets somewhere returns words that say where; one that is refused raises or returns nothing. Run by
``test_sandbox_escapes.py``, behind the walls and, the harmless ones, without them. Standard library only.
"""

# ruff: noqa: PTH123, PERF401, SIM115, BLE001 - it tries things in the plainest way there is

import json
import mmap
import os
import sys
import tempfile
import threading
from pathlib import Path

import gaining_power
import reaching_out
from attempting import ATTEMPTS, attempt, told

assert gaining_power
assert reaching_out

# ── limits that leave it alive ───────────────────────────────────────────────────────────────────────────────────


@attempt
def memory():
    return len(bytearray(told["memory_bytes"]))


@attempt
def mapped_memory():
    return len(mmap.mmap(-1, told["memory_bytes"]))


@attempt
def large_file():
    with tempfile.TemporaryFile() as file:
        file.truncate(told["file_bytes"] + 1)
    return "made"


@attempt
def much_scratch_space():
    paths = [Path(f"/tmp/work/filler-{number}") for number in range(64)]
    try:
        for path in paths:
            path.write_bytes(bytes(told["file_bytes"]))
    finally:
        for path in paths:
            path.unlink(missing_ok=True)
    return "kept"


@attempt
def many_files():
    files = []
    try:
        for _ in range(told["open_files"] + 1):
            files.append(open(os.devnull, "rb"))
    finally:
        for file in files:
            file.close()
    return "opened"


@attempt
def many_threads():
    done = threading.Event()
    threads = []
    try:
        for _ in range(told["processes"] + 1):
            threads.append(threading.Thread(target=done.wait))
            threads[-1].start()
    except RuntimeError:
        threads.pop()
        raise
    finally:
        done.set()
        for thread in threads:
            thread.join()
    return "started"


@attempt
def raise_a_limit():
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return "raised"


def came_of(function):
    try:
        got = function()
    except BaseException as error:
        refused = isinstance(error, (OSError, MemoryError, RuntimeError)) or "not allowed" in str(error)
        return {"out": False, "refused": refused, "words": repr(error)[:200]}
    return {"out": got is not None, "refused": got is None, "words": str(got)[:200]}


wanted = set(told.get("only", [])) or {function.__name__ for function in ATTEMPTS}
found = {function.__name__: came_of(function) for function in ATTEMPTS if function.__name__ in wanted}
Path(sys.argv[2]).write_text(json.dumps(found))
