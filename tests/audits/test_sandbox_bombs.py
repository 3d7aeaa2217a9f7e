"""Submitted scripts that take all they can, or end in bad ways: limits hold, and the service goes on."""

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from audits.sandbox.errors import ModelFailed
from audits.sandbox.limits import Limits
from audits.sandbox.probe import probe
from audits.sandbox.script import run_script

MIB = 1024 * 1024
SLACK_SECONDS = 2.0

pytestmark = pytest.mark.skipif(not probe().works, reason=f"no sandbox works here: {probe().reason}")


def limits(**given):
    return Limits(
        **{
            "memory_bytes": 256 * MIB,
            "cpu_seconds": 5,
            "wall_seconds": 20.0,
            "processes": 16,
            "open_files": 64,
            "file_bytes": 4 * MIB,
            "scratch_bytes": 16 * MIB,
            "output_bytes": 16 * MIB,
            **given,
        }
    )


@dataclass
class Ended:
    """What became of a script: the error, or what it left."""

    error: str = ""
    exit_code: int | None = None
    log: str = ""
    outputs: dict | None = None
    refused: dict | None = None
    peak: int = 0


@pytest.fixture
def run(tmp_path):
    def run(code, *, outputs=(), **given):
        (tmp_path / "train.py").write_text(code)
        allowed = limits(**given)
        began = time.monotonic()
        try:
            with run_script(
                "train.py", files={"train.py": tmp_path / "train.py"}, outputs=outputs, limits=allowed
            ) as result:
                ended = Ended(
                    exit_code=result.exit_code,
                    log=result.log,
                    outputs={name: path.read_bytes() for name, path in result.outputs.items()},
                    refused=dict(result.refused),
                    peak=result.usage.peak_memory_bytes,
                )
        except ModelFailed as error:
            ended = Ended(error=error.message)
        assert time.monotonic() - began <= allowed.wall_seconds + SLACK_SECONDS
        assert ended.peak <= allowed.memory_bytes
        return ended

    return run


ENDED_BY_A_LIMIT = {
    "a loop": ("while True: pass", {"cpu_seconds": 1, "wall_seconds": 60.0}, "1 seconds of processor time"),
    "a loop that ignores the warning": (
        "import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass",
        {"cpu_seconds": 1, "wall_seconds": 60.0},
        "1 seconds of processor time",
    ),
    "sleep": (
        "import signal, time\nfor number in (1, 2, 15): signal.signal(number, signal.SIG_IGN)\nwhile True: time.sleep(100)",
        {"wall_seconds": 1.0},
        "longer than its limit of 1 seconds",
    ),
    "forks for ever": (
        "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass",
        {"wall_seconds": 1.5},
        "limit",
    ),
    "threads for ever": (
        "import _thread, time\nwhile True:\n    try:\n        _thread.start_new_thread(time.sleep, (100,))\n    except RuntimeError:\n        pass",
        {"wall_seconds": 1.5},
        "limit",
    ),
    "prints for ever": (
        "import os\nwhile True: os.write(1, b'x' * 65536)",
        {"output_bytes": 8 * MIB},
        "printed more than its limit",
    ),
    "kills whoever started it": ("import os\nos.kill(os.getppid(), 9)", {}, "it was killed"),
    "kills everybody": ("import os\nos.kill(-1, 9)", {}, "it was killed"),
    "stops whoever started it": (
        "import os\nos.kill(os.getppid(), 19)",
        {"wall_seconds": 1.0},
        "longer than its limit",
    ),
}


@pytest.mark.parametrize("name", ENDED_BY_A_LIMIT)
def test_whoever_reaches_a_limit_is_ended_and_the_error_names_it(run, name):
    code, given, words = ENDED_BY_A_LIMIT[name]
    assert words in run(code, **given).error


HANDED_NOTHING = {
    "heap": "x = []\nwhile True: x.append(bytearray(10_000_000))",
    "mappings": "import mmap\nx = []\nwhile True: x.append(mmap.mmap(-1, 50_000_000))",
    "a file in scratch space": "open('m', 'wb').write(bytes(5 * 1024 * 1024))",
    "many files in scratch space": "for n in range(99): open(f'm{n}', 'wb').write(bytes(1024 * 1024))",
    "a file that is sparse": "open('m', 'wb').truncate(1 << 40)",
    "recursion": "import sys\nsys.setrecursionlimit(10**9)\ndef f(n): return (n, f(bytes(100_000)))\nf(0)",
    "a wrong pointer": "import ctypes\nctypes.string_at(0)",
    "an abort": "import os\nos.abort()",
    "32 bit system calls": "import ctypes, mmap\ncode = mmap.mmap(-1, 4096, prot=7)\n"
    "code.write(bytes.fromhex('b814000000cd80c3'))\n"
    "print(ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))() > 0 or 1 / 0)",
    "system calls of another kind": "import ctypes\nprint(ctypes.CDLL(None).syscall(0x40000000 + 39) > 0 or 1 / 0)",
    "exit code": "raise SystemExit(7)",
    "an exit without goodbye": "import os\nos._exit(200)",
}


