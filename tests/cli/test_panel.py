"""`--panel`: several judges that count as one, from the command line to the files."""

import csv
import json
from pathlib import Path

import pytest

from harness.runs.api import evaluate
from tests.conftest import RunCli, results_of

TASK = ("--task", "t=t.jsonl", "--model", "outputs:out.jsonl")


@pytest.fixture
def scored(run_cli: RunCli) -> RunCli:
    """Two models' answers to twelve tasks, and three judges' scores of them in files."""
    Path("t.jsonl").write_text("".join(json.dumps({"input": f"問{n}"}) + "\n" for n in range(12)))
    rows = [{"task_id": n, "model": model, "output": "答"} for model in ("base", "mine") for n in range(12)]
    Path("out.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for judge, shift in (("a", 0), ("b", 1), ("c", 2)):
        with Path(f"{judge}.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["model", "task_id", "score"])
            for n in range(12):
                writer.writerow(["base", n, 1 + (n * 7 + shift) % 4])
                writer.writerow(["mine", n, "" if judge == "c" and n == 3 else 2 + (n * 7 + shift) % 4 - (n == shift)])
    return run_cli


def test_a_panel_stands_beside_its_members(scored: RunCli) -> None:
    """Each verdict is had once; the panel's board says who is in it; the same command writes nothing anew."""
    ran = scored("eval", *TASK, "--panel", "scores:a.csv,scores:b.csv", "--run", "r")
    assert 0 == ran.code, ran.err
    assert "48 judged anew" in ran.err
    assert "A panel: the mean of scores:a.csv (mean" in ran.out
    found = results_of(Path(), "r")
    assert ["panel:scores:a.csv,scores:b.csv", "scores:a.csv", "scores:b.csv"] == list(
        dict.fromkeys(row["judge"] for row in found["rows"])
    )
    assert "panel:scores:a.csv,scores:b.csv" == found["primary"]["judge"]  # named alone, it is what verdicts come from
    [comparison, *_] = found["comparisons"]
    assert 2 == len(comparison["panel"]["by_member"])
    assert comparison["panel"]["low"] < comparison["difference"] < comparison["panel"]["high"]
    before = Path("runs/r/results.json").stat().st_mtime_ns
    assert 0 == scored("eval", *TASK, "--panel", "scores:a.csv,scores:b.csv", "--run", "r").code
    assert before == Path("runs/r/results.json").stat().st_mtime_ns


def test_a_panel_can_be_declared_later(scored: RunCli) -> None:
    """Judges that the run has are not opened again, so their files may be gone; a new one joins."""
    assert 0 == scored("eval", *TASK, "--judge", "scores:a.csv", "--judge", "scores:b.csv", "--run", "r").code
    Path("a.csv").unlink()
    ran = scored("judge", "r", "--panel", "scores:a.csv,scores:c.csv", "--max-unscored", "9")
    assert 0 == ran.code, ran.err
    assert "1 × not scored by scores:c.csv" in ran.out
    found = results_of(Path(), "r")
    [panel] = found["panels"]
    assert "scores:a.csv" == found["primary"]["judge"]
    assert [0, 1] == [member["n_unscored"] for member in panel["members"]]
    ran = scored("compare", "r", "--judge", "panel:scores:a.csv,scores:c.csv", "--json")
    assert ["panel:scores:a.csv,scores:c.csv"] == [row["judge"] for row in json.loads(ran.out)["comparisons"]]


def test_wrong_panels_are_refused_before_any_work(scored: RunCli) -> None:
    """One judge; judges of unlike kinds."""
    ran = scored("eval", *TASK, "--panel", "scores:a.csv")
    assert 2 == ran.code
    assert "a panel has two or more" in ran.err
    ran = scored("eval", *TASK, "--panel", "scores:a.csv,rules")
    assert 1 == ran.code
    assert "not the same thing" in ran.err
    assert not Path("runs").exists()


def test_python_has_panels_too(scored: RunCli) -> None:
    """By the name of harness.toml."""
    Path("harness.toml").write_text('[judges.panel.both]\nmembers = ["scores:a.csv", "scores:b.csv"]\n')
    run = evaluate(models="outputs:out.jsonl", tasks="t=t.jsonl", judges=(), panels="both")
    assert "panel:both" == run.leaderboard(judge="panel:both").rows[0].judge
