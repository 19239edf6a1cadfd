"""Commands in processes of their own, forked from one that has torch already: importing it takes longer than they do.

Each ends as the program does: signals, exit code and what it prints are the real ones.
"""

import atexit
import contextlib
import multiprocessing
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from harness.cli import main
from tests.patience import PATIENCE

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    ["harness.cli.eval", "harness.cli.train", "harness.models.hf.open_model", "trainers.training.session"]
)


class Forked:
    """A command that runs, with the methods of `subprocess.Popen` that tests need.

    ``before`` is Python that runs in the process first.
    """

    def __init__(self, command: Sequence[str], *, cwd: Path, env: Mapping[str, str], before: str = "") -> None:
        self._printed = tempfile.TemporaryDirectory()
        self._out, self._err = (Path(self._printed.name) / name for name in ("out", "err"))
        for path in (self._out, self._err):
            path.touch()
        self._process = _CONTEXT.Process(
            target=_run, args=(list(command), cwd, dict(env), before, self._out, self._err), name=" ".join(command)
        )
        self._process.start()

    @property
    def returncode(self) -> int | None:
        """The exit code, or None while it runs; killed by a signal, it is that signal's number below zero."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, if it has not ended."""
        assert self._process.pid is not None
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def communicate(self, timeout: float = 5 * PATIENCE) -> tuple[str, str]:
        """Wait for its end, and return what it has printed."""
        self._process.join(timeout)
        assert self._process.exitcode is not None, "it does not end"
        return self._out.read_text(encoding="utf-8"), self._err.read_text(encoding="utf-8")


Fork = Callable[..., Forked]


@pytest.fixture
def fork() -> Iterator[Fork]:
    """Start a command as `Forked`, in this folder and environment if nothing else is said; none outlives its test."""
    started: list[Forked] = []

    def start(
        command: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None, before: str = ""
    ) -> Forked:
        started.append(Forked(command, cwd=cwd or Path.cwd(), env=os.environ | dict(env or {}), before=before))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def _run(command: list[str], cwd: Path, env: dict[str, str], before: str, out: Path, err: Path) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    for number, (name, path) in enumerate((("stdout", out), ("stderr", err)), start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), number)
        setattr(sys, name, os.fdopen(number, "w", encoding="utf-8", closefd=False))
    exec(before, {})
    sys.argv = ["harness", *command]
    try:
        main.main()
    finally:
        atexit._run_exitfuncs()  # which multiprocessing leaves out
