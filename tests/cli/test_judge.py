"""`harness judge`: judges that join a run, what they may cost, and what happens when they fail."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.cli.execution import execute_here, invocation
from harness.errors import HarnessError
from harness.runs.add_judges import add_in_folder, joined_by, judging_job
from harness.runs.assemble import open_judges
from harness.runs.folder import RunFolder
from harness.runs.load import load_run
from harness.specs import Config, parse_judge
from harness.store.store import Store
from tests.conftest import ROOT, RunCli, reasons_of, results_of

FIVE = ("--task", "five=five.jsonl")


@pytest.fixture
def finished(run_cli: RunCli, task_file: Path) -> RunCli:
    """A finished run `r` of five answers under the judge `reference`."""
    ran = run_cli("eval", *FIVE, "--model", "echo", "--judge", "reference", "--run", "r")
    assert 0 == ran.code, ran.err
    return run_cli


@pytest.fixture
def forty(run_cli: RunCli, workplace: Path, example_plugin: Path) -> RunCli:
    """A finished run `r` of forty answers under the judge `rules`."""
    Path("forty.jsonl").write_text("".join(json.dumps({"input": f"問{n}"}) + "\n" for n in range(40)))
    ran = run_cli("eval", "--task", "forty=forty.jsonl", "--model", "echo", "--judge", "rules", "--run", "r")
    assert 0 == ran.code, ran.err
    return run_cli


def judges_of(run: str) -> dict[str, int]:
    return {row["judge"]: row["n"] for row in results_of(Path(), run)["rows"]}


def calls() -> list[str]:
    return Path("log").read_text().splitlines() if Path("log").exists() else []


def test_a_judge_joins_the_board_and_the_old_one_stays(
    finished: RunCli, example_plugin: Path, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No answer is generated; leaderboard, results.json and manifest have both judges; the old figures are the same."""
    before = results_of(Path(), "r")["rows"]
    monkeypatch.setenv("COUNT_LOG", str(workplace / "log"))
    ran = finished("judge", "r", "--judge", "length:100")
    assert 0 == ran.code, ran.err
    assert [f"judge {number}" for number in range(5)] == calls()
    assert {"reference": 5, "length:100": 5} == judges_of("r")
    assert before == [row for row in results_of(Path(), "r")["rows"] if row["judge"] == "reference"]
    assert Path("runs/r/leaderboard.md").read_text(encoding="utf-8") == ran.out
    assert "by length:100" in ran.out
    manifest = json.loads(Path("runs/r/manifest.json").read_text(encoding="utf-8"))
    assert ["reference", "length:100"] == [judge["name"] for judge in manifest["judges"]]
    assert "harness judge r --judge length:100" == manifest["joined"][0]["command"]


