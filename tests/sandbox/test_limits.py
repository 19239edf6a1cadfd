"""The confined process: what a payload that runs inside it, as if the sandbox had fallen, still cannot do."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2.filters import FILTERS

from harness.sandbox.confined import ConfinedChat, protections
from harness.sandbox.process import ConfinedProcess
from harness.sandbox.program import TemplateFailure
from tests.conftest import ROOT

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="system calls are filtered on Linux only")

# Runs with the limits of the confined process, as its own code would: whatever it needs was loaded before.
PAYLOADS = {
    "read a file": "open('/etc/passwd').read()",
    "read its own folder": "open(__import__('sys').argv[1]).read()",
    "write a file": "open('canary', 'w')",
    "list a folder": "os.listdir('/')",
    "look at a file": "os.stat('/etc/passwd')",
    "follow a link": "os.readlink('/proc/self/exe')",
    "open its memory": "os.open('/proc/self/mem', os.O_RDWR)",
    "delete": "os.unlink(__import__('sys').argv[1])",
    "rename": "os.rename(__import__('sys').argv[1], 'canary')",
    "make a folder": "os.mkdir('canary')",
    "change folder": "os.chdir('/')",
    "change rights": "os.chmod(__import__('sys').argv[1], 0o777)",
    "make a pipe": "os.pipe()",
    "copy a descriptor": "os.dup(0)",
    "memory as a file": "os.memfd_create('x')",
    "socket": "socket.socket(socket.AF_INET, socket.SOCK_STREAM)",
    "socket v6": "socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)",
    "socket of files": "socket.socket(socket.AF_UNIX)",
    "socket of the kernel": "socket.socket(16, socket.SOCK_RAW)",
    "pair of sockets": "socket.socketpair()",
    "fork": "os.fork() or os._exit(0)",
    "spawn": "os.posix_spawn('/bin/true', ['true'], {})",
    "execute": "os.execv('/bin/true', ['true'])",
    "thread": "threading.Thread(target=print).start()",
    "kill its parent": "os.kill(os.getppid(), 0)",
    "kill all": "os.kill(-1, 0)",
    "become another": "os.setuid(65534)",
    "priority": "os.setpriority(os.PRIO_PROCESS, 0, -5)",
    "signals": "signal.signal(signal.SIGPROF, signal.SIG_IGN)",
    "machine's name": "os.uname()",
    "root of another": "os.chroot('/')",
    "executable memory": "mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC)",
    **{
        f"raise {limit}": f"resource.setrlimit(resource.{limit}, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))"
        for limit in ("RLIMIT_AS", "RLIMIT_CPU", "RLIMIT_CORE", "RLIMIT_FSIZE", "RLIMIT_NPROC", "RLIMIT_NOFILE")
    },
    # Past Python, by the numbers of x86-64: ptrace, bpf, io_uring_setup, userfaultfd, process_vm_readv, keyctl, shmget,
    # unshare, mount, clone3, openat2, personality, prctl, arch_prctl, seccomp, perf_event_open.
    **{
        f"system call {number}": f"call({number})"
        for number in (101, 321, 425, 323, 310, 250, 29, 272, 165, 435, 437, 135, 157, 158, 317, 298)
    },
}
RUNNER = """
import ctypes, json, mmap, os, resource, signal, socket, sys, threading
from harness.sandbox import child, limits
libc = ctypes.CDLL(None, use_errno=True)
def call(number):
    if libc.syscall(number, 0, 0, 0, 0, 0, 0) == -1:
        raise OSError(ctypes.get_errno(), "refused")
payloads = json.loads(sys.stdin.read())
if sys.argv[2] == "without the library":
    limits._LIBRARY = "libnot-installed.so.9"
limits.confine(child.MEMORY)
told = {}
for name, code in payloads.items():
    try:
        exec(code)
        told[name] = "did it"
    except (OSError, ValueError, RuntimeError) as error:
        told[name] = f"{type(error).__name__} {getattr(error, 'errno', None)}"
