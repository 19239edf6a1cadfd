"""Sealed tasks, from the command line: everyday boards never see them, one opening does, and all of it is said."""

import json
import shutil
from pathlib import Path

import pytest

import harness
from harness.errors import UsageError
from tests.conftest import Ran, RunCli, notices_of, results_of

TASKS = 40


@pytest.fixture
def tried(run_cli: RunCli, workplace: Path) -> RunCli:
    """Forty tasks with answers and scores of four models in files."""
    rows = [{"task_id": number, "input": f"質問{number}", "tags": f"種類{number % 2}"} for number in range(TASKS)]
    write("forty.jsonl", rows)
    models = ("base", "a", "b", "c")
    for model in models:
        write(f"{model}.jsonl", [{"task_id": number, "output": f"{model}の答え{number}"} for number in range(TASKS)])
    scores = [f"{model},{n},{1 + (n * (3 + place)) % 5}" for place, model in enumerate(models) for n in range(TASKS)]
    Path("scores.csv").write_text("model,task_id,score\n" + "\n".join(scores), encoding="utf-8")
    return run_cli


def write(path: str, rows: list[dict]) -> None:
    Path(path).write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def evaluate(run_cli: RunCli, *more: str, models: str = "base a", task: str = "forty=forty.jsonl") -> Ran:
    named = [word for model in models.split() for word in ("--model", f"{model}=outputs:{model}.jsonl")]
    return run_cli("eval", "--task", task, *named, "--judge", "scores:scores.csv", *more)


def ids(run: str) -> set[str]:
    return {sample.id for task in harness.load_run(run).tasks for sample in task.samples}


def test_once_sealed_a_set_stays_sealed(tried: RunCli, workplace: Path) -> None:
    """The open half is used from the first board on, without the flag too, under another name, order and limit."""
    ran = evaluate(tried, "--seal", "--run", "first")
    assert 0 == ran.code, ran.err
    assert "sealed from now on: 20 of its 40 tasks are kept" in ran.err
    opened = ids("first")
    assert 20 == len(opened)
    assert any("sealed from now on" in notice for notice in notices_of(results_of(workplace, "first")))
    rows = [json.loads(line) for line in Path("forty.jsonl").read_text(encoding="utf-8").splitlines()]
    write("turned.jsonl", rows[::-1])
    ran = evaluate(tried, "--run", "second", models="base b", task="別名=turned.jsonl")
    assert "is sealed since" in ran.err
    assert opened == ids("second")
    evaluate(tried, "--run", "third", "--limit", "5", models="base b")
    assert opened > ids("third")
    assert 5 == len(ids("third"))


def test_the_claim_is_on_the_other_half(tried: RunCli, workplace: Path) -> None:
    """--open-seal judges exactly the tasks that no board has seen, says what it is, and the boards after it do not."""
    evaluate(tried, "--seal", "--run", "board")
    ran = evaluate(tried, "--open-seal", "--run", "claim")
    assert 0 == ran.code, ran.err
    assert "This is the claim: the 20 tasks of 'forty'" in ran.err
    assert {str(number) for number in range(TASKS)} == ids("board") | ids("claim")
    assert not ids("board") & ids("claim")
    assert {"forty": {"part": "sealed", "share": 0.5}} == results_of(workplace, "claim")["provenance"]["seals"]
    evaluate(tried, "--run", "after", models="base b")
    assert ids("board") == ids("after")


