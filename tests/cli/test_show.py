"""`harness show`: one task of a run in the terminal."""

import json
from pathlib import Path

import pytest

from tests.conftest import RunCli

ODD = ["\x00", "\ud800", "\x1b[31m赤", "| a | b |\n<script>", "\u202eabc"]


@pytest.fixture
def shown(run_cli: RunCli, task_file: Path) -> RunCli:
    """A run `r` with odd answers of `m` and plain ones of `n`."""
    rows = [{"model": "m", "task_id": n, "output": text} for n, text in enumerate(ODD)]
    rows += [{"model": "n", "task_id": n, "output": f"答え{n}"} for n in range(5)]
    Path("answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    ran = run_cli("eval", "--task", "five=five.jsonl", "--model", "outputs:answers.jsonl", "--judge", "rules",
                  "--judge", "reference", "--run", "r")  # fmt: skip
    assert 0 == ran.code, ran.err
    return run_cli


def test_a_task_with_its_answers_and_scores(shown: RunCli) -> None:
    """Input, reference, every answer, and each judge's score."""
    out = shown("show", "r", "--task-id", "3").out
    assert out.startswith("Task 3 · five\n\nInput\n質問3\n\nReference\n答え3\n")
    assert "── m ──\nrules 0" in out
    assert "── n ──\nrules 1 · reference 100\n答え3\n" in out
    assert "| a | b |\n<script>" in out


def test_one_model_and_one_judge(shown: RunCli) -> None:
    """--model and --judge leave the others out; --lang speaks Japanese."""
    out = shown("show", "r", "--task-id", "3", "--model", "n", "--judge", "reference", "--lang", "ja").out
    assert "── n ──\nreference 100\n" in out
    assert "── m ──" not in out
    assert "rules" not in out
    assert out.startswith("問題 3 · five\n\n入力\n")


@pytest.mark.parametrize("task_id", range(5))
def test_odd_answers_cannot_steer_the_terminal(shown: RunCli, task_id: int) -> None:
    """NUL, a lone surrogate, colour codes, markup and direction marks are shown as text."""
    ran = shown("show", "r", "--task-id", str(task_id))
    assert 0 == ran.code, ran.err
    assert not set(ran.out) & {"\x00", "\ud800", "\x1b", "\u202e"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--task-id", "5"], "No task in this run named '5'.\nHint: The ids run from 0 to 4."),
        (["--task-id", "1", "--model", "o"], "No model label in this run named 'o'."),
        (["--task-id", "1", "--judge", "o"], "No judge in this run named 'o'."),
        (["--task-id", "1", "--task", "six"], "No task set in this run named 'six'."),
        ([], "Missing option '--task-id'"),
    ],
)
def test_wrong_names_are_named(shown: RunCli, arguments: list[str], message: str) -> None:
    """Unknown tasks, models and judges: usage errors that name them."""
    ran = shown("show", "r", *arguments)
    assert (2, True) == (ran.code, message in ran.err), ran.err


def test_of_many_answers_the_best_are_shown(run_cli: RunCli, workplace: Path) -> None:
    """Ten unless told otherwise, by score; how to see the others is said; a model that is named is always shown."""
    Path("t.jsonl").write_text(json.dumps({"input": "問"}) + "\n", encoding="utf-8")
    rows = [{"model": f"m{n}", "task_id": 0, "output": f"答え{n}"} for n in range(14)]
    Path("a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    scores = "".join(f"m{n},0,{1 + n % 5}\n" for n in range(13))
    Path("r.csv").write_text("model,task_id,score\n" + scores, encoding="utf-8")
    run_cli("eval", "--task", "t=t.jsonl", "--model", "outputs:a.jsonl", "--judge", "human:r.csv", "--run", "r")
    ran = run_cli("show", "r", "--task-id", "0", "--top", "3")
    assert ["── m3 ──", "── m4 ──", "── m9 ──"] == [line for line in ran.out.split("\n") if line.startswith("──")]
    assert "3 of 14 answers are shown: --top 14 shows all" in ran.err
    assert 10 == run_cli("show", "r", "--task-id", "0").out.count("── m")
    assert 14 == run_cli("show", "r", "--task-id", "0", "--top", "99").out.count("── m")
    assert "── m13 ──" in run_cli("show", "r", "--task-id", "0", "--model", "m13", "--top", "1").out
