"""`--dry-run`: what is stored and what is to do, and what the calls of a judge would take, worked out by hand."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.cli.dry_run import judging_report
from harness.engine.job import Job
from harness.engine.plan import PlannedModel, plan_requests
from harness.protocols import CallEstimate
from harness.store.store import Store
from harness.templates import load_template
from harness.types import LIKERT_5, Generation, PlannedTask, Sample, Sampling, Verdict
from tests.conftest import RunCli

EVAL = ("eval", "--task", "five=five.jsonl", "--model", "echo", "--judge", "reference", "--run", "r", "--dry-run")


class Paid:
    """A judge of a call a verdict, 100 tokens in and 10 out, for a cent."""

    name, scale, fingerprint, kind = "paid", LIKERT_5, "paid", "quality"

    def __init__(self, **declared: Any) -> None:
        self.cost: float | None = 0.01
        vars(self).update(declared)

    def judge(self, sample: Sample, generation: Generation) -> Verdict:
        raise AssertionError("nothing is judged in a dry run")

    def estimate(self, sample: Sample, generation: Generation | None) -> CallEstimate:
        return CallEstimate(calls=1, tokens_in=100, tokens_out=10, cost=self.cost)


def job(judge: Paid, n: int) -> Job:
    """A judge's work on the answers of one model."""
    task = PlannedTask(name="t", samples=tuple(Sample(id=str(i), inputs={"input": f"q{i}"}) for i in range(n)))
    planned = [PlannedModel(label="m", fingerprint="m")]
    requests = plan_requests([task], planned, [load_template("plain.v1")], sampling=Sampling())
    return Job(tasks=(task,), requests=tuple(requests), models={}, judges=(judge,))


def expected(judge: Paid, n: int, folder: Path) -> dict[str, Any]:
    """What a report in JSON expects of a judge; the store has every answer."""
    made, url = job(judge, n), str(folder / "s.sqlite")
    with Store(url) as store:
        store.write(generations=[Generation(request_key=one.key, text="x") for one in made.requests], judgements=[])
    found: dict[str, Any] = json.loads(judging_report("r", made, url, as_json=True))
    assert (n, n, {"paid": n}, {"paid": 0}) == (
        found["requests"], found["cached"], found["judge_calls"], found["judge_cached"],
    )  # fmt: skip
    return found["expected"]["paid"]


@pytest.mark.parametrize(
    ("declared", "seconds"),
    [({}, 120), ({"in_flight": 30}, 4), ({"in_flight": 90}, 2), ({"requests_per_minute": 10.0}, 360),
     ({"in_flight": 1, "requests_per_minute": 600.0}, 120)],
)  # fmt: skip
def test_sixty_verdicts_take_what_their_calls_take(declared: dict[str, Any], seconds: float, tmp_path: Path) -> None:
    """Two seconds a call, as many at once as the judge allows, and never faster than its pace."""
    found = expected(Paid(**declared), 60, tmp_path)
    assert (60, 6000, 600) == (found["calls"], found["tokens_in"], found["tokens_out"])
    assert (pytest.approx(0.6), pytest.approx(seconds)) == (found["cost"], found["seconds"])


def test_an_unknown_price_is_no_price_of_nothing(tmp_path: Path) -> None:
    """Neither in JSON nor in words."""
    assert None is expected(Paid(cost=None), 3, tmp_path)["cost"]
    text = judging_report("r", job(Paid(cost=None), 3), str(tmp_path / "s.sqlite"), as_json=False)
    assert "price unknown" in text
    assert "Nothing was done (--dry-run)." in text


def test_a_dry_run_makes_neither_store_nor_run(run_cli: RunCli, task_file: Path) -> None:
    """And knows afterwards what is stored."""
    before = set(Path().iterdir())
    ran = run_cli(*EVAL)
    assert 0 == ran.code, ran.err
    assert before == set(Path().iterdir())
    assert [("answers", "5", "0", "5")] == [
        tuple(cell.strip() for cell in line.strip("|").split("|"))
        for line in ran.out.splitlines()
        if line.startswith("| answers")
    ]
    run_cli(*EVAL[:-1])
    found = json.loads(run_cli(*EVAL, "--json").out)
    assert (5, 5, 0, {"reference": 0}, {"reference": 5}) == (
        found["requests"], found["cached"], found["to_generate"], found["judge_calls"], found["judge_cached"],
    )  # fmt: skip
