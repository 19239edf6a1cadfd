"""`harness submit`: the competition's file from a run on the competition's tasks, and the check of any file."""

import json
from pathlib import Path

import pytest

from tests.conftest import RunCli


@pytest.fixture
def competition(run_cli: RunCli, shared_data: Path, workplace: Path) -> RunCli:
    """A run `tv` of two models on the competition's 100 tasks; `half` left one answer out and one empty."""
    tasks = shared_data / "elyza-tasks-100-tv" / "elyza-tasks-100-TV_0.jsonl"
    (workplace / "tv.jsonl").write_bytes(tasks.read_bytes())
    rows = [{"model": "whole", "task_id": n, "output": "同じ" if n < 2 else f"答え{n}\n\u2028改行"} for n in range(100)]
    rows += [{"model": "half", "task_id": n, "output": "" if n == 7 else f"答え{n}"} for n in range(99)]
    Path("answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    ran = run_cli("eval", "--task", "elyza-tasks-100-tv=tv.jsonl", "--model", "outputs:answers.jsonl",
                  "--judge", "rules", "--run", "tv", "--max-unscored", "9")  # fmt: skip
    assert 0 == ran.code, ran.err
    return run_cli


def test_the_file_is_what_the_competition_takes(competition: RunCli, workplace: Path) -> None:
    """100 lines in order: task_id and input as the task file has them, then the answer; nothing is escaped."""
    ran = competition("submit", "tv", "--model", "whole", "--output", "out.jsonl")
    assert (0, "out.jsonl: 100 answers of whole, ready to hand in.\n") == (ran.code, ran.out), ran.err
    assert "Note: 2 answers are the same text: 同じ" in ran.err
    tasks = [json.loads(line) for line in Path("tv.jsonl").read_text(encoding="utf-8").splitlines()]
    lines = Path("out.jsonl").read_bytes().decode("utf-8").split("\n")
    assert "" == lines.pop()
    assert 100 == len(lines)
    for task, line in zip(tasks, lines, strict=True):
        row = json.loads(line)
        assert ["task_id", "input", "output"] == list(row)
        assert (task["task_id"], task["input"]) == (row["task_id"], row["input"])
        assert "\\u" not in line.replace("\\u2028", "")
    assert "答え99\n\u2028改行" == json.loads(lines[99])["output"]
    assert (0, "out.jsonl: note: 2 answers are the same text: 同じ\nout.jsonl: 100 answers, ready to hand in.\n") == (
        (checked := competition("submit", "--check", "out.jsonl")).code,
        checked.out,
    )


def test_missing_and_empty_answers_are_not_handed_in(competition: RunCli) -> None:
    """The tasks are named, and no file is written."""
    ran = competition("submit", "tv", "--model", "half", "--output", "out.jsonl")
    assert (1, "") == (ran.code, ran.out)
    assert "2 of 100 answers are missing or empty: tasks 7, 99." in ran.err
    assert not Path("out.jsonl").exists()


def test_a_part_of_the_tasks_is_not_handed_in(competition: RunCli) -> None:
    """A run with --limit has not all ids."""
    competition("eval", "--task", "elyza-tasks-100-tv=tv.jsonl", "--model", "echo", "--judge", "rules", "--run", "part",
                "--limit", "8")  # fmt: skip
    ran = competition("submit", "part", "--output", "out.jsonl")
    assert 1 == ran.code
    assert "The competition wants the ids 0-99, and this run has 8 tasks without 8, 9, 10" in ran.err


def test_one_of_several_prompts_must_be_chosen(competition: RunCli) -> None:
    """Two prompts are two sets of answers."""
    competition("eval", "--task", "elyza-tasks-100-tv=tv.jsonl", "--model", "echo", "--prompt", "plain.v1", "--prompt",
                "course.v1", "--judge", "rules", "--run", "two")  # fmt: skip
    ran = competition("submit", "two", "--output", "out.jsonl")
    assert (2, True) == (ran.code, "Choose one: --prompt plain.v1" in ran.err)


@pytest.mark.parametrize("prompt", ["plain.v1", "course.v1"])
def test_answers_that_repeat_their_prompts_are_not_handed_in(competition: RunCli, prompt: str) -> None:
    """`echo` tries a run out; its answers are the tasks themselves."""
    competition("eval", "--task", "elyza-tasks-100-tv=tv.jsonl", "--model", "echo", "--prompt", prompt, "--judge",
                "rules", "--run", "echoed")  # fmt: skip
    ran = competition("submit", "echoed", "--output", "out.jsonl")
    assert (1, True) == (ran.code, "Every answer of echo is its own prompt" in ran.err), ran.err
    assert not Path("out.jsonl").exists()


def test_a_file_is_only_replaced_on_demand(competition: RunCli) -> None:
    """Another file of this name stays; the same content is no change; --overwrite replaces it."""
    command = ("submit", "tv", "--model", "whole", "--output", "out.jsonl")
    Path("out.jsonl").write_text("mine", encoding="utf-8")
    ran = competition(*command)
    assert (1, True) == (ran.code, "out.jsonl is there already, with other content." in ran.err)
    assert "mine" == Path("out.jsonl").read_text(encoding="utf-8")
    assert 0 == competition(*command, "--overwrite").code
    assert 0 == competition(*command).code


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "A run and --output FILE are needed, or --check FILE."),
        (["tv"], 2, "A run and --output FILE are needed"),
        (["tv", "--output", "o"], 2, "The run has several models."),
        (["tv", "--output", "o", "--model", "hole"], 2, "Did you mean 'whole'?"),
        (["tv", "--output", "o", "--model", "whole", "--prompt", "p"], 2, "No prompt in this run named 'p'."),
        (["tv", "--output", "o", "--model", "whole", "--task", "t"], 2, "No task set in this run named 't'."),
        (["tv", "--check", "o"], 2, "--check looks at a file, not at a run."),
        (["tv", "--output", "no/o", "--model", "whole"], 1, "Cannot write no/o: no such file or folder."),
        (["--check", "no.jsonl"], 1, "no.jsonl: no such file"),
    ],
)
def test_wrong_arguments_are_named(competition: RunCli, arguments: list[str], code: int, message: str) -> None:
    """What is missing or unknown is said, with what to do."""
    ran = competition("submit", *arguments)
    assert (code, "", True) == (ran.code, ran.out, message in ran.err), ran.err


def test_a_strangers_file_is_checked_by_line(run_cli: RunCli, workplace: Path) -> None:
    """Every fault with its line, the verdict last, and exit code 1."""
    rows = [{"task_id": n, "output": f"答え{n}"} for n in range(100)]
    rows[3]["output"] = ""
    rows[4]["task_id"] = 0
    Path("file.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    ran = run_cli("submit", "--check", "file.jsonl")
    assert 1 == ran.code
    assert [
        "file.jsonl:4: error: output is empty",
        "file.jsonl:5: error: task_id 0 stands in line 1 already",
        "file.jsonl: error: 1 of 100 ids are missing: 4",
        "file.jsonl: 3 errors; it cannot be handed in like this.",
    ] == ran.out.splitlines()
