"""Wrong input ends in a sentence that says what, which value, where, and what to do: never a traceback."""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli.main import COMMANDS
from tests.conftest import RunCli

GOOD = {"--task": "five=five.jsonl", "--model": "echo", "--judge": "reference"}


def command(**changes: str | None) -> list[str]:
    """Return a good command line with some options changed, added or (None) left out."""
    options: dict[str, str | None] = dict(GOOD)
    options |= {"--" + name.replace("_", "-"): value for name, value in changes.items()}
    return ["eval", *(part for name, value in options.items() if value is not None for part in (name, value))]


@pytest.mark.parametrize(
    ("arguments", "code", "messages"),
    [
        (["evla"], 2, ["No command named 'evla'", "Did you mean 'eval'?"]),
        (command(model="ecko"), 2, ["No model named 'ecko'", "Did you mean 'echo'?"]),
        (command(model="nothing-like-it:x"), 2, ["No model named 'nothing-like-it'", "Known: "]),
        (command(judge="refrence"), 2, ["No judge named 'refrence'", "Did you mean 'reference'?"]),
        (command(task="elyza-task-100"), 2, ["No task named 'elyza-task-100'", "elyza-tasks-100"]),
        (command(prompt="corse.v1"), 2, ["No prompt named 'corse.v1'", "Did you mean 'course.v1'?"]),
        (command(baseline="bse"), 2, ["No model label named 'bse'", "echo"]),
        ([*command(), "--jugde", "rules"], 2, ["--jugde", "--judge"]),
        (command(limit="0"), 2, ["--limit", "0"]),
        (command(repeats="-1"), 2, ["--repeats", "-1"]),
        (command(judge_repeats="0"), 2, ["--judge-repeats", "0"]),
        (command(temperature="-0.1"), 2, ["--temperature", "-0.1"]),
        (command(temperature="nan"), 2, ["--temperature", "nan"]),
        (command(temperature="inf"), 2, ["--temperature", "inf"]),
        (command(repetition_penalty="nan"), 2, ["--repetition-penalty", "nan"]),
        (command(confidence="nan"), 2, ["--confidence", "nan"]),
        (command(max_cost="nan"), 2, ["--max-cost", "nan"]),
        (command(max_new_tokens="many"), 2, ["--max-new-tokens", "many"]),
        (command(model=None), 2, ["no --model", "--model base"]),
        (command(task=None), 2, ["no --task", "--task bundled:ja-mini"]),
        (command(judge=None), 2, ["no --judge", "--judge rules"]),
        ([*command(), "--model", "echo"], 2, ["Two models are labelled 'echo'"]),
        ([*command(), "--judge", "reference"], 2, ["--judge 'reference' was given twice"]),
        (command(task="five.jsonl"), 2, ["five.jsonl"]),
        (command(task="folder/five.jsonl"), 2, ["--task five=folder/five.jsonl"]),
        (command(task="five="), 2, ["lacks a name or a path"]),
        (command(model="outputs:"), 2, ["nothing after the colon"]),
        (command(model="heavy:x"), 1, ["model 'heavy'", "[local]'"]),
        (command(task="five=missing.jsonl"), 1, ["missing.jsonl"]),
        (command(task="five=empty.jsonl"), 1, ["empty.jsonl", "empty"]),
        (command(task="five=broken.jsonl"), 1, ["broken.jsonl:2", "JSON"]),
        (command(task="five=doubled.jsonl"), 1, ["doubled.jsonl:3", "a"]),
        (command(task="five=no-id.jsonl"), 1, ["no-id.jsonl:2"]),
        (command(task="five=no-input.jsonl"), 1, ["no-input.jsonl", "input"]),
        (command(model="outputs:missing.csv"), 1, ["missing.csv"]),
        (command(model="outputs:unknown-id.csv"), 1, ["unknown-id.csv:3", "99"]),
        (command(judge="human:missing.csv"), 1, ["missing.csv"]),
        (command(judge="human:nothing-usable.csv"), 1, ["nothing-usable.csv"]),
        (command(prompt="missing.j2"), 1, ["missing.j2"]),
        (command(prompt="undefined.j2"), 1, ["undefined.j2", "'inptu' is undefined", "input"]),
        (command(prompt="syntax.j2"), 1, ["syntax.j2:2"]),
        (command(prompt="constant.j2"), 1, ["constant.j2", "{{ input }}"]),
        (command(config="missing.toml"), 1, ["missing.toml"]),
        (command(config="broken.toml"), 1, ["broken.toml", "TOML"]),
        (
            command(config="unknown-key.toml"),
            1,
            ["unknown-key.toml", "max_new_token", "Did you mean 'max_new_tokens'?"],
        ),
        (command(config="too-small.toml"), 1, ["too-small.toml", "generation.max_new_tokens", "greater", "got 0"]),
        (command(config="wrong-type.toml"), 1, ["wrong-type.toml", "generation.max_new_tokens", "'many'"]),
        (command(config="infinite.toml"), 1, ["infinite.toml", "generation.temperature", "got inf"]),
        (command(config="no-language.toml"), 1, ["lang", "'en' or 'ja'", "'fr'"]),
        (command(judge="broken.py"), 1, ["broken.py:1", "not valid Python"]),
        (command(run="一回目　最後"), 1, ["full-width spaces"]),
        (command(task="five=cut-short.jsonl"), 1, ["cut-short.jsonl:1: not JSON (a ',' is missing)"]),
        (command(config="tasks.toml", task="misspelt"), 2, ["[tasks.misspelt]", "'colums'", "Did you mean 'columns'?"]),
        (command(config="tasks.toml", task="no-table"), 1, ["[tasks.no-table]: columns", "'question'"]),
        (command(config="tasks.toml", task="no-path"), 1, ["[tasks.no-path]: path", "got 3"]),
        (command(config="models.toml"), 1, ["models.toml", "models.base", "got 3"]),
        (command(config="misspelt-model.toml"), 2, ["[models]", "'bse'", "Did you mean 'base'?"]),
        (command(judge="reference:x"), 2, ["Judge 'reference' takes no option, got 'x'"]),
        (command(store="postgresql://u:secret@h/db"), 1, ["The server of u@h/db cannot be reached", "--store"]),
        (command(store="sqlite:///five.jsonl"), 1, ["five.jsonl"]),
        (command(store="sqlite:////proc/none/store.sqlite"), 1, ["/proc/none", "--store"]),
        (command(run="/proc/none/run"), 1, ["/proc/none/run"]),
    ],
    ids=lambda value: " ".join(value)[-60:] if isinstance(value, list) else None,
)
def test_wrong_input_ends_in_a_sentence(
    run_cli: RunCli, wrong_files: Path, arguments: list[str], code: int, messages: list[str]
) -> None:
    """The exit code is right, the message names the value, and nothing of the inside shows."""
    ran = run_cli(*arguments)
    assert (code, "") == (ran.code, ran.out), ran.err
    assert [] == [message for message in messages if message not in ran.err], ran.err
    assert "Error" in ran.err
    assert "Hint: " in ran.err or "Try 'harness" in ran.err, "no next step"
    assert "Traceback" not in ran.err
    assert "secret" not in ran.err


