"""`import harness`: an evaluation from Python is that of the command line, without a word and without a file."""

import csv
import json
import threading
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import harness
from harness.engine.job import Progress
from harness.types import Generation, Request
from tests.conftest import RunCli, results_of

MODELS = ["base=outputs:a.jsonl", "tuned=echo"]
PROVENANCE = ("tasks", "models", "templates", "judges", "sampling", "repeats", "limit")


@pytest.fixture
def evaluated(workplace: Path, task_file: Path) -> harness.Run:
    """Two models by two judges, one answer missing."""
    rows = [{"task_id": n, "output": None if n == 2 else f"答え{n % 2}"} for n in range(5)]
    Path("a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return harness.evaluate(models=MODELS, tasks=["five=five.jsonl"], judges=["rules", "reference"], run="mine")


def test_it_is_quiet_and_writes_the_store_alone(evaluated: harness.Run, capfd: pytest.CaptureFixture[str]) -> None:
    """Until it is told to save."""
    harness.evaluate(models=MODELS, tasks=["five=five.jsonl"], judges=["rules"])
    assert ("", "") == tuple(capfd.readouterr())
    assert ["store.sqlite"] == sorted(path.name for path in Path("runs").iterdir() if "-" not in path.name)
    assert [] == harness.list_runs()


def test_saved_it_is_the_run_of_the_command_line(evaluated: harness.Run, run_cli: RunCli) -> None:
    """The same rows, comparisons and provenance, in the same files; the command on record makes it again."""
    evaluated.save("runs/mine")
    ran = run_cli("eval", "--run", "theirs", *(f"--model={model}" for model in MODELS), "--task", "five=five.jsonl",
                  "--judge", "rules", "--judge", "reference", "--max-unscored", "9")  # fmt: skip
    assert 0 == ran.code, ran.err
    assert " 0 judged anew" in ran.err
    files = {run: {path.name for path in Path("runs", run).iterdir()} for run in ("mine", "theirs")}
    assert files["mine"] == files["theirs"]
    mine, theirs = results_of(Path(), "mine"), results_of(Path(), "theirs")
    assert (mine["rows"], mine["comparisons"]) == (theirs["rows"], theirs["comparisons"])
    assert [mine["provenance"][key] for key in PROVENANCE] == [theirs["provenance"][key] for key in PROVENANCE]
    ran = run_cli("rerun", "mine", "--frozen")
    assert 0 == ran.code, ran.err


def test_figures_are_those_of_results_json(evaluated: harness.Run) -> None:
    """`rows` and `compare` unrounded, of one judge or of all."""
    evaluated.save("runs/mine")
    document = results_of(Path(), "mine")
    rows = evaluated.leaderboard().rows
    assert [(row["judge"], row["model"], row["mean"], row["low"], row["n_unscored"]) for row in document["rows"]] == [
        (row.judge, row.model, row.mean, row.low, row.n_unscored) for row in rows
    ]
    chosen = evaluated.leaderboard(judge="reference", baseline="tuned")
    assert {"reference"} == {row.judge for row in chosen.rows}
    (difference,) = harness.compare("mine", judge="reference")
    (known,) = (one for one in document["comparisons"] if one["judge"] == "reference")
    assert (known["difference"], known["p_value"]) == (difference.difference, difference.p_value)
    assert ("base", "tuned") == (difference.baseline.model, difference.candidate.model)
    (turned,) = harness.compare(evaluated, judge="reference", baseline="tuned")
    assert turned.difference == pytest.approx(-difference.difference)
    with pytest.raises(AttributeError):
        rows[0].mean = 1.0  # type: ignore[misc]


def test_scores_are_an_arrow_table(evaluated: harness.Run) -> None:
    """A row for each answer, judge and repeat: its mean is the board's."""
    table = evaluated.scores()
    assert isinstance(table, pa.Table)
    assert 20 == table.num_rows
    kept = [row for row in table.to_pylist() if (row["model"], row["judge"]) == ("tuned", "reference")]
    (row,) = (row for row in evaluated.leaderboard(judge="reference").rows if row.model == "tuned")
    assert row.mean == pytest.approx(sum(one["score"] for one in kept) / 5)


def test_runs_are_found_merged_and_exported(evaluated: harness.Run, workplace: Path) -> None:
    """By name, by path, as a bundle; tables by their ending."""
    evaluated.save("runs/mine")
    other = harness.evaluate(
        models=["third=echo"], tasks=["five=five.jsonl"], judges=["rules"], temperature=0.7, run="o"
    )
    other.save(Path("runs") / "other")
    assert ["mine", "other"] == harness.list_runs()
    both = harness.merge_runs(["mine", other], judges=["rules"])
    assert {"base", "tuned", "third"} == {row.model for row in both.leaderboard().rows}
    target = harness.export("mine", "scores.csv")
    assert 20 == len(list(csv.DictReader(target.open(encoding="utf-8-sig"))))
    bundle = harness.export(evaluated, workplace / "mine.zip")
    for named in ("mine", "runs/mine", Path("runs/mine"), "mine.zip", bundle):
        assert evaluated.leaderboard().rows == harness.load_run(named).leaderboard().rows, named


def test_saving_loses_nothing_that_a_folder_holds(evaluated: harness.Run) -> None:
    """Another plan, or a judge that this run lacks, stays where it is unless told otherwise."""
    evaluated.save("runs/mine")
    fewer = harness.evaluate(models=MODELS, tasks=["five=five.jsonl"], judges=["rules"], run="mine")
    other = harness.evaluate(models=["echo"], tasks=["five=five.jsonl"], judges=["rules"], run="mine")
    before = Path("runs/mine/results.json").read_bytes()
    with pytest.raises(harness.PlanMismatchError, match="holds run 'mine' with the judge 'reference'") as caught:
        fewer.save("runs/mine")
    assert "overwrite=True" in str(caught.value.hint)
    with pytest.raises(harness.PlanMismatchError, match="holds another run, 'mine'"):
        other.save("runs/mine")
    assert before == Path("runs/mine/results.json").read_bytes()
    evaluated.save("runs/mine")
    other.save("runs/mine", overwrite=True)
    assert {"echo"} == {row.model for row in harness.load_run("mine").leaderboard().rows}


def test_merged_runs_and_odd_names_go_into_a_bundle(evaluated: harness.Run, workplace: Path) -> None:
    """And come out of it as they went in."""
    third = harness.evaluate(models=["third=echo"], tasks=["five=five.jsonl"], judges=["rules"], run="a:b/c\n")
    for run in (third, harness.merge_runs([evaluated, third], judges=["rules"])):
        bundle = harness.export(run, workplace / "odd.zip")
        assert run.leaderboard().rows == harness.load_run(bundle).leaderboard().rows


def test_one_name_is_one(workplace: Path, task_file: Path) -> None:
    """A text where a list was meant is not taken apart into its letters."""
    run = harness.evaluate(models="echo", tasks="five=five.jsonl", judges="rules", prompts="plain.v1")
    assert (("echo",), {"plain.v1"}) == (run.models, {request.prompt for request in run.requests})


def test_progress_hears_of_the_work(workplace: Path, task_file: Path) -> None:
    """What is derived from it hears what it asks for, and nothing of the rest."""

    class Counting(Progress):
        answers = 0

        def answered(self, request: Request, generation: Generation) -> None:
            self.answers += 1

    progress, before = Counting(), set(threading.enumerate())
    harness.evaluate(models=["echo"], tasks=["five=five.jsonl"], judges=["rules"], progress=progress)
    assert 5 == progress.answers
    assert set(threading.enumerate()) <= before


def test_arguments_are_the_options_of_the_command_line(workplace: Path, task_file: Path) -> None:
    """harness.toml counts, an argument counts more; the command on record says all that was chosen."""
    Path("harness.toml").write_text('prompt = "plain.v1"\n[generation]\nmax_new_tokens = 9\nseed = 4\n')
    run = harness.evaluate(
        models=["a=echo"], tasks=["five=five.jsonl"], judges=["rules"], limit=2, seed=5, repeats=2, temperature=0.3,
        baseline="a", confidence=0.9, allow_prompt_mismatch=True, run="odd name",
    )  # fmt: skip
    assert {"plain.v1"} == {request.prompt for request in run.requests}
    assert {(9, 5)} == {(request.sampling.max_new_tokens, request.sampling.seed) for request in run.requests}
    assert (4, 0.9, "odd name") == (len(run.requests), run.leaderboard().confidence, run.name)
    assert run.manifest.provenance["command"] == (
        "harness eval --model a=echo --task five=five.jsonl --judge rules --baseline a --limit 2 --repeats 2 "
        "--temperature 0.3 --seed 5 --confidence 0.9 --run 'odd name' --allow-prompt-mismatch"
    )


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"models": []}, harness.UsageError, "Nothing to evaluate"),
        ({"models": ["nope:x"]}, harness.UnknownNameError, "No model named 'nope'"),
        ({"tasks": ["t=gone.jsonl"]}, harness.InputError, "gone.jsonl: no such file"),
        ({"baseline": "x"}, harness.UnknownNameError, "No model label named 'x'"),
        ({"store": "mysql://x"}, harness.StoreError, "mysql"),
    ],
)
def test_what_is_wrong_is_raised(
    workplace: Path, task_file: Path, arguments: dict, error: type[harness.HarnessError], message: str
) -> None:
    """The command line's own sentences, as errors that can be told apart."""
    plain = {"models": ["echo"], "tasks": ["five=five.jsonl"], "judges": ["rules"]}
    with pytest.raises(error, match=message) as caught:
        harness.evaluate(**plain | arguments)
    assert caught.value.hint