def test_a_second_time_calls_nothing_and_changes_no_file(
    finished: RunCli, example_plugin: Path, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same command again finds every verdict in the store."""
    first = finished("judge", "r", "--judge", "length")
    times = {path.name: path.stat().st_mtime_ns for path in Path("runs/r").iterdir()}
    monkeypatch.setenv("COUNT_LOG", str(workplace / "log"))
    second = finished("judge", "r", "--judge", "length")
    assert (0, first.out, []) == (second.code, second.out, calls())
    assert times == {path.name: path.stat().st_mtime_ns for path in Path("runs/r").iterdir()}


def test_the_evaluation_again_keeps_the_judge_that_joined(finished: RunCli, example_plugin: Path) -> None:
    """`harness eval` run once more does not drop it, and writes nothing anew."""
    joined = finished("judge", "r", "--judge", "length")
    times = {path.name: path.stat().st_mtime_ns for path in Path("runs/r").iterdir()}
    again = finished("eval", *FIVE, "--model", "echo", "--judge", "reference", "--run", "r")
    assert (0, joined.out) == (again.code, again.out)
    assert times == {path.name: path.stat().st_mtime_ns for path in Path("runs/r").iterdir()}


def test_another_evaluation_under_the_same_name_says_that_the_judge_is_off(
    finished: RunCli, example_plugin: Path
) -> None:
    """With other tasks it is another run: the judge that had joined is named with the command that adds it."""
    finished("judge", "r", "--judge", "length")
    again = finished("eval", *FIVE, "--model", "echo", "--judge", "reference", "--run", "r", "--limit", "3",
                     "--overwrite")  # fmt: skip
    assert "Add it again: harness judge r --judge length" in again.err
    assert {"reference": 3} == judges_of("r")


def test_json_and_compare_know_the_new_judge(finished: RunCli, example_plugin: Path) -> None:
    """--json prints results.json, and compare takes the judge's name."""
    ran = finished("judge", "r", "--judge", "length", "--json")
    assert results_of(Path(), "r") == json.loads(ran.out)
    assert 0 == finished("compare", "r", "--judge", "length").code


def test_an_answer_that_failed_is_unscored_by_the_new_judge_too(
    run_cli: RunCli, task_file: Path, example_plugin: Path
) -> None:
    """The reason is the generation's, the judge is not asked, and the exit code is 3."""
    run_cli("eval", *FIVE, "--model", "dying:2", "--judge", "length", "--run", "r")
    ran = run_cli("judge", "r", "--judge", "crashing", "--max-unscored", "0")
    assert 3 == ran.code
    [row] = [row for row in results_of(Path(), "r")["rows"] if row["judge"] == "crashing"]
    reason = "generation failed: The machine cannot hold this model. Use a smaller one."
    assert {reason: 3, "the judge crashed: ZeroDivisionError: oh": 1} == reasons_of(row)
    assert 0 == run_cli("judge", "r", "--judge", "crashing", "--max-unscored", "4").code


def test_repeats_belong_to_the_judge_that_has_them(finished: RunCli, example_plugin: Path) -> None:
    """Three verdicts per answer by the new judge, one by the old; the score is their mean."""
    ran = finished("judge", "r", "--judge", "wavering", "--judge-repeats", "3")
    assert 0 == ran.code, ran.err
    manifest = json.loads(Path("runs/r/manifest.json").read_text(encoding="utf-8"))
    assert {"reference": 1, "wavering": 3} == {judge["name"]: judge["repeats"] for judge in manifest["judges"]}
    with sqlite3.connect("runs/store.sqlite") as store:
        [(verdicts, mean)] = store.execute("SELECT count(*), avg(score) FROM judgement WHERE judge = 'wavering'")
    rows = {row["judge"]: row for row in results_of(Path(), "r")["rows"]}
    assert (15, rows["wavering"]["mean"]) == (verdicts, pytest.approx(mean))


def test_another_file_of_ratings_takes_the_place_of_the_first(finished: RunCli) -> None:
    """The same name with another content: a note, the new figures, one row."""
    for score in (2, 4):
        rows = "".join(f"echo,{number},{score}\n" for number in range(5))
        Path("ratings.csv").write_text(f"model,task_id,score\n{rows}", encoding="utf-8")
        ran = finished("judge", "r", "--judge", "human:ratings.csv")
        assert 0 == ran.code, ran.err
    assert "takes its place on the board" in ran.err
    [row] = [row for row in results_of(Path(), "r")["rows"] if row["judge"] == "human:ratings.csv"]
    assert 4.0 == row["mean"]


def test_a_judge_that_joined_meanwhile_is_not_lost(finished: RunCli, example_plugin: Path) -> None:
    """Two commands at work on one run: the one that ends last keeps what the other has added."""
    stale = load_run("r", "runs", None)
    assert 0 == finished("judge", "r", "--judge", "length").code
    judges, notices = open_judges([parse_judge("rules", Config())], stale.tasks, [("echo", "course.v1")])
    job = judging_job(stale, judges)
    entries = joined_by(job, invocation(), notices)
    with Store(stale.manifest.store) as store:
        outcome = execute_here(job, store, max_cost=None)
        add_in_folder(stale, job, outcome, store, folder=RunFolder("runs", "r"), entries=entries)
    assert {"reference": 5, "length": 5, "rules": 5} == judges_of("r")
    finished("eval", *FIVE, "--model", "echo", "--judge", "reference", "--run", "r", "--limit", "2",
             "--overwrite")  # fmt: skip
    with Store(stale.manifest.store) as store, pytest.raises(HarnessError, match="evaluated anew meanwhile"):
        add_in_folder(stale, job, outcome, store, folder=RunFolder("runs", "r"), entries=entries)


def test_an_interrupted_judge_goes_on_where_it_was(plugin_folder: Path, forty: RunCli, workplace: Path) -> None:
    """Ctrl-C: exit code 130 and the command to continue with; only the verdict in flight may be asked for twice."""
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(plugin_folder), str(ROOT)]),
        "COUNT_LOG": "log",
        "COUNT_DELAY": "0.05",
    }
    command = [sys.executable, "-c", "from harness.cli.main import main; main()", "judge", "r", "--judge", "length"]
    process = subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while len(calls()) < 5:
        assert time.monotonic() < deadline, "the judge did not start"
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert 130 == process.returncode, err
    assert "the same command continues:\n  harness judge r --judge length" in err
    last = subprocess.run(command, env=environment | {"COUNT_DELAY": "0"}, capture_output=True, text=True, check=False)
    assert 0 == last.returncode, last.stderr
    assert 40 == len(set(calls()))
    assert len(calls()) <= 41  # the one in flight when it was cut


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("r",), 2, "No --judge was given."),
        (("nowhere", "--judge", "rules"), 2, "No run named 'nowhere'."),
        (("r", "--judge", "ruls"), 2, "Did you mean 'rules'?"),
        (("r", "--judge", "rules", "--judge", "rules"), 2, "was given twice"),
        (("r", "--judge", "human:none.csv"), 1, "no such file"),
        (("r", "--judge", "rules", "--store", "sqlite:///gone.sqlite"), 1, "The store of this run is gone"),
    ],
)
def test_wrong_input(finished: RunCli, arguments: tuple[str, ...], code: int, said: str) -> None:
    """A sentence and an exit code, never a traceback."""
    ran = finished("judge", *arguments)
    assert code == ran.code
    assert said in ran.err
    assert "Traceback" not in ran.err


