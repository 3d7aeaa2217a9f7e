"""Tries to get out, from inside, in every way that leaves it alive; writes what came of each attempt.

An attempt that gets somewhere returns words that say where; one that is refused raises or returns nothing. Run by
``test_sandbox_escapes.py``, behind the walls and, the harmless ones, without them. Standard library only.
"""

# ruff: noqa: PTH101, PTH108, PTH110, PTH123, PTH208, PERF401, SIM115, BLE001 - it tries things in the plainest way there is

import ctypes
import fcntl
import json
import mmap
import os
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
from pathlib import Path

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


# ── network ──────────────────────────────────────────────────────────────────────────────────────────────────────


@attempt
def tcp():
    with socket.create_connection(("127.0.0.1", told["port"]), timeout=1):
        return "connected"


@attempt
def udp():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        return f"sent {sender.sendto(b'secret', ('127.0.0.1', told['port']))} bytes"


@attempt
def unix_socket():
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(told["unix"])
        return "connected"


@attempt
def abstract_socket():
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect("\0" + told["abstract"])
        return "connected"


@attempt
def pair_of_sockets():
    one, other = socket.socketpair()
    one.close()
    other.close()
    return "made"


@attempt
def netlink():
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW):
        return "opened"


@attempt
def names():
    return f"resolved: {socket.getaddrinfo('localhost.example.com', 80)}"


@attempt
def local_names():
    return f"resolved: {socket.gethostbyname('localhost')}" if os.path.exists("/etc/hosts") else None


# ── files of the host ────────────────────────────────────────────────────────────────────────────────────────────


@attempt
def passwords():
    return Path("/etc/passwd").read_text()[:20]


@attempt
def shadow():
    return Path("/etc/shadow").read_text()[:20]


@attempt
def a_file_of_the_service():
    return Path(told["secret"]).read_text()


@attempt
def the_signing_key():
    return Path(told["signing_key"]).read_text()


@attempt
def the_database():
    return Path(told["database"]).read_bytes()


@attempt
def the_checkout():
    return Path(told["checkout"], "manage.py").read_text()[:20]


@attempt
def home_of_root():
    return [name for name in os.listdir("/root") if name != ".pyenv"] or None


@attempt
def environment_of_the_service():
    return [name for name in os.environ if "SECRET" in name or "TOKEN" in name or "KEY" in name] or None


@attempt
def environment_of_the_first_process():
    return Path("/proc/1/environ").read_bytes()[:20]


@attempt
def memory_of_the_first_process():
    return Path("/proc/1/mem").open("rb").read(1)


@attempt
def kernel_settings():
    return Path("/proc/sys/kernel/hostname").read_text()


@attempt
def devices_of_the_machine():
    return os.listdir("/sys")


@attempt
def inherited_descriptors():
    found = []
    for number in range(3, 128):
        try:
            found.append((number, os.fstat(number).st_mode))
        except OSError:
            continue
    return found or None


@attempt
def files_of_another_sandbox():
    return [name for name in os.listdir("/tmp") if name != "work"] or None


# ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────


@attempt
def write_outside():
    for place in (
        "/",
        "/etc",
        "/usr/lib",
        "/sandbox",
        "/sandbox/code/audits/inside",
        "/sandbox/packages",
        "/root",
        "/dev",
    ):
        try:
            Path(place, "escaped").write_text("x")
        except OSError:
            continue
        return f"wrote in {place}"
    return None


@attempt
def overwrite_an_input():
    Path(told["input"]).write_text("x")
    return "wrote"


@attempt
def make_an_input_writable():
    os.chmod(told["input"], 0o666)
    return "changed"


@attempt
def remove_an_input():
    os.unlink(told["input"])
    return "removed"


@attempt
def second_name_of_a_library():
    os.link("/etc/ld.so.cache", "/tmp/work/linked")
    return "linked"


@attempt
def shared_memory():
    Path("/dev/shm/escaped").write_bytes(b"x")
    return "wrote"


@attempt
def device_node():
    os.mknod("/tmp/work/kmsg", 0o666 | 0o020000, os.makedev(1, 11))
    return "made"


@attempt
def a_file_in_memory():
    os.close(os.memfd_create("escaped"))
    return "made"


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