@pytest.fixture
def wrong_files(task_file: Path, example_plugin: Path) -> Path:
    """Files that are wrong in one way each."""
    rows = {
        "empty.jsonl": "",
        "broken.jsonl": '{"input": "a"}\n{"input": \n',
        "doubled.jsonl": '{"id": "a", "input": "1"}\n{"id": "b", "input": "2"}\n{"id": "a", "input": "3"}\n',
        "no-id.jsonl": '{"id": "a", "input": "1"}\n{"input": "2"}\n',
        "no-input.jsonl": '{"question": "1"}\n',
        "unknown-id.csv": "task_id,output\n0,a\n99,b\n",
        "nothing-usable.csv": "model,task_id,score\nsomebody,0,3\n",
        "undefined.j2": "{{ inptu }}",
        "syntax.j2": "a\n{{ input \n",
        "constant.j2": "no slot",
        "broken.toml": "a = = 1",
        "unknown-key.toml": "[generation]\nmax_new_token = 3",
        "too-small.toml": "[generation]\nmax_new_tokens = 0",
        "no-language.toml": "lang = 'fr'",
        "broken.py": "def judge(sample, generation:\n",
        "cut-short.jsonl": '{"id": "a", "input": "1"\n',
        "infinite.toml": "[generation]\ntemperature = inf",
        "tasks.toml": "[tasks.misspelt]\npath = 'five.jsonl'\ncolums = { input = 'input' }\n"
        "[tasks.no-table]\npath = 'five.jsonl'\ncolumns = 'question'\n[tasks.no-path]\npath = 3",
        "models.toml": "[models]\nbase = 3",
        "misspelt-model.toml": "[models]\nbse = 'x'",
        "wrong-type.toml": '[generation]\nmax_new_tokens = "many"',
    }
    for name, text in rows.items():
        (task_file.parent / name).write_text(text, encoding="utf-8")
    return task_file.parent


