"""What a sandbox sees of the machine, as arguments of bubblewrap: Python, its packages, the libraries they need."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from audits.sandbox.errors import SandboxUnavailable
from audits.sandbox.limits import Limits

CODE, PACKAGES, SCRATCH = "/sandbox/code", "/sandbox/packages", "/tmp"  # noqa: S108 - the sandbox's own, made for it

_BOOT = f"import sys; sys.path += [{CODE!r}, {PACKAGES!r}]; from audits.inside.__main__ import main; main()"
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS")


def command(
    *, limits: Limits, threads: int, inputs: Sequence[tuple[Path, str]], environment: Mapping[str, str], told: int
) -> list[str]:
    """The command that starts a sandbox.

    Parameters
    ----------
    inputs
        Files and folders, and where they lie inside; read-only.
    environment
        Variables beside those that every sandbox has.
    told
        A file descriptor to which bubblewrap writes the process id.

    Raises
    ------
    SandboxUnavailable
        If bubblewrap is not installed, or root may not make the namespaces.
    """
    return [
        _bubblewrap(),
        *_apart(),
        *("--new-session", "--die-with-parent", "--hostname", "sandbox", "--clearenv"),
        *("--info-fd", str(told)),
        *(part for pair in sorted(variables(threads, environment).items()) for part in ("--setenv", *pair)),
        *_machine(),
        *("--dev", "/dev", "--remount-ro", "/dev"),
        *("--size", str(limits.scratch_bytes), "--perms", "0777", "--tmpfs", SCRATCH),
        *_inputs(inputs),
        *("--remount-ro", "/", "--chdir", SCRATCH, "--"),
        *(_python(), "-s", "-P", "-S", "-B", "-c", _BOOT),
    ]


def as_root() -> bool:
    """Whether this service runs as root, so that the user is changed inside instead of by a user namespace."""
    return os.geteuid() == 0


def _apart() -> list[str]:
    apart = ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    if as_root():
        # Limits of processes hold for nobody who is root outside, in whatever namespace: no user namespace is made, and the
        # two capabilities that are left serve to become another user before anything untrusted is read.
        return [*apart, "--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    return [*apart, "--unshare-user", "--disable-userns", "--uid", "65534", "--gid", "65534", "--cap-drop", "ALL"]


def variables(threads: int, environment: Mapping[str, str]) -> dict[str, str]:
    """All that a sandbox has for an environment, with ``environment`` beside and before what every one has."""
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": SCRATCH,
        "TMPDIR": SCRATCH,
        "USER": "sandbox",
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "ARROW_DEFAULT_MEMORY_POOL": "system",
        "MALLOC_ARENA_MAX": "2",
        "JOBLIB_MULTIPROCESSING": "0",
        "NUMBA_CACHE_DIR": SCRATCH,
        "MPLCONFIGDIR": SCRATCH,
        **dict.fromkeys(_THREADS, str(threads)),
        **environment,
    }


@cache
def _bubblewrap() -> str:
    found = shutil.which("bwrap", path="/usr/bin:/bin:/usr/local/bin") or shutil.which("bwrap")
    if found is None:
        message = "bubblewrap is not installed (Debian: bubblewrap)"
        raise SandboxUnavailable(message)
    return found


@cache
def _python() -> str:
    # Of a virtual environment, what it is made from: the environment itself is not seen inside, only its packages.
    return os.path.realpath(sys.executable)


@cache
def _machine() -> tuple[str, ...]:
    """The parts of this machine that are seen, read-only."""
    arguments: list[str] = []
    for folder in _folders_above([*_libraries(), PACKAGES, f"{CODE}/audits/inside", "/usr/share/zoneinfo", "/etc/ld"]):
        # What bubblewrap makes by itself only root may enter.
        arguments += ("--perms", "0755", "--dir", folder)
    for path in ("/lib", "/lib64"):
        if Path(path).is_symlink():
            arguments += ("--symlink", str(Path(path).readlink()), path)
    for path in _libraries():
        arguments += ("--ro-bind", path, path)
    arguments += ("--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache")
    arguments += ("--ro-bind-try", "/usr/share/zoneinfo", "/usr/share/zoneinfo")
    arguments += ("--ro-bind", _packages(), PACKAGES)
    arguments += ("--ro-bind", str(Path(__file__).parent.parent / "inside"), f"{CODE}/audits/inside")
    return tuple(arguments)


def _packages() -> str:
    # Where they are in fact imported from, in whatever way this process was started.
    found = importlib.util.find_spec("pyarrow")
    if found is None or found.origin is None:
        message = "pyarrow is not installed"
        raise SandboxUnavailable(message)
    return str(Path(found.origin).parent.parent)


def _libraries() -> Iterator[str]:
    shared = f"/usr/lib/{sysconfig.get_config_var('MULTIARCH') or 'lib'}"
    yield shared if Path(shared).is_dir() else "/usr/lib"
    for path in ("/usr/lib64", "/lib", "/lib64"):
        if Path(path).is_dir() and not Path(path).is_symlink():
            yield path
    yield _python()
    yield sysconfig.get_path("stdlib", vars={"installed_base": sys.base_prefix, "base": sys.base_prefix})
    library = sysconfig.get_config_var("INSTSONAME")
    place = Path(sysconfig.get_config_var("LIBDIR") or "", library or "")
    if place.is_file():
        yield str(place)


def _inputs(inputs: Sequence[tuple[Path, str]]) -> Iterator[str]:
    for folder in _folders_above([place for _, place in inputs]):
        # In the scratch space more can be written beside what lies there.
        if folder != SCRATCH:
            yield from ("--perms", "0777" if folder.startswith(f"{SCRATCH}/") else "0755", "--dir", folder)
    for source, place in inputs:
        yield from ("--ro-bind", str(source), place)


def _folders_above(places: Iterable[str]) -> list[str]:
    """Every folder above one of these, outer ones first."""
    return sorted({str(parent) for place in places for parent in Path(place).parents} - {"/"})