def test_a_share_and_the_configuration(tried: RunCli, workplace: Path) -> None:
    """[tasks.X] seal seals that set alone; another share later changes nothing and is told."""
    Path("harness.toml").write_text("[tasks.forty]\nseal = 0.4\n", encoding="utf-8")
    assert "16 of its 40 tasks are kept" in evaluate(tried, "--run", "x").err
    ran = evaluate(tried, "--run", "y", "--seal", "0.6")
    assert "was sealed with a share of 0.4" in ran.err
    assert ids("x") == ids("y")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--open-seal",), "Task set 'forty' is not sealed in this store: there is nothing to open."),
        (("--seal", "0.1"), "Task set 'forty' is too small to seal 0.1 of it"),
        (("--seal", "--open-seal"), "--seal and --open-seal were both given."),
        (("--seal", "1"), "1"),
        (("--seal", "half"), "half"),
    ],
)
def test_what_cannot_be_sealed_is_said(tried: RunCli, arguments: tuple[str, ...], message: str) -> None:
    """And nothing is judged or written."""
    ran = evaluate(tried, *arguments)
    assert 2 == ran.code
    assert message in ran.err
    assert not Path("runs/store.sqlite").exists()


def test_what_cannot_be_opened_is_said(tried: RunCli) -> None:
    """A limit, one model alone, and a file that holds nothing but sealed tasks."""
    evaluate(tried, "--seal", "--run", "board")
    assert "takes no --limit" in evaluate(tried, "--open-seal", "--limit", "3").err
    assert "only one model was given" in evaluate(tried, "--open-seal", models="a").err
    opened = ids("board")
    write("rest.jsonl", [{"task_id": n, "input": f"質問{n}"} for n in range(TASKS) if str(n) not in opened])
    ran = tried("eval", "--task", "rest=rest.jsonl", "--model", "echo", "--judge", "rules", "--run", "sly")
    assert 2 == ran.code
    assert "All 20 tasks of 'rest' are sealed since" in ran.err


def test_a_dry_run_seals_nothing(tried: RunCli) -> None:
    """It counts the open half, and the next command without the flag has the whole set."""
    ran = evaluate(tried, "--seal", "--dry-run")
    assert "sealed from now on" in ran.err
    assert "40" in ran.out, "two models times twenty tasks"
    evaluate(tried, "--run", "whole")
    assert TASKS == len(ids("whole"))


def test_a_run_is_made_again_from_its_own_tasks(tried: RunCli) -> None:
    """One from before the seal, one of the open half and the claim: each with its own tasks, in a fresh store too."""
    evaluate(tried, "--run", "early")
    evaluate(tried, "--seal", "--run", "board")
    evaluate(tried, "--open-seal", "--run", "claim")
    for run in ("early", "board", "claim"):
        ran = tried("rerun", run, "--frozen", "--fresh")
        assert 0 == ran.code, ran.err + ran.out
        assert ids(run) == ids(f"{run}-rerun")


def test_a_seal_holds_on_another_machine(tried: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    """The copy of the store on a mounted drive knows it, before the new machine has a store of its own."""
    monkeypatch.setenv("HARNESS_STORE_MIRROR", "drive")
    evaluate(tried, "--seal", "--run", "first")
    opened = ids("first")
    shutil.rmtree("runs")
    ran = evaluate(tried, "--run", "second", models="base b")
    assert "is sealed since" in ran.err
    assert opened == ids("second")
    assert 2 == results_of(Path(), "second")["comparisons"][0]["try"]


def test_python_seals_and_opens(tried: RunCli) -> None:
    """The same arguments and the same refusals."""
    asked = {
        "models": ["base=outputs:base.jsonl", "a=outputs:a.jsonl"],
        "tasks": "forty=forty.jsonl",
        "judges": "scores:scores.csv",
    }
    with pytest.raises(UsageError, match="nothing to open"):
        harness.evaluate(**asked, open_seal=True)
    board, claim = harness.evaluate(**asked, seal=0.5), harness.evaluate(**asked, open_seal=True)
    assert (20, 20) == (len(board.tasks[0].samples), len(claim.tasks[0].samples))
    assert "--open-seal" in claim.manifest.provenance["command"]
    assert claim.name.endswith("-claim")


def test_in_japanese(tried: RunCli) -> None:
    """The notices and the refusals."""
    assert "封印" in evaluate(tried, "--seal", "--run", "a", "--lang", "ja").err
    assert "封印" in evaluate(tried, "--open-seal", "--limit", "2", "--lang", "ja").err
