"""`--looks` and `--halving`: what is asked no more, what the board says of it, and how it goes on."""

import csv
import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from harness.runs.api import evaluate
from tests.conftest import Ran, RunCli, results_of

TASK = ("--task", "t=t.jsonl", "--model", "outputs:out.jsonl", "--judge", "scores:s.csv", "--run", "r")
SHIFTS = {"base": 0.0, "same": 0.0, "better": 1.2, "worse": -1.2, "bit": 0.1, "dim": -0.2}


def written(names: tuple[str, ...]) -> None:
    """Write 80 tasks, an answer of each model to each, and scores of known means."""
    Path("t.jsonl").write_text("".join(json.dumps({"input": f"問{n}"}) + "\n" for n in range(80)))
    rows = [{"task_id": n, "model": model, "output": "答"} for model in names for n in range(80)]
    Path("out.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    rng = np.random.default_rng(7)
    hard = rng.normal(3, 0.7, 80)
    with Path("s.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["model", "task_id", "score"])
        for model in names:
            scores = np.clip(np.round(hard + SHIFTS[model] + rng.normal(0, 0.5, 80)), 1, 5)
            writer.writerows([model, n, int(score)] for n, score in enumerate(scores))


@pytest.fixture
def looked(run_cli: RunCli) -> tuple[RunCli, Ran]:
    """A run with four looks of a baseline and three candidates."""
    written(("base", "same", "better", "worse"))
    ran = run_cli("eval", *TASK, "--looks", "4")
    assert 0 == ran.code, ran.err
    return run_cli, ran


def scored(run: str = "r") -> dict[str, int]:
    return {row["model"]: row["n"] for row in results_of(Path(), run)["rows"]}


def test_what_is_settled_is_asked_no_more(looked: tuple[RunCli, Ran]) -> None:
    """Two candidates stop early, one and the baseline go on; the figures are those of the design."""
    _, ran = looked
    counts = scored()
    assert (80, 80) == (counts["base"], counts["same"])
    assert counts["better"] == counts["worse"] == 40
    assert "settled and asked no more: better, worse" in ran.err
    assert "After look 2 (40 tasks): better, worse." in ran.out
    found = results_of(Path(), "r")
    assert [{"kind": "looks", "sizes": [20, 40, 60, 80], "reached": 4}] == [
        {key: one[key] for key in ("kind", "sizes", "reached")} for one in found["looks"]
    ]
    verdicts = {one["candidate"]["model"]: one["verdict"] for one in found["comparisons"]}
    assert ("better", "worse") == (verdicts["better"], verdicts["worse"])
    assert verdicts["same"] not in {"better", "worse"}
    assert all("look" in one["method"] for one in found["comparisons"])
    manifest = json.loads(Path("runs/r/manifest.json").read_text())
    assert 80 == len(set(manifest["looks"]["order"]["t"]))


def test_the_same_command_takes_the_same_decisions(looked: tuple[RunCli, Ran]) -> None:
    """Nothing is judged anew, not even where the files of the run were lost on the way."""
    run_cli, ran = looked
    before = results_of(Path(), "r")
    again = run_cli("eval", *TASK, "--looks", "4")
    assert ", 0 judged anew" in again.err
    shutil.rmtree("runs/r")
    assert ", 0 judged anew" in run_cli("eval", *TASK, "--looks", "4").err
    after = results_of(Path(), "r")
    assert [before[key] for key in ("rows", "comparisons", "looks")] == [
        after[key] for key in ("rows", "comparisons", "looks")
    ]
    assert ran.out.splitlines()[6:20] == again.out.splitlines()[6:20]


def test_finishing_without_looks_remembers_them(looked: tuple[RunCli, Ran]) -> None:
    """The rest is asked, and the board still counts the looks that there were."""
    run_cli, _ = looked
    ran = run_cli("eval", *TASK)
    assert 0 == ran.code, ran.err
    assert {80} == set(scored().values())
    [found] = results_of(Path(), "r")["looks"]
    assert ([20, 40, 60, 80], []) == (found["sizes"], found["stops"])


def test_a_rerun_looks_again(looked: tuple[RunCli, Ran]) -> None:
    """With the same looks, so that every figure comes out the same; Python has them too."""
    run_cli, _ = looked
    ran = run_cli("rerun", "r")
    assert 0 == ran.code, ran.err
    assert "came out the same" in ran.out
    assert scored("r") == scored("r-rerun")
    run = evaluate(models="outputs:out.jsonl", tasks="t=t.jsonl", judges="scores:s.csv", looks=4)
    assert {"better", "worse"} == {stop.model for stop in run.manifest.looks.stops}  # type: ignore[union-attr]


def test_where_all_is_settled_the_baseline_stops_too(run_cli: RunCli) -> None:
    """Half of its calls are saved."""
    written(("base", "better", "worse"))
    assert 0 == run_cli("eval", *TASK, "--looks", "4").code
    counts = scored()
    assert 40 == counts["base"] == max(counts["better"], counts["worse"])


def test_halving_keeps_the_better_half(run_cli: RunCli) -> None:
    """Of five candidates three and then two are left, the best with all tasks; the family counts all five."""
    written(tuple(SHIFTS))
    ran = run_cli("eval", *TASK, "--halving")
    assert 0 == ran.code, ran.err
    counts = Counter(scored().values())
    assert {80: 3, 40: 1, 20: 2} == counts
    assert 80 == scored()["better"]
    assert 20 == scored()["worse"]
    assert "as the worse half" in ran.err
    assert "that of the best of many" in ran.out
    found = {one["candidate"]["model"]: one for one in results_of(Path(), "r")["comparisons"]}
    assert 5 == len(found)
    assert "better" == found["better"]["verdict"]
    assert found["better"]["p_adjusted"] >= found["better"]["p_value"]


@pytest.mark.parametrize(
    ("names", "options", "said"),
    [
        (("base", "same"), ("--looks", "4", "--halving"), "both given"),
        (("base",), ("--looks", "4"), "nothing to compare"),
        (("base", "same", "better"), ("--halving",), "2 candidates beside the baseline"),
        (("base", "same"), ("--looks", "4", "--limit", "12"), "12 tasks: too few"),
    ],
)
def test_what_cannot_be_is_refused(
    run_cli: RunCli, names: tuple[str, ...], options: tuple[str, ...], said: str
) -> None:
    """Before any work."""
    written(names)
    ran = run_cli("eval", *TASK, *options)
    assert 2 == ran.code
    assert said in ran.err
    assert not Path("runs/r").exists()