sys.stdout.write(json.dumps(told))
"""


def payloads_told(folder: Path, payloads: dict[str, str], library: str = "as installed") -> dict[str, str]:
    """Run payloads one after the other in a process that has confined itself."""
    target = folder / "target"
    target.write_text("SECRET")
    ran = subprocess.run(
        [sys.executable, "-c", RUNNER, str(target), library], input=json.dumps(payloads),
        check=False, capture_output=True, text=True, cwd=folder, env={"PYTHONPATH": str(ROOT)}, timeout=60,
    )  # fmt: skip
    assert ran.stdout, (ran.returncode, ran.stderr)
    assert "SECRET" == target.read_text()
    assert ["target"] == [path.name for path in folder.iterdir()]
    told: dict[str, str] = json.loads(ran.stdout)
    return told


@LINUX
def test_no_payload_does_what_it_wants(tmp_path: Path) -> None:
    """Every one is refused by the kernel, also for root."""
    told = payloads_told(tmp_path, PAYLOADS)
    assert 50 < len(PAYLOADS)
    assert {} == {name: told[name] for name in PAYLOADS if told[name] == "did it"}


@LINUX
def test_what_an_unconfined_process_does_with_the_payloads(tmp_path: Path) -> None:
    """The payloads are real: without limits those that harm nobody succeed."""
    harmless = [
        "read a file", "list a folder", "look at a file", "make a pipe", "copy a descriptor", "memory as a file",
        "socket", "pair of sockets", "fork", "spawn", "thread", "signals", "machine's name", "executable memory",
    ]  # fmt: skip
    code = RUNNER.replace("limits.confine(child.MEMORY)", "")
    ran = subprocess.run(
        [sys.executable, "-c", code, "x", "as installed"],
        input=json.dumps({name: PAYLOADS[name] for name in harmless}),
        check=False, capture_output=True, text=True, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, timeout=60,
    )  # fmt: skip
    told = json.loads(ran.stdout[ran.stdout.index("{") :])
    assert [] == [name for name in harmless if told[name] != "did it"]


@LINUX
def test_without_the_library_hard_limits_remain(tmp_path: Path) -> None:
    """Where libseccomp is not installed no file can be opened or written, and no descriptor made, all the same."""
    names = ["read a file", "write a file", "open its memory", "make a pipe", "copy a descriptor", "socket"]
    told = payloads_told(tmp_path, {name: PAYLOADS[name] for name in names}, "without the library")
    assert dict.fromkeys(names, "OSError 24") == {name: told[name] for name in names}


@LINUX
def test_the_process_that_serves_templates_is_confined() -> None:
    """Its limits are hard, a filter is on, and it cannot gain privileges."""
    chat = ConfinedChat("{{ messages }}")
    pid = chat._child._process.pid  # type: ignore[union-attr]
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    assert ("1", "2") == (status["NoNewPrivs"].strip(), status["Seccomp"].strip())
    lines = [line for line in Path(f"/proc/{pid}/limits").read_text().splitlines() if line.startswith("Max")]
    limits = {line[:26].strip(): line[26:].split()[:2] for line in lines}
    for name, most in (("Max open files", 3), ("Max file size", 0), ("Max core file size", 0), ("Max processes", 0)):
        assert [str(most)] * 2 == limits[name]
    for name in ("Max address space", "Max cpu time"):
        soft, hard = limits[name]
        assert soft == hard != "unlimited"
    assert {"0", "1", "2"} == {path.name for path in Path(f"/proc/{pid}/fd").iterdir()}


def test_what_holds_here_is_tried_and_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """`protections` reports what the confined process found; here all of it holds."""
    if sys.platform != "linux":
        pytest.skip("what holds elsewhere is not known here")
    assert dict.fromkeys(("files", "network", "processes", "limits"), True) == protections()


@LINUX
def test_memory_is_limited_for_good(tmp_path: Path) -> None:
    """A gigabyte at once, or in small pieces, is refused."""
    told = payloads_told(
        tmp_path,
        {"one": "try:\n bytearray(1 << 30)\nexcept MemoryError as error:\n raise OSError(12, '') from None",
         "many": "try:\n kept = [bytearray(1 << 20) for _ in range(1024)]\n"
         "except MemoryError:\n kept = None\n raise OSError(12, '') from None"},
    )  # fmt: skip
    assert ["OSError 12", "OSError 12"] == [told["one"], told["many"]]


@pytest.fixture(scope="module")
def child() -> Iterator[ConfinedProcess]:
    """One process for many small templates: starting one takes a tenth of a second."""
    process = ConfinedProcess()
    yield process
    process.end()


@pytest.mark.parametrize("value", ["messages[0].content", "messages", "1.5", "{'a': 1}"])
def test_every_filter_works_without_files(child: ConfinedProcess, value: str) -> None:
    """What a filter loads when it is first used was loaded before files were given up."""
    filling = {"messages": [{"role": "user", "content": "a <b> https://x.y"}]}
    missing = ("permitted", "open files", "ModuleNotFound", "ImportError", "LookupError", "ended with")
    for name in sorted(FILTERS.keys() - {"random"}):
        message = ""
        try:
            child.ask({"chat": f"{{{{ [{value}|{name}]|list|string }}}}{{{{ {value}|{name} }}}}"})
            list(child.render([filling], 1, now="2026-01-01"))
        except TemplateFailure as failure:
            message = failure.message
        assert [] == [word for word in missing if word in message], (name, message)
