"""Commands of the harness in processes that are forked, so that most of the time goes into what is tried."""

import importlib
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

HUNG, BROKEN = 98, 99
"""Exit codes of a process that did not end, and of one that left with a traceback."""


def fork() -> int:
    """Fork without writing anything twice."""
    sys.stdout.flush()
    return os.fork()


def start(command: Sequence[str], folder: Path, *, pace: float = 0.0, out: str = "said", file_limit: int = 0) -> int:
    """Start a command in a process of its own, and return its id; what it says goes to the file ``out`` there.

    ``pace``: seconds that a plugin takes for a call, as the environment's PACE.
    """
    if process := fork():
        return process
    try:
        os.chdir(folder)
        os.environ["PACE"] = str(pace)
        handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        if file_limit:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))
        sys.argv = ["harness", *command]
        importlib.import_module("harness.cli.main").main()
    except SystemExit as ended:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(int(ended.code or 0))
    except BaseException:
        traceback.print_exc()
    os._exit(BROKEN)


def finish(process: int, patience: float) -> int:
    """Wait for a process and return its exit code; one that does not end in ``patience`` seconds is killed."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    return HUNG
