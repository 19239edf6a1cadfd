"""`harness ls`: what can be typed, and the runs that are there."""

from decimal import Decimal
from pathlib import Path

import pytest

from harness.installation import add_extra
from tests.conftest import RunCli


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("models", ["outputs:PATH", "echo", "counting", add_extra("local")]),
        ("judges", ["rules", "reference", "human:PATH", "crashing"]),
        ("tasks", ["bundled:ja-mini", "elyza-tasks-100-tv=PATH", "mine", "harness.toml"]),
        ("prompts", ["course.v1", "course-nobos.v1", "plain.v1", "polite.v1", "chat.v1", "never"]),
        ("runs", ["No runs in runs/ yet"]),
    ],
)
def test_ls_names_what_can_be_typed(run_cli: RunCli, example_plugin: Path, what: str, expected: list[str]) -> None:
    """Built-ins, plugins, what needs an extra, and what harness.toml defines are all listed."""
    Path("harness.toml").write_text('[tasks.mine]\npath = "x.jsonl"\n')
    ran = run_cli("ls", what)
    assert 0 == ran.code, ran.err
    if what == "models":  # in this environment every extra may be installed: the plugin's never is
        expected = [*expected[:3], "heavy"]
    assert [] == [text for text in expected if text not in ran.out], ran.out


def test_ls_recipes_shows_what_tells_them_apart(run_cli: RunCli) -> None:
    """A line for each recipe of FACTS.md's settings; values as they are written in papers."""
    lines = run_cli("ls", "recipes").out.splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    head = ["recipe", "prompt", "effective batch", "learning rate", "r", "loss", "max_length", "summary"]
    assert head == cells[0]
    rows = {row[0]: row[1:-1] for row in cells[2:]}
    assert ["article", "course-plain", "course-unsloth", "cpu-demo", "dpo", "fast"] == list(rows)
    assert ["course.v1", "8", "2e-4", "32", "all", "512"] == rows["course-unsloth"]
    assert ["course-nobos.v1", "2", "5e-5", "16", "all", "512"] == rows["course-plain"]
    assert all(row[-1] for row in cells[2:])


def test_ls_runs_shows_the_change_since_the_run_before(run_cli: RunCli, task_file: Path) -> None:
    """Two runs of the same row: the second line says by how much the mean moved."""
    arguments = ("eval", "--task", "five=five.jsonl", "--model", "m=outputs:a.csv", "--judge", "reference", "--run")
    Path("a.csv").write_text("task_id,output\n" + "\n".join(f"{n},違う" for n in range(5)), encoding="utf-8")
    run_cli(*arguments, "before")
    Path("a.csv").write_text("task_id,output\n" + "\n".join(f"{n},答え{n}" for n in range(5)), encoding="utf-8")
    run_cli(*arguments, "after")
    Path("runs/half-done").mkdir()
    lines = run_cli("ls", "runs").out.splitlines()
    assert ["before", "after"] == [line.split("|")[1].strip() for line in lines[2:]]
    assert ["", "+100.0"] == [line.split("|")[-2].strip() for line in lines[2:]]


def test_the_change_is_that_of_the_means_in_the_table(run_cli: RunCli, task_file: Path) -> None:
    """Of thirds, too: 33.3 and 66.7 are 33.4 apart for whoever reads them."""
    arguments = ("eval", "--task", "five=five.jsonl", "--model", "m=outputs:a.csv", "--judge", "reference")
    for right in (1, 2):
        answers = [f"答え{n}" if n < right else "違う" for n in range(5)]
        text = "task_id,output\n" + "\n".join(f"{n},{answer}" for n, answer in enumerate(answers))
        Path("a.csv").write_text(text, encoding="utf-8")
        run_cli(*arguments, "--limit", "3", "--run", f"r{right}")
    means, changes = zip(
        *((line.split("|")[-4], line.split("|")[-2]) for line in run_cli("ls", "runs").out.splitlines()[2:]),
        strict=True,
    )
    first, second = map(Decimal, means)
    assert ("", second - first) == (changes[0].strip(), Decimal(changes[1].strip()))
    assert second - first != Decimal(str(round(100 / 3, 1)))