@pytest.mark.parametrize("name", HANDED_NOTHING)
def test_whoever_breaks_hands_out_nothing(run, name):
    ended = run(HANDED_NOTHING[name], outputs=["m"], wall_seconds=3.0)
    assert ended.error or ended.exit_code != 0
    assert not ended.outputs or len(ended.outputs["m"]) <= limits().file_bytes


def test_only_regular_files_of_its_own_come_back(run):
    code = """
import os
os.symlink('/etc/ld.so.cache', 'link')
os.symlink('/tmp/work', 'folder-link')
open('kept', 'w').write('kept')
os.link('kept', 'second-name')
os.mkdir("folder")
open('large', 'wb').truncate(4 * 1024 * 1024)
open('inner', 'w').write('x')
open('good', 'w').write('good')
"""
    asked = ["link", "folder-link/inner", "kept", "second-name", "folder", "good", "absent", "large"]
    ended = run(code, outputs=asked)
    assert ended.exit_code == 0, ended.log
    assert {name: len(content) for name, content in ended.outputs.items()} == {"good": 4, "large": 4 * MIB}
    assert set(ended.refused) == set(asked) - {"good", "large"}


def test_all_outputs_together_have_a_limit(run):
    code = "for n in range(4): open(str(n), 'wb').write(bytes(2 * 1024 * 1024))"
    ended = run(code, outputs=["0", "1", "2", "3"], output_bytes=5 * MIB)
    assert "more than its limit" in ended.error


def test_what_it_prints_cannot_steer_a_terminal_or_a_page(run):
    ended = run("print('\\x1b]0;owned\\x07\\x1b[2J\\u202e<script>\\x00\\u2028end')")
    assert ended.log == "]0;owned[2J<script>end"


def test_only_the_end_of_what_it_prints_is_kept(run):
    ended = run("print('first')\nfor n in range(100000): print(f'line {n}')")
    assert ended.exit_code == 0
    assert len(ended.log) <= 2_000
    assert ended.log.endswith("line 99999")


def test_a_sandbox_dies_with_its_worker(tmp_path):
    """Killed without a word, as by a machine that has no memory; the script itself ignores the end of every pipe."""
    (tmp_path / "train.py").write_text("while True: pass")
    worker = (
        "import sys\nfrom pathlib import Path\n"
        "from audits.sandbox.limits import Limits\nfrom audits.sandbox.script import run_script\n"
        "def told(share, note):\n    print('running', flush=True)\n"
        "files = {'train.py': Path(sys.argv[1])}\n"
        "with run_script('train.py', files=files, limits=Limits(), progress=told): pass\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", worker, tmp_path / "train.py"], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    ) as started:
        started.stdout.readline()
        # By then the script itself computes: outermost, first process of the namespace, what watches, the script.
        below = _wait_for(lambda: len(_below(started.pid)) >= 4 and _below(started.pid))
        started.kill()
    assert _wait_for(lambda: not [process for process in below if Path(f"/proc/{process}").exists()])


def _below(process):
    """The processes that descend from one."""
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
        # What starts a sandbox is a thread of its own.
        for task in Path(f"/proc/{process}/task").iterdir():
            children += [child for child in (task / "children").read_text().split() if child not in children]
    except OSError:
        return []
    return [*children, *(below for child in children for below in _below(child))]


def _wait_for(answer, seconds=20.0):
    until = time.monotonic() + seconds
    while not (found := answer()) and time.monotonic() < until:
        time.sleep(0.02)
    return found


def test_a_sandbox_ends_with_the_evaluation_that_was_cancelled(tmp_path):
    class Cancelled(Exception):
        pass

    (tmp_path / "train.py").write_text("import time\ntime.sleep(60)")

    def progress(share, note):
        raise Cancelled

    began = time.monotonic()
    with (
        pytest.raises(Cancelled),
        run_script("train.py", files={"train.py": tmp_path / "train.py"}, limits=limits(), progress=progress),
    ):
        pass
    assert time.monotonic() - began < limits().wall_seconds