def test_a_store_of_a_newer_schema_is_left_alone(run_cli: RunCli, task_file: Path) -> None:
    """The message says which schema it is and which this version knows."""
    assert 0 == run_cli(*command()).code
    with sqlite3.connect("runs/store.sqlite") as store:
        store.execute("UPDATE meta SET value = '2'")
    ran = run_cli(*command())
    assert 1 == ran.code
    assert "schema 2; this version of ja-harness knows schema 1" in ran.err


def test_a_database_of_something_else_is_left_alone(run_cli: RunCli, task_file: Path) -> None:
    """A SQLite file with a `meta` table of another program is refused."""
    with sqlite3.connect("other.sqlite") as other:
        other.execute("CREATE TABLE meta (key TEXT, value TEXT)")
    ran = run_cli(*command(store="sqlite:///other.sqlite"))
    assert (1, True) == (ran.code, "not a store of ja-harness" in ran.err), ran.err


def test_a_database_without_our_tables_is_left_alone(run_cli: RunCli, task_file: Path) -> None:
    """A SQLite file of another program gets no table of ours, and doctor fills no empty file."""
    with sqlite3.connect("other.sqlite") as other:
        other.execute("CREATE TABLE bookmarks (url TEXT)")
    ran = run_cli(*command(store="sqlite:///other.sqlite"))
    assert (1, True) == (ran.code, "not a store of ja-harness" in ran.err), ran.err
    with sqlite3.connect("other.sqlite") as other:
        assert [("bookmarks",)] == other.execute("SELECT name FROM sqlite_master").fetchall()
    Path("empty.sqlite").touch()
    assert "not there yet" in run_cli("doctor", "--store", "empty.sqlite").out
    assert 0 == Path("empty.sqlite").stat().st_size


def test_cp932_and_semicolons_are_read(run_cli: RunCli, task_file: Path) -> None:
    """Ratings as a Japanese spreadsheet saves them."""
    lines = ["model;task_id;score;comment", *(f"echo;{number};{number % 5 + 1};良い回答" for number in range(5))]
    Path("ratings.csv").write_bytes("\r\n".join(lines).encode("cp932"))
    ran = run_cli(*command(judge="human:ratings.csv", run="r"))
    assert 0 == ran.code, ran.err
    assert 3.0 == json.loads(Path("runs/r/results.json").read_text())["rows"][0]["mean"]


def test_debug_shows_the_traceback(run_cli: RunCli, task_file: Path) -> None:
    """--debug is the way to see where an error comes from."""
    assert "Traceback" in run_cli(*command(task="five=missing.jsonl"), "--debug").err


def test_a_closed_pipe_is_no_error(task_file: Path) -> None:
    """`harness ls prompts | head -1` ends quietly."""
    harness = f"{sys.executable} -c 'from harness.cli.main import main; main()'"
    script = f"set -o pipefail; {harness} ls prompts | true"
    ended = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert (0, "") == (ended.returncode, ended.stderr)


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_has_help(run_cli: RunCli, name: str) -> None:
    """--help of each command works and its short line is the group's."""
    ran = run_cli(name, "--help")
    assert (0, "") == (ran.code, ran.err)
    assert f"Usage: harness {name}" in ran.out
