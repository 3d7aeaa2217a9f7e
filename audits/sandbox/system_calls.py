"""Which system calls may be made inside: computing, reading and writing files, threads; and nothing that reaches out."""

from __future__ import annotations

import base64
import contextlib
import errno
import tempfile
from functools import cache

from audits.sandbox.errors import SandboxUnavailable

_CLONE_THREAD = 0x00010000

ALLOWED = """
    access arch_prctl brk chdir chmod clock_getres clock_gettime clock_nanosleep close close_range copy_file_range creat
    dup dup2 dup3 eventfd2 exit exit_group faccessat faccessat2 fadvise64 fallocate fchdir fchmod fchmodat fcntl fdatasync
    flock fstat fstatfs fsync ftruncate futex futex_waitv getcwd getcpu getdents getdents64 getegid geteuid getgid getgroups
    getpgid getpgrp getpid getppid getpriority getrandom getresgid getresuid getrlimit getrusage getsid gettid gettimeofday
    getuid kill link linkat lseek lstat madvise membarrier mincore mkdir mkdirat mmap mprotect mremap msync
    munmap nanosleep newfstatat open openat openat2 pause pipe pipe2 poll ppoll pread64 preadv preadv2 prlimit64 pselect6
    pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv rename renameat renameat2 restart_syscall rmdir rseq
    rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait sched_get_priority_max
    sched_get_priority_min sched_getaffinity sched_getparam sched_getscheduler sched_yield select set_robust_list
    set_tid_address setrlimit sigaltstack stat statfs statx symlink symlinkat sync_file_range sysinfo tgkill time times tkill
    truncate umask uname unlink unlinkat utime utimensat utimes wait4 waitid write writev epoll_create1 epoll_ctl epoll_wait
    epoll_pwait get_robust_list sched_setaffinity timer_create timer_settime timer_gettime timer_delete alarm setitimer getitimer
""".split()  # noqa: SIM905 - a paragraph is easier to review than two hundred quoted words
"""By name; those that this processor or libseccomp does not know are passed over. All others answer "no such call"."""


REFUSED = """
    fork vfork execve execveat socket socketpair connect bind listen accept accept4 sendto sendmsg sendmmsg
    recvfrom recvmsg recvmmsg ptrace process_vm_readv process_vm_writev process_madvise mount umount2 pivot_root chroot unshare
    setns setuid setgid setreuid setregid setresuid setresgid setfsuid setfsgid setgroups capset keyctl add_key request_key bpf
    perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register memfd_create memfd_secret mknod mknodat chown
    fchown fchownat seccomp reboot kexec_load init_module finit_module delete_module
""".split()  # noqa: SIM905
"""Those of which people are told that they are not permitted, instead of that there are none."""


@cache
def system_call_filter() -> str:
    """The filter as a BPF program, base64: threads may be started and processes may not.

    Raises
    ------
    SandboxUnavailable
        If libseccomp is not installed.
    """
    try:
        import pyseccomp
    except (ImportError, RuntimeError, OSError, AttributeError) as error:
        message = f"libseccomp is missing (Debian: libseccomp2): {error}"
        raise SandboxUnavailable(message) from None
    # What is not known answers ENOSYS, so that the C library falls back to what is (clone3 to clone, for one).
    rules = pyseccomp.SyscallFilter(pyseccomp.ERRNO(errno.ENOSYS))
    for name in ALLOWED:
        with contextlib.suppress(OSError, RuntimeError, ValueError):
            rules.add_rule(pyseccomp.ALLOW, name)
    for name in REFUSED:
        with contextlib.suppress(OSError, RuntimeError, ValueError):
            rules.add_rule(pyseccomp.ERRNO(errno.EPERM), name)
    process = pyseccomp.Arg(0, pyseccomp.MASKED_EQ, _CLONE_THREAD, 0)
    rules.add_rule(pyseccomp.ERRNO(errno.EPERM), "clone", process)
    thread = pyseccomp.Arg(0, pyseccomp.MASKED_EQ, _CLONE_THREAD, _CLONE_THREAD)
    rules.add_rule(pyseccomp.ALLOW, "clone", thread)
    # Terminals are asked for their size by whatever prints; every other request of a device is refused.
    for request in _HARMLESS_REQUESTS:
        rules.add_rule(pyseccomp.ALLOW, "ioctl", pyseccomp.Arg(1, pyseccomp.EQ, request))
    # A process may name itself; it may not change its privileges, or who is told when it dies.
    for option in _HARMLESS_OPTIONS:
        rules.add_rule(pyseccomp.ALLOW, "prctl", pyseccomp.Arg(0, pyseccomp.EQ, option))
    # The filter is put on once more by those that come after the first: stricter is always allowed.
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return base64.b64encode(file.read()).decode("ascii")


_HARMLESS_REQUESTS = (
    0x5401,  # TCGETS: is it a terminal
    0x5413,  # TIOCGWINSZ: its size
    0x541B,  # FIONREAD: how much waits to be read
    0x5451,  # FIOCLEX
    0x5450,  # FIONCLEX
    0x5421,  # FIONBIO
)
_HARMLESS_OPTIONS = (
    15,  # PR_SET_NAME
    16,  # PR_GET_NAME
    3,  # PR_GET_DUMPABLE
    0x53564D41,  # PR_SET_VMA: names of mappings, which the C library sets
)
