"""The last lines of an evaluation: the verdict in a sentence, the files, the next command."""

from pathlib import Path

import pytest

from tests.conftest import RunCli


def tasks(n: int) -> None:
    rows = (f'{{"task_id": {task}, "input": "問{task}", "output": "正解{task}"}}\n' for task in range(n))
    Path("t.jsonl").write_text("".join(rows), encoding="utf-8")


def last_lines(err: str) -> dict[str, str]:
    """Return the closing lines by their heads."""
    return dict(line.split(": ", 1) for line in err.rstrip().rsplit("\n\n", 1)[1].split("\n"))


@pytest.fixture
def scored(run_cli: RunCli) -> RunCli:
    """Answers of two models on eight tasks, of which `new` is rated a point higher each time but once."""
    tasks(8)
    lines = [(model, task) for model in ("base", "new") for task in range(8)]
    Path("a.csv").write_text("model,task_id,output\n" + "".join(f"{m},{t},答え{m}\n" for m, t in lines), "utf-8")
    Path("r.csv").write_text(
        "model,task_id,score\n" + "".join(f"{m},{t},{2 + (m == 'new') - (m == 'new') * (t == 0)}\n" for m, t in lines),
        "utf-8",
    )
    return run_cli


def test_verdict_files_and_next_command(scored: RunCli) -> None:
    """With people's scores: who is better in a sentence, the report's path, and a task to look at."""
    ran = scored("eval", "--task", "t=t.jsonl", "--model", "outputs:a.csv", "--judge", "human:r.csv", "--run", "r")
    assert 0 == ran.code, ran.err
    lines = last_lines(ran.err)
    assert lines.pop("Result").startswith("new is better than the baseline base: +0.88 (")
    assert {
        "Files": "runs/r/report.html · runs/r/leaderboard.md · runs/r/results.json",
        "Next": "harness show r --task-id 0   # one task with every answer and reason",
    } == lines
    again = scored("--lang", "ja", "judge", "r", "--judge", "reference")
    assert ["結果", "ファイル", "次"] == list(last_lines(again.err))


@pytest.mark.parametrize(
    ("key", "command"), [(None, "harness rate export r"), ("OPENAI_API_KEY", "harness judge r --judge openai")]
)
def test_checks_alone_lead_to_a_judge(
    run_cli: RunCli, monkeypatch: pytest.MonkeyPatch, key: str | None, command: str
) -> None:
    """Rules tell no quality: the next command gets a judge that does, by a key that is there, else people."""
    tasks(3)
    if key:
        monkeypatch.setenv(key, "x")
    ran = run_cli("eval", "--task", "t=t.jsonl", "--model", "echo", "--judge", "rules", "--run", "r")
    found = last_lines(ran.err)
    assert "Result" not in found  # one row alone
    assert found["Next"].startswith(f"{command}   # ")


def test_the_competition_leads_to_a_submission(run_cli: RunCli) -> None:
    """A run on the TV set ends with the command that writes the file to hand in."""
    Path("tv.jsonl").write_text("".join(f'{{"task_id": {n}, "input": "問{n}"}}\n' for n in range(100)), "utf-8")
    Path("a.csv").write_text("task_id,output\n" + "".join(f"{n},答え\n" for n in range(100)), "utf-8")
    Path("r.csv").write_text("model,task_id,score\n" + "".join(f"my model,{n},3\n" for n in range(100)), "utf-8")
    ran = run_cli(
        *("eval", "--task", "elyza-tasks-100-tv=tv.jsonl", "--model", "my model=outputs:a.csv"),
        *("--judge", "scores:r.csv", "--run", "tv"),
    )
    assert 0 == ran.code, ran.err
    expected = "harness submit tv --model 'my model' --output submission.jsonl"
    assert expected == last_lines(ran.err)["Next"].split("   #")[0]
