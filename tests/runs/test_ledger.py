"""Finished runs in the ledger: every way to a board counts a try, and what a run says of it stays as it was."""

import json
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import harness
from harness.errors import StoreError
from harness.ledger import Ledger, is_try
from harness.runs import ledger as module
from harness.stats.spending import spend_over_tries
from harness.store.ledger import read_ledger
from harness.store.store import Store
from tests.cli.test_rate import fill
from tests.conftest import Ran, RunCli, notices_of, results_of

N = 40
RNG = np.random.default_rng(7)
BASE = RNG.integers(1, 6, N)
SCORES = {"base": BASE} | {f"a{k}": np.clip(BASE + RNG.choice([-1, 0, 1], N), 1, 5) for k in range(14)}
SCORES["a2"] = np.clip(BASE + RNG.choice([0, 1, 2], N, p=[0.5, 0.3, 0.2]), 1, 5)


@pytest.fixture
def forty(run_cli: RunCli, workplace: Path) -> RunCli:
    """Forty tasks with answers and scores of fifteen models in files."""
    write("forty.jsonl", [{"task_id": number, "input": f"質問{number}"} for number in range(N)])
    for model in SCORES:
        write(f"{model}.jsonl", [{"task_id": number, "output": f"{model}の答え{number}"} for number in range(N)])
    lines = [f"{model},{task},{score}" for model, scores in SCORES.items() for task, score in enumerate(scores)]
    Path("scores.csv").write_text("model,task_id,score\n" + "\n".join(lines), encoding="utf-8")
    return run_cli


def write(path: str, rows: list[dict]) -> None:
    Path(path).write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def evaluate(run_cli: RunCli, models: str, *more: str, task: str = "forty=forty.jsonl") -> Ran:
    named = [word for model in models.split() for word in ("--model", f"{model}=outputs:{model.strip('~')}.jsonl")]
    ran = run_cli("eval", "--task", task, *named, "--judge", "scores:scores.csv", *more)
    assert 0 == ran.code, ran.err
    return ran


def ledger() -> Ledger:
    with Store("runs/store.sqlite", read_only=True) as store:
        return read_ledger(store)


def tries() -> list[str]:
    return [row.label for row in ledger().rows if is_try(row)]


def comparison(workplace: Path, run: str) -> dict:
    [found] = results_of(workplace, run)["comparisons"]
    return found


def test_the_first_board_is_its_own_correction(forty: RunCli, workplace: Path) -> None:
    """Three at once: p_ledger is Holm's, and the report has nothing to add."""
    ran = evaluate(forty, "base a0 a1 a2", "--run", "first")
    results = results_of(workplace, "first")
    assert 3 == results["ledger"]["forty"]["tries"]
    assert [one["p_adjusted"] for one in results["comparisons"]] == [one["p_ledger"] for one in results["comparisons"]]
    assert "tried on these tasks" not in ran.out


def test_sets_that_share_some_tasks_are_told_of(forty: RunCli, workplace: Path) -> None:
    """Neither a part of the other: two ledgers, and the second board says what it is not corrected for."""
    changed = [{"task_id": number, "input": f"質問{number}{'?' * (number < 10)}"} for number in range(N)]
    write("edited.jsonl", changed)
    evaluate(forty, "base a0 a1", "--run", "one")
    assert not [said for said in notices_of(results_of(workplace, "one")) if "also in" in said]
    evaluate(forty, "base a2", "--run", "two", task="edited=edited.jsonl")
    [said] = [said for said in notices_of(results_of(workplace, "two")) if "also in" in said]
    assert (
        "edited: 30 of its 40 tasks are also in other sets of tasks, on which 2 candidates were tried before." in said
    )
    evaluate(forty, "base a0 a1", "--run", "one")  # nothing new, so nothing new to say
    assert not [said for said in notices_of(results_of(workplace, "one")) if "also in" in said]


def test_later_boards_are_corrected_over_all_before_them(forty: RunCli, workplace: Path) -> None:
    """The third try has the p-value and the interval of `spend_over_tries` over the three, and its verdict."""
    for place in (0, 1, 2):
        ran = evaluate(forty, f"base a{place}", "--run", f"r{place}")
    differences = [SCORES[f"a{place}"] - BASE for place in (0, 1, 2)]
    expected = spend_over_tries(np.array(differences, dtype=float))
    found = comparison(workplace, "r2")
    assert expected.p_values[2] == pytest.approx(found["p_ledger"], abs=0.005)  # another order of tasks, other draws
    assert (expected.low[2], expected.high[2]) == pytest.approx((found["ledger_low"], found["ledger_high"]), abs=0.01)
    assert 3 == found["try"]
    assert "better" == found["verdict"]
    assert 0 < found["shrunken"] < found["difference"]
    assert {"tries": 3, "sealed": 0, "openings": 0}.items() <= results_of(workplace, "r2")["ledger"]["forty"].items()
    assert "a2 is the 3rd candidate tried on these tasks." in ran.out
    assert "p (all tries)" in ran.out


