"""What strangers' text does to a terminal: nothing."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tqdm import tqdm

from harness.cli.terminal import PrintableStream, printable
from harness.testing.servers import gemini, openai
from harness.testing.servers.loopback import Call, Step, serve
from tests.conftest import RunCli

WIRES: dict[str, Any] = {"gemini": gemini, "openai": openai}
ATTACKS = {
    "a window's name": "\x1b]0;owned\x07",
    "a link": "\x1b]8;;http://evil\x1b\\here\x1b]8;;\x1b\\",
    "an eraser": "\x1b[2J\x1b[H",
    "invisible ink": "\x1b[8mhidden",
    "C1": "\x9b2J\x9d0;x\x9c",
    "a turn": "\u202eevil\u2066x\u2069",
    "a fresh start": "harmless\rError: none",
    "backspaces": "no\x08\x08ok",
    "a device": "\x1bP+q\x1b\\\x1b_x\x1b\\\x05",
    "new lines": "a\u2028b\x0bc\x0cd",
}
OBEYED = {chr(code) for code in [*range(32), *range(0x7F, 0xA0), 0x61C, *range(0x2028, 0x202F), *range(0x2066, 0x206A)]}
OBEYED -= {"\n", "\t"}


@given(st.text(alphabet=st.characters(codec="utf-8")) | st.lists(st.sampled_from([*ATTACKS.values()])).map("".join))
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    """But bold letters and line ends; what is left means the same in JSON."""
    shown = printable(text)
    assert not OBEYED & set(shown.replace("\x1b[1m", "").replace("\x1b[0m", "").replace("\r\n", "\n"))
    quoted = json.dumps(text, ensure_ascii=False)
    assert text == json.loads(printable(quoted))


@pytest.mark.parametrize(
    "text", ["日本の首都は？\n\tはい。", "👩\u200d👧 café\u0301 ﷽", "a\r\nb", "\x1b[1m見出し\x1b[0m"]
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    """Japanese, emoji, combined characters, line ends and bold headings."""
    assert text == printable(text)


def test_a_progress_bar_is_left_alone() -> None:
    """Its carriage returns are its own."""

    def drawn(stream: Any) -> None:
        for _ in tqdm(range(3), file=stream, mininterval=0, leave=False, ncols=40, bar_format="{n}/{total} {bar}"):
            pass

    bare, safe = io.StringIO(), io.StringIO()
    drawn(bare)
    drawn(PrintableStream(safe))
    assert bare.getvalue() == safe.getvalue() != ""


@pytest.mark.parametrize("wire", WIRES)
def test_a_servers_text_is_never_obeyed(
    wire: str, run_cli: RunCli, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither in an answer, a reason or a version, nor in an error that ends a model or a judge."""
    monkeypatch.setenv("GEMINI_API_KEY", "none")
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    theirs, attack = WIRES[wire], " ".join(ATTACKS.values())
    gone = theirs.error(404, "NOT_FOUND", attack) if wire == "gemini" else theirs.error(404, attack)

    def script(call: Call) -> Step:
        return theirs.reply(json.dumps({"reason": attack, "score": 3}), version=attack) if call.number < 4 else gone

    (workplace / "tasks.jsonl").write_text(
        "".join(json.dumps({"task_id": n, "input": f"課題{n}", "output": attack}) + "\n" for n in range(3))
    )
    with serve(script) as server:
        (workplace / "harness.toml").write_text(
            f'[judges.{wire}]\nbase_url = "{server.url}"\nin_flight = 1\n'
            f'[models.{wire}]\nbase_url = "{server.url}"\nin_flight = 1\n'
        )
        command = ("eval", "--task", "mine=tasks.jsonl", "--judge", f"{wire}:m", "--run", "r")
        ran = run_cli(*command, "--model", f"{wire}:m", "--debug")
        again = run_cli(*command, "--model", f"{wire}:m", "--max-unscored", "9")
        failed = run_cli(*command[:-1], "s", "--model", f"{wire}:n")
        shown = [run_cli("show", "r", "--task-id", str(n)) for n in range(3)]
    assert "stopped" in ran.err + again.err
    assert "stopped" in failed.err
    assert "hidden" in ran.out + again.err + failed.err + shown[0].out
    assert all("課題" in one.out for one in shown)
    for one in [ran, again, failed, *shown]:
        assert not OBEYED & set(one.out + one.err)


def test_the_streams_are_wrapped_once(run_cli: RunCli) -> None:
    """However often the program is called in one process."""
    run_cli("--help")
    run_cli("--help")
    assert isinstance(sys.stdout, PrintableStream)
    assert not isinstance(sys.stdout._stream, PrintableStream)
