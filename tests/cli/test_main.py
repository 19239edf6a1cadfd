"""The command line as a whole: which command, which exit code, and a sentence whatever happens."""

import errno
import gc
import io
import signal
import subprocess
import sys
from importlib.metadata import version

import click
import pytest

from harness.cli import main as module
from harness.cli.main import COMMANDS
from harness.errors import HarnessError, InputError, UsageError
from tests.conftest import ROOT, RunCli


@pytest.fixture
def fails(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch):  # noqa: ANN201 - a function
    """Return a function that runs a command which raises something."""

    def run(error: BaseException, *arguments: str):  # noqa: ANN202
        @click.command()
        @click.option("--debug", is_flag=True)
        def broken(*, debug: bool) -> None:
            raise error

        monkeypatch.setattr(module.LazyGroup, "get_command", lambda *_: broken)
        monkeypatch.setattr(module, "_leave_threads", lambda: None)  # it would end the process that runs the tests
        return run_cli("ls", *arguments)

    return run


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (HarnessError("Nothing there.", hint="Look elsewhere."), 1, "Error: Nothing there.\nHint: Look elsewhere.\n"),
        (InputError("not a number", path="a.csv", line=3), 1, "Error: a.csv:3: not a number\n"),
        (UsageError("Give a run."), 2, "Error: Give a run.\n"),
        (OSError(errno.ENOSPC, "", "x.json"), 1, "Error: no space left on the device: x.json.\n"),
        (
            KeyboardInterrupt(),
            130,
            "Interrupted. Everything finished is stored; the same command continues:\n  harness ls",
        ),
        (ValueError("odd"), 1, "Error: ValueError: odd\nHint: This is a defect."),
        (OSError(errno.EINVAL, "odd"), 1, "This is a defect."),
    ],
)
def test_every_failure_is_a_sentence_and_an_exit_code(fails, error: BaseException, code: int, said: str) -> None:  # noqa: ANN001
    """Anticipated ones never say "defect", and none shows a traceback."""
    ran = fails(error)
    assert (code, "", True) == (ran.code, ran.out, said in ran.err), ran.err
    assert "Traceback" not in ran.err


def test_ctrl_c_while_the_program_is_loaded_shows_no_traceback() -> None:
    """It ends by the signal, which shells count as 130; a program that imports it as a library is left alone."""
    code = (
        "import os, signal, sys, time; sys.argv = [{name!r}]; import harness.cli; "
        "print(signal.getsignal(signal.SIGINT) is signal.default_int_handler, flush=True); "
        "os.kill(os.getpid(), signal.SIGINT); time.sleep(5)"
    )
    for name, as_it_was, shows in (("/x/bin/harness", "False", False), ("/x/bin/other", "True", True)):
        ran = subprocess.run(
            [sys.executable, "-c", code.format(name=name)], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert (-signal.SIGINT, as_it_was) == (ran.returncode, ran.stdout.strip())
        assert shows is ("Traceback" in ran.stderr)


def test_debug_shows_the_traceback(fails) -> None:  # noqa: ANN001
    """Of a defect; nobody is then asked to run it again with --debug."""
    ran = fails(ValueError("odd"), "--debug")
    assert "Traceback" in ran.err
    assert "ValueError: odd" in ran.err
    assert "This is a defect" not in ran.err


def test_a_misspelt_command_has_its_nearest(run_cli: RunCli) -> None:
    """Exit code 2, as any other usage."""
    ran = run_cli("evla")
    assert (2, True) == (ran.code, "Did you mean 'eval'?" in ran.err)
    assert 2 == run_cli("ls", "--nope").code


def test_version_and_help(run_cli: RunCli) -> None:
    """To stdout; every command is in the list."""
    ran = run_cli("--version")
    assert (0, f"ja-harness {version('ja-harness')}\n") == (ran.code, ran.out)
    shown = run_cli("--help").out
    assert all(f"  {name} " in shown for name in COMMANDS)


def test_a_reader_that_goes_away_is_no_error() -> None:
    """`harness --help | head -1`."""
    shell = f"{sys.executable} -c 'from harness.cli.main import main; main()' --help | head -1"
    ended = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {shell}"], capture_output=True, text=True, timeout=60, check=False
    )
    assert "" == ended.stderr
    assert "Usage: harness" in ended.stdout


def test_a_closed_stream_and_odd_text_stop_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service without stdout; a terminal of ASCII."""
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", ascii_stream := io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    module._ready_streams()
    print("x")  # noqa: T201 - to nowhere
    print("日本 \ud800", file=sys.stderr)  # noqa: T201
    sys.stderr.flush()
    assert ascii_stream.buffer.getvalue().startswith(b"??")  # type: ignore[attr-defined]


def test_the_program_ends_without_looking_through_what_it_leaves() -> None:
    """With torch that took seconds, behind the last line on the screen."""
    code = "import atexit, gc, harness.cli.main; atexit._run_exitfuncs(); print(gc.get_freeze_count() > 1000)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert "True\n" == ended.stdout


def test_old_objects_are_rarely_looked_through_young_ones_as_ever(run_cli: RunCli) -> None:
    """What holds tensors in a cycle for a moment goes as soon as without us."""
    before = gc.get_threshold()
    try:
        gc.set_threshold(700, 10, 10)
        assert 0 == run_cli("--version").code
        assert ((700, 10), True) == (gc.get_threshold()[:2], gc.get_threshold()[2] > 100)
    finally:
        gc.set_threshold(*before)