def test_the_cost_limit_is_never_passed_and_nothing_is_paid_twice(
    forty: RunCli, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight threads at a cent a verdict stop at 12 of 12.5 cents; without the limit the rest is done, and only that."""
    monkeypatch.setenv("COUNT_LOG", str(workplace / "log"))
    ran = forty("judge", "r", "--judge", "sold", "--max-cost", "0.125")
    assert 3 == ran.code
    assert 12 == len(calls())
    assert "Stopped at the cost limit: $0.1200 was spent." in ran.err
    assert "the same command with a higher --max-cost" in ran.err
    [row] = [row for row in results_of(Path(), "r")["rows"] if row["judge"] == "sold"]
    assert (12, [{"code": "cost_limit", "count": 28}]) == (row["n"], row["unscored_reasons"])
    assert "28 × not judged: the cost limit of" in Path("runs/r/leaderboard.md").read_text()
    assert 0 == forty("judge", "r", "--judge", "sold").code
    assert 40 == len(calls()) == len(set(calls()))


def test_the_cost_limit_holds_in_eval_too(forty: RunCli, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A judge that costs nothing goes on beside one that has used the money up."""
    monkeypatch.setenv("COUNT_LOG", str(workplace / "log"))
    arguments = ("--task", "forty=forty.jsonl", "--model", "echo", "--judge", "sold", "--judge", "rules")
    ran = forty("eval", *arguments, "--judge", "length", "--run", "paid", "--max-cost", "0.05")
    assert 3 == ran.code
    assert {"sold": 5, "rules": 40, "length": 40} == judges_of("paid")


def test_a_limit_that_cannot_be_kept_is_refused(
    forty: RunCli, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A judge without a known price: an error before the first call, with what to do."""
    from harness_example_plugin import Sold

    monkeypatch.setattr(Sold, "price", None)
    ran = forty("judge", "r", "--judge", "sold", "--max-cost", "1")
    assert 1 == ran.code
    assert "The cost of judge 'sold' cannot be limited: no price table has its model." in ran.err


def test_dry_run_estimates_calls_tokens_money_and_time(forty: RunCli) -> None:
    """Forty calls at 30 a minute: 4,000 tokens in, 400 out, 40 cents, 80 seconds; nothing is written."""
    ran = forty("judge", "r", "--judge", "sold", "--dry-run", "--json")
    expected = json.loads(ran.out)["expected"]["sold"]
    assert (40, 4000, 400, pytest.approx(0.4), 80.0) == tuple(
        expected[key] for key in ("calls", "tokens_in", "tokens_out", "cost", "seconds")
    )
    assert {"rules": 40} == judges_of("r")
    shown = forty("judge", "r", "--judge", "sold", "--dry-run").out
    for part in ("4,000", "400", "$0.40", "1 min", "30 requests a minute", "Nothing was done"):
        assert part in shown


def test_a_hopeless_judge_is_asked_ten_times_and_no_more(
    forty: RunCli, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten failures in a row: the user is told, 40 verdicts are missing, and once mended the same command does all."""
    monkeypatch.setenv("COUNT_LOG", str(workplace / "log"))
    ran = forty("judge", "r", "--judge", "broken")
    assert 3 == ran.code
    assert 10 == len(calls())
    assert "Error: Judge 'broken' stopped: given up after 10 failures in a row, the last: server error" in ran.err
    assert "When the cause is mended, the same command continues." in ran.err
    [row] = [row for row in results_of(Path(), "r")["rows"] if row["judge"] == "broken"]
    assert (0, 40, None) == (row["n"], row["n_unscored"], row["mean"])
    Path("mended").touch()
    assert 0 == forty("judge", "r", "--judge", "broken").code
    assert 50 == len(calls())
