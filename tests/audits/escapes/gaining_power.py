"""Attempts to start, trace and signal processes, and to gain privileges of the kernel. Numbers of system calls are those of x86-64."""

# ruff: noqa: PTH123 - it tries things in the plainest way there is

import ctypes
import fcntl
import os
import struct
import subprocess
import sys
import termios

from attempting import attempt, system_call, told

# ── other processes ──────────────────────────────────────────────────────────────────────────────────────────────


@attempt
def fork():
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return "forked"


@attempt
def program():
    return subprocess.run([sys.executable, "-c", ""], check=True).returncode


@attempt
def spawn():
    return os.waitpid(os.posix_spawn(sys.executable, ["python", "-c", ""], {}), 0)


@attempt
def process_by_clone():
    return system_call(56, 17, 0, 0, 0, 0)


@attempt
def process_by_clone3():
    arguments = struct.pack("11Q", 0, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0)
    return system_call(435, ctypes.c_char_p(arguments), 88)


@attempt
def trace_the_parent():
    return system_call(101, 16, os.getppid(), 0, 0)


@attempt
def memory_of_the_parent():
    target = ctypes.create_string_buffer(8)
    local = struct.pack("QQ", ctypes.addressof(target), 8)
    remote = struct.pack("QQ", 0x400000, 8)
    return system_call(310, os.getppid(), ctypes.c_char_p(local), 1, ctypes.c_char_p(remote), 1, 0)


@attempt
def signal_the_service():
    os.kill(told["service"], 0)
    return "the service can be signalled"


# ── privileges and the kernel ────────────────────────────────────────────────────────────────────────────────────


@attempt
def root():
    os.setuid(0)
    return "root"


@attempt
def root_by_all_ids():
    os.setresuid(0, 0, 0)
    return "root"


@attempt
def user_namespace():
    return system_call(272, 0x10000000)


@attempt
def mount():
    return system_call(165, ctypes.c_char_p(b"none"), ctypes.c_char_p(b"/tmp/work"), ctypes.c_char_p(b"tmpfs"), 0, 0)


@attempt
def new_root():
    os.chroot("/tmp")
    return "changed"


@attempt
def file_by_handle():
    return system_call(304, -100, ctypes.c_char_p(bytes(16)), 0)


@attempt
def kernel_keys():
    return system_call(250, 0, -3, 1)


@attempt
def kernel_program():
    return system_call(321, 0, ctypes.c_char_p(struct.pack("IIII", 2, 4, 4, 1) + bytes(112)), 128)


@attempt
def kernel_ring():
    return system_call(425, 1, ctypes.c_char_p(bytes(120)))


@attempt
def performance_counters():
    return system_call(298, ctypes.c_char_p(bytes(120)), 0, -1, -1, 0)


@attempt
def faults_in_user_space():
    return system_call(323, 1)


@attempt
def shared_memory_of_system_v():
    return system_call(29, 0, 4096, 0o1600)


@attempt
def a_filter_of_its_own():
    return system_call(317, 0, 0, 0)


@attempt
def personality():
    return system_call(135, 0x0040000)


@attempt
def stay_when_the_parent_dies():
    return system_call(157, 1, 0, 0, 0, 0)


@attempt
def kernel_log():
    return system_call(103, 10, 0, 0)


@attempt
def terminal():
    for number in (0, 1, 2):
        try:
            fcntl.ioctl(number, termios.TIOCSTI, b"x")
        except OSError:
            continue
        return "typed into the terminal"
    with open("/dev/tty", "wb"):
        return "opened the terminal"