def test_a_verdict_that_many_tries_take_back(forty: RunCli, workplace: Path) -> None:
    """A difference that would be better alone is not as the twelfth; the report says what no correction does."""
    better = np.clip(BASE + np.array([1] * 16 + [-1] * 4 + [0] * 20), 1, 5)
    lines = [f"late,{task},{score}" for task, score in enumerate(better)]
    write("late.jsonl", [{"task_id": number, "output": f"late{number}"} for number in range(N)])
    with Path("scores.csv").open("a", encoding="utf-8") as file:
        file.write("\n" + "\n".join(lines))
    evaluate(forty, "base " + " ".join(f"a{place}" for place in range(11)), "--run", "many")
    ran = evaluate(forty, "base late", "--run", "late")
    found = comparison(workplace, "late")
    assert found["p_adjusted"] <= 0.05 < found["p_ledger"]
    assert "undecided" == found["verdict"] or "no_worse" == found["verdict"]
    assert "12 candidates have been tried on these tasks. Where each was built on the best" in ran.out
    assert "better than the baseline base (p" not in ran.out
    japanese = forty("report", "late", "--format", "md", "--lang", "ja").out
    assert "12番目の候補" in japanese


def test_the_same_candidate_is_one_try(forty: RunCli, workplace: Path) -> None:
    """Again, under another label, from a copy of the file that has grown, in another order: still one."""
    evaluate(forty, "base a1", "--run", "one")
    evaluate(forty, "base a1", "--run", "one")
    evaluate(forty, "base a1", "--run", "two")
    write(
        "grown.jsonl", [{"task_id": n, "output": f"{m}の答え{n}", "model": m} for m in ("a1", "base") for n in range(N)]
    )
    ran = forty("eval", "--task", "other=forty.jsonl", "--model", "outputs:grown.jsonl", "--baseline", "base",
                "--judge", "scores:scores.csv", "--run", "three")  # fmt: skip
    assert 0 == ran.code, ran.err
    assert ["a1"] == tries()
    assert 1 == comparison(workplace, "three")["try"]
    assert "tried on these tasks" not in ran.out


def test_an_unlike_judge_or_task_starts_anew(forty: RunCli) -> None:
    """Another judge, and one changed task, are other ledgers; the first half of the tasks is not."""
    evaluate(forty, "base a0", "--run", "one")
    evaluate(forty, "base a1", "--run", "half", "--limit", "20")
    rows = [json.loads(line) for line in Path("forty.jsonl").read_text(encoding="utf-8").splitlines()]
    write("changed.jsonl", [*rows[:-1], {"task_id": N - 1, "input": "ほかの質問"}])
    evaluate(forty, "base a2", "--run", "changed", task="forty=changed.jsonl")
    places = {run: comparison(Path(), run)["try"] for run in ("one", "half", "changed")}
    assert {"one": 1, "half": 2, "changed": 2} == places, "the first 20 tasks are those of the changed set, too"
    forty("judge", "half", "--judge", "reference")
    judged = [one for one in results_of(Path(), "half")["comparisons"] if one["judge"] == "reference"]
    assert not judged or [1] == [one["try"] for one in judged]


def test_a_finished_run_does_not_change(forty: RunCli, workplace: Path) -> None:
    """Later tries move nothing in its files, nor does rendering it or running it again; what is new in it does."""
    evaluate(forty, "base a2", "--run", "first")
    before = (workplace / "runs/first/results.json").read_bytes(), (workplace / "runs/first/manifest.json").read_bytes()
    for place in (3, 4, 5):
        evaluate(forty, f"base a{place}", "--run", f"r{place}")
    forty("report", "first")
    forty("compare", "first")
    evaluate(forty, "base a2", "--run", "first")
    assert before == tuple((workplace / f"runs/first/{name}.json").read_bytes() for name in ("results", "manifest"))
    assert 4 == len(tries())


def test_reading_a_run_writes_nothing(forty: RunCli, workplace: Path) -> None:
    """report, show, compare and export leave the ledger as it is."""
    evaluate(forty, "base a2", "--run", "first")
    before = ledger()
    for command in (("report", "first"), ("show", "first", "--task-id", "3"), ("compare", "first"), ("audit", "first")):
        forty(*command)
    assert before == ledger()


