"""Runs as one: equal rows once, by all their judges."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import harness
from harness.engine.looks import Looks, stops
from harness.runs.load import load_run
from harness.runs.merge import merge_runs
from harness.runs.run import Run
from harness.types import RowKey
from tests.conftest import RunCli
from tests.runs.conftest import judged


def test_merging_it_with_itself_changes_nothing_but_the_name(run: Run) -> None:
    """Equal rows are there once, by all their judges."""
    merged = merge_runs([run, judged(run)])
    assert ("r + r", 5, {"reference": 5, "rules": 5}) == (merged.name, len(merged.requests), merged.scored)
    assert merge_runs([run]) is run


def scored_by(run_cli: RunCli, name: str, scores: dict[str, str], *, judges: Sequence[str] = ()) -> Run:
    """Return a run of models (from files) whose two answers have the scores given, by people and by further judges."""
    Path("two.jsonl").write_text('{"id": "a", "input": "問"}\n{"id": "b", "input": "問二"}\n', encoding="utf-8")
    models = []
    for model in scores:
        file = Path(f"{name}-{model}.jsonl")
        file.write_text(f'{{"task_id": "a", "output": "{name}"}}\n{{"task_id": "b", "output": "{name} {model}"}}\n')
        models += ["--model", f"{model}=outputs:{file}"]
    asked = [argument for judge in judges for argument in ("--judge", judge)]
    ran = run_cli("eval", "--task", "two=two.jsonl", *models, "--judge", "human:people.csv", *asked, "--run", name)
    assert 0 == ran.code, ran.err
    return load_run(name)


def test_a_merged_run_is_saved_loaded_and_reported(run_cli: RunCli) -> None:
    """Rows of one name with other answers, ratings by model, a judge of one run alone: all as before it was saved."""
    Path("people.csv").write_text("model,task_id,score\nm,a,1\nm,b,2\nn,a,4\nn,b,5\n", encoding="utf-8")
    first = scored_by(run_cli, "first", {"m": "12", "n": "45"})
    second = scored_by(run_cli, "second", {"m": "12"}, judges=["rules"])
    merged = merge_runs([first, second])
    assert {"human:people.csv": 6, "rules": 2} == merged.scored
    merged.save("runs/both")
    again = load_run("both")
    assert merged.scored == again.scored
    assert [(item.key, merged.verdict(item)) for item in merged.items] == [
        (item.key, again.verdict(item)) for item in again.items
    ]
    board = {row.model: row.mean for row in again.leaderboard(judge="human:people.csv").rows}
    assert {"m (first)": 1.5, "m (second)": 1.5, "n": 4.5} == board
    assert ["m (second)"] == [row.model for row in again.leaderboard(judge="rules").rows]
    ran, live = (run_cli("report", *names, "--format", "json") for names in (["both"], ["first", "second"]))
    assert (0, 0) == (ran.code, live.code), ran.err
    assert json.loads(live.out)["rows"] == json.loads(ran.out)["rows"]
    again.save("runs/both")  # nothing to do, and nothing lost
    assert merged.scored == load_run("both").scored


def test_a_judge_joins_a_merged_run_on_all_its_rows(run_cli: RunCli) -> None:
    """Also where it had judged the rows of one run only; the store beside the files takes its verdicts."""
    Path("people.csv").write_text("model,task_id,score\nm,a,1\nm,b,2\nn,a,4\nn,b,5\n", encoding="utf-8")
    merge_runs([scored_by(run_cli, "one", {"m": "12"}), scored_by(run_cli, "two", {"n": "45"}, judges=["rules"])]).save(
        "runs/both"
    )
    assert {"human:people.csv": 4, "rules": 2} == load_run("both").scored
    ran = run_cli("judge", "both", "--judge", "rules")
    assert 0 == ran.code, ran.err
    assert {"human:people.csv": 4, "rules": 4} == load_run("both").scored


def test_a_merged_run_goes_into_a_bundle(run_cli: RunCli) -> None:
    """Straight from memory, without being saved before."""
    Path("people.csv").write_text("model,task_id,score\nm,a,1\nm,b,2\nn,a,4\nn,b,5\n", encoding="utf-8")
    merged = merge_runs([scored_by(run_cli, "one", {"m": "12"}), scored_by(run_cli, "two", {"n": "45"})])
    harness.export(merged, "both.zip")
    assert merged.scored == load_run("both.zip").scored


def test_rows_under_new_names_stay_stopped_where_a_look_stopped_them(run: Run) -> None:
    """One row with other answers in each run: the first stopped after two of its five tasks, the second after four."""
    [task] = run.tasks
    order = tuple(sample.id for sample in task.samples)
    row = RowKey(model="echo", prompt=run.requests[0].prompt)

    def stopped(name: str, look: int) -> Run:
        looks = Looks(
            kind="looks",
            sizes={task.name: (2, 4, 5)},
            order={task.name: order},
            reached=3,
            stops=stops(task.name, {row}, look),
        )
        requests = [replace(one, key=f"{name} {one.key}") for one in run.requests if one.sample_id in order[: 2 * look]]
        return replace(run, name=name, requests=tuple(requests), manifest=replace(run.manifest, looks=looks))

    merged = merge_runs([stopped("first", 1), stopped("second", 2)])
    assert merged.manifest.looks is not None
    assert {"echo (first)": 1, "echo (second)": 2} == {stop.model: stop.look for stop in merged.manifest.looks.stops}
    [board] = merged.leaderboard().boards
    assert {"echo (first)": 3, "echo (second)": 1} == {one.key.model: one.n_not_asked for one in board.rows}
