"""When an evaluation takes the place of a run of its name: the same plan, or nothing to lose."""

from pathlib import Path

import pytest

from tests.conftest import RunCli, results_of

RUN = ("eval", "--task", "five=five.jsonl", "--model", "echo", "--judge", "rules", "--run", "r")


def board() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path("runs/r").iterdir()}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (("--model", "two=echo"), "models echo there, echo, two here"),
        (("--limit", "3"), "limit none there, 3 here"),
        (("--prompt", "plain.v1"), "prompts course.v1 there, plain.v1 here"),
        (("--repeats", "2"), "repeats 1 there, 2 here"),
        (("--temperature", "0.5", "--seed", "4"), "temperature 0 there, 0.5 here; seed 0 there, 4 here"),
        (("--max-new-tokens", "9"), "max_new_tokens 512 there, 9 here"),
        (("--task", "more=more.jsonl"), "tasks five there, five, more here"),
    ],
)
@pytest.mark.parametrize("more", [(), ("--dry-run",), ("--overwrite",)], ids=["refused", "dry", "overwritten"])
def test_another_plan_does_not_take_a_runs_name(
    run_cli: RunCli, task_file: Path, changed: tuple[str, ...], said: str, more: tuple[str, ...]
) -> None:
    """Refused with what differs, before any work and without a change; --overwrite replaces it."""
    Path("more.jsonl").write_text('{"input": "もう一つ"}\n', encoding="utf-8")
    run_cli(*RUN)
    before = board()
    ran = run_cli(*RUN, *changed, *more)
    if "--overwrite" in more:
        assert (0, False) == (ran.code, before == board()), ran.err
        return
    assert (2, "") == (ran.code, ran.out)
    assert f"Error: Run 'r' has another plan: {said}." in ran.err
    assert "--overwrite" in ran.err
    assert before == board()


def test_tasks_or_templates_that_changed_are_another_plan(run_cli: RunCli, task_file: Path) -> None:
    """The same words on the command line, other content in the file."""
    Path("own.j2").write_text("{{ input }}", encoding="utf-8")
    arguments = (*RUN, "--prompt", "own.j2")
    run_cli(*arguments)
    Path("own.j2").write_text("{{ input }}!", encoding="utf-8")
    assert "prompt 'own.j2' has another text" in run_cli(*arguments).err
    Path("own.j2").write_text("{{ input }}", encoding="utf-8")
    task_file.write_text(task_file.read_text(encoding="utf-8").replace("質問", "問い"), encoding="utf-8")
    assert "task set 'five' has other content" in run_cli(*arguments).err


def test_the_same_plan_goes_on_whatever_else_changed(run_cli: RunCli, task_file: Path) -> None:
    """Another order of models, an idle seed, another baseline, confidence or judge ask no model anything else."""
    two = (*RUN, "--model", "two=echo")
    run_cli(*two)
    for more in (("--seed", "5"), ("--baseline", "two"), ("--confidence", "0.9"), ("--judge", "reference")):
        ran = run_cli(*two, *more)
        assert 0 == ran.code, ran.err
    turned = ("eval", "--task", "five=five.jsonl", "--model", "two=echo", "--model", "echo", "--judge", "rules")
    ran = run_cli(*turned, "--run", "r")
    assert 0 == ran.code, ran.err
    assert {"rules", "reference"} == {row["judge"] for row in results_of(Path(), "r")["rows"]}


def test_a_run_that_came_to_nothing_makes_way(run_cli: RunCli, task_file: Path, example_plugin: Path) -> None:
    """Without one score there is no board to lose."""
    nothing = ("eval", "--task", "five=five.jsonl", "--model", "dying:0", "--judge", "length", "--run", "r")
    assert 3 == run_cli(*nothing).code
    assert 0 == run_cli(*RUN).code
    assert 2 == run_cli(*nothing).code