@pytest.mark.parametrize("odd", [Path("answers.jsonl"), [Path("answers.jsonl")], ("echo", 3), None, b"echo"])
@pytest.mark.parametrize("argument", ["models", "tasks", "judges", "prompts"])
def test_what_is_no_text_is_said(workplace: Path, task_file: Path, argument: str, odd: object) -> None:
    """A path alone does not say what is in the file; nothing is made of it."""
    given: dict[str, Any] = {"models": "echo", "tasks": f"small={task_file}", "judges": "rules"} | {argument: odd}
    with pytest.raises(harness.UsageError, match="is no text") as refused:
        harness.evaluate(**given)
    assert "as on the command line" in str(refused.value.hint)


def test_a_format_that_is_none_and_no_run_at_all(evaluated: harness.Run) -> None:
    """Said before anything is written."""
    with pytest.raises(harness.UsageError, match="ends like no format"):
        harness.export(evaluated, "x.txt")
    with pytest.raises(harness.UsageError, match="no run to merge"):
        harness.merge_runs([])
    with pytest.raises(harness.UnknownNameError, match="No run named 'nope'"):
        harness.load_run("nope")
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        _ = harness.nope
    assert not Path("x.txt").exists()


def test_more_judges_join_as_on_the_command_line(workplace: Path, task_file: Path, run_cli: RunCli) -> None:
    """The run given stays as it was; the new one is what `harness judge` makes, and no other file is touched."""
    first = harness.evaluate(models=["echo"], tasks=["five=five.jsonl"], judges=["reference"], run="mine")
    first.save("runs/mine")
    before = Path("runs/mine/results.json").read_bytes()
    more = harness.add_judges("mine", "rules")
    assert [["reference"], ["reference", "rules"]] == [[judge.name for judge in run.judges] for run in (first, more)]
    assert before == Path("runs/mine/results.json").read_bytes()
    assert "harness judge mine --judge rules" == more.manifest.joined[0].command
    ran = run_cli("judge", "mine", "--judge", "rules", "--max-unscored", "9")
    assert 0 == ran.code, ran.err
    assert harness.load_run("mine").leaderboard().rows == more.leaderboard().rows
    codes = {one["code"] for one in results_of(Path(), "mine")["notices"]}
    assert "no_rules" in codes
    assert more.leaderboard().rows == harness.add_judges(first, ["rules"]).leaderboard().rows


def test_what_cannot_join_is_refused(evaluated: harness.Run, workplace: Path) -> None:
    """No judge, a judge of pairs, a run without a store, a bundle, a name that is none."""
    for judges in ((), "pairwise:gemini"):
        with pytest.raises(harness.UsageError, match="takes judges of single answers"):
            harness.add_judges(evaluated, judges)
    other = harness.evaluate(models=["third=echo"], tasks=["five=five.jsonl"], judges=["rules"], run="o")
    with pytest.raises(harness.UsageError, match="has no store"):
        harness.add_judges(harness.merge_runs([evaluated, other], judges=["rules"]), "reference")
    with pytest.raises(harness.HarnessError):
        harness.add_judges(harness.export(evaluated, workplace / "b.zip"), "rules")
    with pytest.raises(harness.UnknownNameError, match="No judge named 'rulse'"):
        harness.add_judges(evaluated, "rulse")
