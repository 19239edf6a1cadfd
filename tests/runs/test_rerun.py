"""What a rerun finds changed, and which figures it finds moved: on documents of any kind, and from the command line."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.runs.rerun import agreement
from tests.conftest import RunCli, results_of

SAME = "Task sets, templates, models, judges and package versions are as they were."


@pytest.fixture
def made(run_cli: RunCli, task_file: Path) -> RunCli:
    """A run `r` of a file with answers and of an echoing model, by a judge and a template of one's own."""
    Path("mine.j2").write_text("質問: {{ input }}\n答え: ", encoding="utf-8")
    rows = [{"task_id": n, "output": f"答え{n}"} for n in range(5)]
    Path("a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    models = ["--model", "a=outputs:a.jsonl", "--model", "b=echo", "--baseline", "b"]
    ran = run_cli("eval", "--run", "r", "--task", "five=five.jsonl", *models, "--prompt", "mine.j2",
                  "--judge", "reference", "--temperature", "0.5")  # fmt: skip
    assert 0 == ran.code, ran.err
    return run_cli


@pytest.mark.parametrize("named", ["r", "runs/r", "runs/r/manifest.json"])
def test_an_unchanged_run_comes_out_the_same(made: RunCli, named: str) -> None:
    """However it is named; nothing that is stored is made again, and the run itself is left alone."""
    before = {path.name: path.read_bytes() for path in Path("runs/r").iterdir()}
    ran = made("rerun", named, "--frozen")
    assert 0 == ran.code, ran.err
    assert SAME in ran.err
    assert "0 answers generated, 0 judged anew; files are in runs/r-rerun/" in ran.err
    assert "All 23 figures of 'r' came out the same.\n" == ran.out
    assert before == {path.name: path.read_bytes() for path in Path("runs/r").iterdir()}
    assert results_of(Path(), "r")["rows"] == results_of(Path(), "r-rerun")["rows"]


def test_fresh_asks_everything_again_and_a_joined_judge_comes_along(made: RunCli) -> None:
    """Twice in a row, too; judges that joined later are asked like the others."""
    assert 0 == made("judge", "r", "--judge", "rules").code
    for _ in range(2):
        ran = made("rerun", "r", "--fresh", "--frozen", "--run", "again")
        assert 0 == ran.code, ran.err
        assert "10 answers generated, 20 judged anew" in ran.err
        assert "All 46 figures" in ran.out


def test_a_bundle_is_made_again_elsewhere(made: RunCli) -> None:
    """With nothing else of the run there but its files."""
    assert 0 == made("export", "r", "--bundle", "r.zip").code
    shutil.rmtree("runs")
    ran = made("rerun", "r.zip", "--frozen")
    assert (0, "All 23 figures of 'r' came out the same.\n") == (ran.code, ran.out), ran.err
    assert "10 answers generated" in ran.err


def _edit(path: str, old: str, new: str) -> Callable[[], None]:
    def edit() -> None:
        text = Path(path).read_text(encoding="utf-8")
        assert old in text
        Path(path).write_text(text.replace(old, new), encoding="utf-8")

    return edit


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_edit("five.jsonl", "質問3", "質問三"), ["'five' has other content: ", "'mine.j2' makes other prompts: "]),
        (_edit("five.jsonl", "答え3", "答え三"), ["Task set 'five' has other content: "]),
        (_edit("mine.j2", "質問", "問"), ["Template 'mine.j2' has another text: ", "'mine.j2' makes other prompts: "]),
        (_edit("a.jsonl", "\\u7b54\\u30483", "x"), ["Model 'a' has other weights or settings: "]),
        (_edit("runs/r/manifest.json", '"numpy": "', '"numpy": "0.'), ["Package 'numpy' has another version: 0."]),
        (_edit("runs/r/manifest.json", '"python": "', '"torch-of-then": "9", "python": "'),
         ["Package 'torch-of-then' has another version: 9 then, nothing now."]),
    ],
)  # fmt: skip
def test_each_change_is_said_and_frozen_refuses(made: RunCli, change: Callable[[], None], said: list[str]) -> None:
    """Before anything is made; without --frozen the rerun goes on."""
    change()
    ran = made("rerun", "r", "--frozen")
    assert 1 == ran.code, ran.out
    lines = ran.err.splitlines()
    for sentence in said:
        assert any(sentence in line for line in lines), ran.err
    count = len(said)
    assert (f"Error: {count} thing is not" if count == 1 else f"Error: {count} things are not") in ran.err
    assert len(lines) == count + 2
    assert not Path("runs/r-rerun").exists()
    ran = made("rerun", "r")
    assert Path("runs/r-rerun/results.json").exists(), ran.err


def test_figures_that_came_out_otherwise_are_named(made: RunCli) -> None:
    """With what they were and are; exit code 1."""
    _edit("a.jsonl", "\\u7b54\\u30483", "x")()
    ran = made("rerun", "r")
    assert 1 == ran.code
    then, now = (
        next(row["mean"] for row in results_of(Path(), run)["rows"] if row["model"] == "a") for run in ("r", "r-rerun")
    )
    assert f"five · reference · a: mean was {then:.10g} and is {now:.10g}.\n" in ran.out
    assert "of 23 figures of 'r' came out otherwise.\n" in ran.out


@pytest.mark.parametrize(
    ("named", "command", "code", "message"),
    [
        ("nope", None, 2, "No run named 'nope'."),
        ("r", "harness rate import r x.csv", 1, "The command on record cannot be run again: harness rate import r"),
        ("r", "harness eval --modle x", 1, "No such option '--modle'"),
        ("r", "python notebook.py", 1, "The command on record cannot be run again: python notebook.py"),
        ("r", "harness eval --run r --task five=gone.jsonl --model echo --judge rules", 1, "gone.jsonl: no such file"),
    ],
)
def test_what_cannot_be_made_again_is_said(
    made: RunCli, named: str, command: str | None, code: int, message: str
) -> None:
    """An unknown run, a command that is none, a file that is gone."""
    path = Path("runs/r/manifest.json")
    document = json.loads(path.read_text(encoding="utf-8"))
    if command:
        document["provenance"]["command"] = command
        path.write_text(json.dumps(document), encoding="utf-8")
    ran = made("rerun", named)
    assert code == ran.code, ran.out
    assert message in ran.err


def _document(*rows: tuple[str, float | None]) -> dict:
    plain = {"task": "t", "prompt": None, "low": None, "high": None, "n": 1, "n_unscored": 0}
    return {
        "rows": [plain | {"judge": judge, "model": "m", "mean": mean, "rank_low": 1} for judge, mean in rows],
        "comparisons": [],
    }


@pytest.mark.parametrize(("now", "moved"), [(0.5, 0), (0.5 + 1e-12, 0), (0.5 + 1e-6, 1), (None, 1), (0.0, 1)])
def test_last_digits_are_no_difference(now: float | None, moved: int) -> None:
    """Processors differ there; a figure that is gone is one."""
    found = agreement(_document(("j", 0.5)), _document(("j", now)))
    assert (7, moved) == (found.compared, len(found.moved))


def test_a_judge_that_was_not_asked_again_is_left_out_by_name() -> None:
    """A row that is gone counts, a judge that cannot be asked does not."""
    found = agreement(_document(("j", 0.5), ("people", 4.0)), _document(("j", 0.5)))
    assert (("people",), ()) == (found.left_out, found.moved)
