"""A board that is looked at again with more tasks."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import RunCli, results_of

COMMON = ("--task", "t=t.jsonl", "--model", "outputs:out.jsonl", "--judge", "scores:s.csv")


@pytest.fixture
def seen(run_cli: RunCli) -> RunCli:
    """Forty tasks, of which the first ten and twenty were looked at."""
    Path("t.jsonl").write_text("".join(json.dumps({"input": f"問{n}"}) + "\n" for n in range(40)))
    rng = np.random.default_rng(3)
    with Path("s.csv").open("w", newline="") as file, Path("out.jsonl").open("w") as answers:
        writer = csv.writer(file)
        writer.writerow(["model", "task_id", "score"])
        for model, shift in (("base", 0), ("mine", 0.6)):
            for n in range(40):
                writer.writerow([model, n, int(np.clip(round(3 + shift + rng.normal(0, 0.8)), 1, 5))])
                answers.write(json.dumps({"task_id": n, "model": model, "output": "答"}) + "\n")
    for limit in ("10", "20"):
        assert 0 == run_cli("eval", *COMMON, "--limit", limit).code
    return run_cli


def test_a_grown_limit_is_corrected_for_its_looks(seen: RunCli) -> None:
    """The board says that it was looked at three times; its p-value is larger than that of a single look."""
    ran = seen("eval", *COMMON, "--run", "grown")
    assert 0 == ran.code, ran.err
    assert "looked at before with fewer tasks (10, 20 of 40)" in ran.err
    found = results_of(Path(), "grown")
    assert [[10, 20, 40]] == [one["sizes"] for one in found["looks"]]
    [grown] = found["comparisons"]
    assert "What the earlier boards said was not." in ran.out
    Path("t2.jsonl").write_text(Path("t.jsonl").read_text())
    other = seen("eval", "--task", "u=t2.jsonl", *COMMON[2:], "--run", "fresh")
    assert 0 == other.code, other.err
    [fresh] = results_of(Path(), "fresh")["comparisons"]
    assert fresh["difference"] == grown["difference"]
    assert fresh["p_value"] < grown["p_value"]
    assert grown["low"] < fresh["low"]


def test_other_candidates_have_not_been_seen(seen: RunCli) -> None:
    """Nor has the board of the same tasks once more."""
    again = seen("eval", *COMMON, "--limit", "10")
    assert "looked at before" not in again.err
    text = Path("out.jsonl").read_text().replace(json.dumps("答"), json.dumps("別の答"))
    Path("out2.jsonl").write_text(text)
    ran = seen(
        "eval", "--task", "t=t.jsonl", "--model", "outputs:out2.jsonl", "--judge", "scores:s.csv", "--run", "new"
    )
    assert 0 == ran.code, ran.err
    assert [] == results_of(Path(), "new")["looks"]
