"""Lets go of every privilege before the first untrusted byte is read: user, limits, system calls. Standard library only."""

from __future__ import annotations

import base64
import ctypes
import os
import resource
from typing import Any

_PR_SET_DUMPABLE = 4
_PR_SET_SECCOMP = 22
_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_MODE_FILTER = 2

_NOTHING_OF = (
    resource.RLIMIT_CORE,
    resource.RLIMIT_MSGQUEUE,
    resource.RLIMIT_MEMLOCK,
    resource.RLIMIT_NICE if hasattr(resource, "RLIMIT_NICE") else resource.RLIMIT_CORE,
    resource.RLIMIT_RTPRIO if hasattr(resource, "RLIMIT_RTPRIO") else resource.RLIMIT_CORE,
)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def limit_and_drop(walls: dict[str, Any]) -> None:
    """Set the limits, become the unprivileged user, and make sure that there is no way back.

    Raises
    ------
    OSError, RuntimeError
        If any of it did not happen.
    """
    for name, value in walls["limits"].items():
        number = getattr(resource, name)
        # Reaching the soft limit of processor time ends the process by a signal that tells why; the hard one kills.
        hard = value + 1 if name == "RLIMIT_CPU" else value
        resource.setrlimit(number, (value, hard))
    for number in _NOTHING_OF:
        resource.setrlimit(number, (0, 0))
    user = walls["user"]
    if user is not None:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
        _expect_no_way_back()
    os.umask(0o077)
    libc = ctypes.CDLL(None, use_errno=True)
    _prctl(libc, _PR_SET_DUMPABLE, 0)
    _prctl(libc, _PR_SET_NO_NEW_PRIVS, 1)


def _expect_no_way_back() -> None:
    if 0 in (*os.getresuid(), *os.getresgid()) or os.getgroups():
        message = "the user could not be changed"
        raise RuntimeError(message)
    try:
        os.setuid(0)
    except PermissionError:
        return
    message = "root could be had back"
    raise RuntimeError(message)


def filter_system_calls(walls: dict[str, Any]) -> None:
    """From now on, and in everything started from here, only the system calls of the filter.

    Raises
    ------
    OSError
        If the kernel does not take the filter.
    """
    program = base64.b64decode(walls["filter"])
    buffer = ctypes.create_string_buffer(program, len(program))
    described = _Program(len(program) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    _prctl(libc, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(described))


def _prctl(libc: ctypes.CDLL, option: int, value: int, pointer: Any = None) -> None:
    if libc.prctl(option, ctypes.c_ulong(value), pointer, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), f"prctl {option}")