def test_deleted_runs_stay_on_record(forty: RunCli, workplace: Path) -> None:
    """Folders and rows of answers and verdicts may go: the next try is corrected over them all the same."""
    evaluate(forty, "base a0", "--run", "r0")
    evaluate(forty, "base a1", "--run", "r1")
    for run in ("r0", "r1"):
        shutil.rmtree(workplace / "runs" / run)
    with Store("runs/store.sqlite") as store, store.transaction(write=True) as connection:
        for table in ("generation", "judgement", "plan_request", "plan_sample", "request", "sample"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
    evaluate(forty, "base a2", "--run", "r2")
    found = comparison(workplace, "r2")
    assert (3, 3) == (found["try"], results_of(workplace, "r2")["ledger"]["forty"]["tries"])
    assert found["p_ledger"] > found["p_value"]


def test_every_way_to_a_board_counts(forty: RunCli, workplace: Path) -> None:
    """eval, judge, rate import, ab and Python; a model that stands alone counts until it is a baseline."""
    evaluate(forty, "a0", "--run", "alone")
    assert ["a0"] == tries()
    evaluate(forty, "base", "--run", "base")
    assert ["a0", "base"] == tries()
    evaluate(forty, "base a1", "--run", "pair")
    assert ["a0", "a1"] == tries(), "base was none after all"
    harness.evaluate(
        models=["base=outputs:base.jsonl", "a2=outputs:a2.jsonl"], tasks="forty=forty.jsonl", judges="scores:scores.csv"
    )
    assert ["a0", "a1", "a2"] == tries()
    Path("other.csv").write_text(Path("scores.csv").read_text(encoding="utf-8") + "\nx,1,1", encoding="utf-8")
    assert 0 == forty("judge", "pair", "--judge", "scores:other.csv").code
    assert ["a0", "a1", "a2", "a1"] == tries(), "under another judge"
    prompts = ("--prompt", "course.v1", "--prompt", "plain.v1")
    Path("rules.py").write_text("def rules(sample, answer):\n    return len(answer.text) % 2\n", encoding="utf-8")
    ran = forty("ab", "--task", "forty=forty.jsonl", "--model", "echo", *prompts, "--judge", "rules.py:rules")
    assert 0 == ran.code, ran.err
    assert ["echo"] == tries()[4:], "a prompt is tried against the first"


def test_imported_ratings_count(forty: RunCli, workplace: Path) -> None:
    """`rate import` is a judge like others, and more sheets are no other judge."""
    evaluate(forty, "base a0", "--run", "one")
    sheet = Path(forty("rate", "export", "one", "--sample", "20").out.splitlines()[0])
    fill(sheet, lambda row: 1 + len(row["answer"]) % 5)
    ran = forty("rate", "import", "one", str(sheet))
    assert 0 == ran.code, ran.err
    assert ["a0", "a0"] == tries()
    assert {"scores:scores.csv", "human"} == {row.judge_name for row in ledger().rows}


def test_a_store_that_cannot_be_written_is_counted_and_said(
    forty: RunCli, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run is finished all the same, and the next command writes what was tried."""
    evaluate(forty, "base a0", "--run", "r0")

    def refuse(*_: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(module, "add_rows", refuse)
        evaluate(forty, "base a1", "--run", "r1")
    assert any(
        "could not be written into the ledger: the disk is full" in one
        for one in notices_of(results_of(workplace, "r1"))
    )
    assert 2 == comparison(workplace, "r1")["try"]
    assert ["a0"] == tries()
    evaluate(forty, "base a1", "--run", "r1")
    assert ["a0", "a1"] == tries()


def test_a_read_only_store_is_read(forty: RunCli, workplace: Path) -> None:
    """A finished run is run again and shown where nothing can be written."""
    evaluate(forty, "base a0", "--run", "r0")
    evaluate(forty, "base a1", "--run", "r1")
    store = workplace / "runs/store.sqlite"
    store.chmod(stat.S_IRUSR)
    try:
        assert "2nd candidate" in evaluate(forty, "base a1", "--run", "r1").out
        assert "2nd candidate" in forty("compare", "r1").out
    finally:
        store.chmod(stat.S_IRUSR | stat.S_IWUSR)


def test_merged_runs_keep_their_corrections(forty: RunCli, workplace: Path) -> None:
    """Two of three runs on one board: each candidate is corrected at least as in its run; all three are all tries."""
    for place in (0, 1, 2):
        evaluate(forty, f"base a{place}", "--run", f"r{place}")
    some = harness.merge_runs(["r0", "r2"]).leaderboard().boards[0]
    own = comparison(workplace, "r2")["p_ledger"]
    by_label = {one.candidate.model: one for one in some.comparisons}
    assert (3, 1) == (some.ledger.tries, some.ledger.earlier)
    assert by_label["a2"].p_ledger == max(own, by_label["a2"].result.p_adjusted)
    assert by_label["a0"].p_ledger == by_label["a0"].result.p_adjusted
    whole = harness.merge_runs(["r0", "r1", "r2"]).leaderboard().boards[0]
    assert (3, 0) == (whole.ledger.tries, whole.ledger.earlier)
    assert len(whole.comparisons) == 3


def test_merged_runs_with_unlike_baselines_have_no_corrected_figures(forty: RunCli, workplace: Path) -> None:
    """Their number is known; a p-value over them is not, and the report says so."""
    evaluate(forty, "base a0", "--run", "r0")
    evaluate(forty, "a3 a1", "--run", "r1")
    forty("report", "r0", "r1", "--output", "out", "--format", "md")
    board = harness.merge_runs(["r0", "r1"]).leaderboard().boards[0]
    assert 2 == board.ledger.tries
    assert [None, None, None] == [one.p_ledger for one in board.comparisons]


def test_a_bundle_says_what_its_run_said(forty: RunCli, workplace: Path) -> None:
    """Elsewhere, without the ledger."""
    evaluate(forty, "base a0", "--run", "r0")
    evaluate(forty, "base a2", "--run", "r2")
    forty("export", "r2", "--bundle", "r2.zip")
    shutil.rmtree(workplace / "runs")
    assert "a2 is the 2nd candidate tried on these tasks." in forty("compare", "r2.zip").out


def test_another_baseline_is_not_corrected(forty: RunCli, workplace: Path) -> None:
    """`compare --baseline` has no figures over tries: nobody has tried against that one."""
    evaluate(forty, "base a0", "--run", "r0")
    evaluate(forty, "base a1 a2", "--run", "r1")
    ran = forty("compare", "r1", "--baseline", "a1")
    assert (
        "3 candidates have been tried on these tasks, 1 of them not on this board. The figures of this board" in ran.out
    )
    turned = json.loads(forty("compare", "r1", "--baseline", "a1", "--json").out)
    assert [None, None] == [one["p_ledger"] for one in turned["comparisons"]]


def test_the_claim_is_corrected_over_openings(forty: RunCli, workplace: Path) -> None:
    """The first opening is its own correction; the second counts two, whatever was tried on the open half."""
    evaluate(forty, "base a0", "--seal", "--run", "r0")
    evaluate(forty, "base a1", "--run", "r1")
    ran = evaluate(forty, "base a2", "--open-seal", "--run", "claim")
    first = comparison(workplace, "claim")
    assert first["p_adjusted"] == first["p_ledger"]
    assert {"tries": 1, "sealed": 20, "openings": 1, "part": "sealed"}.items() <= (
        results_of(workplace, "claim")["ledger"]["forty"].items()
    )
    assert "This is the claim: these tasks were sealed, and have been opened for 1 candidate so far." in ran.out
    ran = evaluate(forty, "base a1", "--open-seal", "--run", "again")
    assert 2 == results_of(workplace, "again")["ledger"]["forty"]["openings"]
    assert "a1 is the 2nd candidate tried on these tasks." in ran.out
    ran = evaluate(forty, "base a3", "--run", "r3")
    assert "20 more are kept for the final claim, which has been made for 2 candidates so far." in ran.out
    assert {"tries": 3, "openings": 2, "part": "open"}.items() <= results_of(workplace, "r3")["ledger"]["forty"].items()


def test_a_set_that_was_used_before_says_so(forty: RunCli) -> None:
    """Sealing tasks that boards have seen keeps less than it seems; the opening counts those tries."""
    evaluate(forty, "base a0", "--run", "early")
    assert "1 candidate had been tried on all tasks of 'forty' before it was sealed" in (
        evaluate(forty, "base a1", "--seal", "--run", "late").err
    )
    ran = evaluate(forty, "base a1", "--open-seal", "--run", "claim")
    assert "1 candidate had been tried on all tasks" in ran.err
    assert 2 == results_of(Path(), "claim")["ledger"]["forty"]["tries"]


def test_runs_side_by_side_lose_no_try(forty: RunCli, workplace: Path) -> None:
    """Three programs at once on one store."""
    programs = [
        subprocess.Popen(
            [sys.executable, "-c", "from harness.cli.main import main; main()",
             "eval", "--task", "forty=forty.jsonl", "--model", "base=outputs:base.jsonl", "--model",
             f"a{place}=outputs:a{place}.jsonl", "--judge", "scores:scores.csv", "--run", f"r{place}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )
        for place in range(3)
    ]  # fmt: skip
    for program in programs:
        _, err = program.communicate(timeout=120)
        assert 0 == program.returncode, err.decode()
    assert {"a0", "a1", "a2"} == set(tries())
    assert {1, 2, 3} == {comparison(workplace, f"r{place}")["try"] for place in range(3)}
