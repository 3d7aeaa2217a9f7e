"""What all attempts have in common: what they are told, where they are listed, system calls by number. Standard library only."""

import ctypes
import json
import os
import sys

told = json.loads(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
ATTEMPTS = []


def attempt(function):
    ATTEMPTS.append(function)
    return function


def system_call(number, *arguments):
    """The result of a system call; the error that it gives is raised."""
    result = libc.syscall(number, *[ctypes.c_long(value) if isinstance(value, int) else value for value in arguments])
    if result == -1:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return f"it returned {result}"
