"""What the kernel keeps the confined process from, whatever code comes to run in it.

Limits that nobody can raise again hold for memory, computing, files, processes and core dumps. On Linux a filter of
system calls comes on top (seccomp, through the system's libseccomp): what is left is to compute, to read the request
and to write the answer. No file, no socket, no process, no executable memory, no signal to others.
"""

import contextlib
import ctypes
import errno
import os
import socket
import sys
from collections.abc import Callable

try:
    import resource
except ImportError:  # no such limits on Windows: there the clock of the parent alone ends a template
    resource = None  # type: ignore[assignment]

CPU_SECONDS = 400
"""Seconds of computing after which a process ends for good; its parent takes a new one long before."""

_LIBRARY = "libseccomp.so.2"
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM
_MASKED_EQUAL = 7
_PROT_EXEC = 4
_PROTECTION_ARGUMENT = 2  # of mmap and mprotect alike
_CALLS = (
    "read", "write", "close", "lseek", "fstat",
    "brk", "munmap", "mremap", "madvise",
    "futex", "sched_yield", "rt_sigreturn", "rt_sigprocmask", "restart_syscall", "setitimer",
    "clock_gettime", "gettimeofday", "time", "getrandom", "getpid",
    "exit", "exit_group",
)  # fmt: skip
_CALLS_WITHOUT_CODE = ("mmap", "mprotect")


class _Comparison(ctypes.Structure):
    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("mask", ctypes.c_uint64),
        ("value", ctypes.c_uint64),
    )


def confine(memory: int) -> None:
    """Give up, for this process and for good, all but computing with ``memory`` bytes of address space."""
    library = _seccomp()  # its file can no longer be opened afterwards
    if resource is not None:
        for limit, value in (
            ("RLIMIT_AS", memory),
            ("RLIMIT_CPU", CPU_SECONDS),
            ("RLIMIT_CORE", 0),
            ("RLIMIT_FSIZE", 0),
            ("RLIMIT_NPROC", 0),
            ("RLIMIT_NOFILE", 3),  # standard input, output and error are open
        ):
            _lower(limit, value)
    if library is not None:
        _filter_calls(library)


def held() -> dict[str, bool]:
    """Try what the confined process must not do, and return by name what it is kept from.

    For the confined process itself, whose answer `harness doctor` shows.
    """
    return {
        "files": _fails(lambda: os.close(os.open(os.devnull, os.O_RDONLY))),
        "network": _fails(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()),
        "processes": hasattr(os, "fork") and _fails(_fork),
        "limits": _fails(_raise_limit),
    }


def _lower(name: str, value: int) -> None:
    """Set a limit for good, or leave the one that somebody else has set lower."""
    what = getattr(resource, name, None)
    if what is None:
        return
    _, hard = resource.getrlimit(what)
    kept = value if hard == resource.RLIM_INFINITY else min(value, hard)
    with contextlib.suppress(ValueError, OSError):  # macOS refuses to limit the address space
        resource.setrlimit(what, (kept, kept))


def _seccomp() -> ctypes.CDLL | None:
    """Return the system's libseccomp, or None where it is not installed."""
    try:
        return ctypes.CDLL(_LIBRARY) if sys.platform == "linux" else None
    except OSError:
        return None


def _filter_calls(library: ctypes.CDLL) -> None:
    """Have the kernel refuse every system call that is not in the list."""
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(_REFUSE)))
    if context.value is None:
        return
    allow = ctypes.c_uint32(_ALLOW)
    without_code = _Comparison(_PROTECTION_ARGUMENT, _MASKED_EQUAL, _PROT_EXEC, 0)
    for names, conditions in ((_CALLS, ()), (_CALLS_WITHOUT_CODE, (without_code,))):
        for name in names:
            number = library.seccomp_syscall_resolve_name(name.encode())
            if number >= 0:  # some architectures lack some calls
                compared = (_Comparison * len(conditions))(*conditions)
                library.seccomp_rule_add_array(context, allow, number, len(conditions), compared)
    library.seccomp_load(context)  # sets "no new privileges", too
    library.seccomp_release(context)


def _fails(action: Callable[[], object]) -> bool:
    try:
        action()
    except OSError:
        return True
    return False


def _fork() -> None:
    if (child := os.fork()) == 0:
        os._exit(0)
    os.waitpid(child, 0)


def _raise_limit() -> None:
    if resource is not None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft + 1, hard + 1))
        except ValueError as error:  # what Python makes of "not permitted" here
            raise PermissionError(str(error)) from error
