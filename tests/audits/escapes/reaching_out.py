"""Attempts to reach the network and the files of the host, and to write where nothing may be written."""

# ruff: noqa: PTH101, PTH108, PTH110, PTH208 - it tries things in the plainest way there is

import os
import socket
from pathlib import Path

from attempting import attempt, told

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
