"""The judging thread: what is asked, what is looked up, what counts as failed, and when a judge is asked no more."""

import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from harness.engine.budget import Budget
from harness.engine.job import Job
from harness.engine.judging import JudgeWorker
from harness.engine.plan import PlannedModel, plan_requests
from harness.errors import JudgeUnavailableError
from harness.runs.api import Quiet
from harness.store.leases import Leases
from harness.store.store import Store
from harness.store.writer import Writer
from harness.templates import load_template
from harness.types import LIKERT_5, Generation, PlannedTask, Sample, Sampling, Verdict


class Judge:
    """A judge that answers as told and counts how often it was asked, and how often at once."""

    name, scale, fingerprint, kind = "j", LIKERT_5, "j-1", "quality"

    def __init__(self, say: Callable[[int], Any], **declared: Any) -> None:
        self.calls, self.now, self.most = 0, 0, 0
        self._say, self._lock = say, threading.Lock()
        vars(self).update(declared)

    def judge(self, sample: Sample, generation: Generation) -> Verdict:
        with self._lock:
            self.calls += 1
            self.now += 1
            self.most = max(self.most, self.now)
        try:
            return self._say(int(sample.id))
        finally:
            with self._lock:
                self.now -= 1


def judged(url: str, judge: Judge, n: int = 6, *, limit: float | None = None, text: str | None = "x") -> JudgeWorker:
    """Judge answers to ``n`` tasks with a store, and return the worker when it has ended."""
    task = PlannedTask(name="t", samples=tuple(Sample(id=str(i), inputs={"input": f"q{i}"}) for i in range(n)))
    model = PlannedModel(label="m", fingerprint="m")
    requests = plan_requests([task], [model], [load_template("plain.v1")], sampling=Sampling())
    job = Job(tasks=(task,), requests=tuple(requests), models={}, judges=(judge,))
    with (
        Store(url) as store,
        Leases(store) as leases,
        Writer(store, leases) as writer,
        JudgeWorker(job, store, writer=writer, leases=leases, progress=Quiet(), budget=Budget(limit)).open() as worker,
    ):
        for request in requests:
            answer = None if text is None else f"{text} {request.sample_id}"
            worker.offer([request], Generation(request_key=request.key, text=answer))
    return worker


@pytest.fixture
def url(tmp_path) -> str:  # noqa: ANN001 - pytest's
    """The URL of a new store."""
    return str(tmp_path / "s.sqlite")


def test_a_verdict_that_is_stored_is_not_asked_for_again(url: str) -> None:
    """By another run, with the same judge; another fingerprint is another judge."""
    first = judged(url, Judge(lambda n: Verdict.scored(n % 5 + 1)))
    assert (6, 6) == (first.calls, len(first.verdicts))
    again = judged(url, Judge(lambda n: Verdict.scored(1)))
    assert (0, first.verdicts) == (again.calls, again.verdicts)
    assert 6 == judged(url, Judge(lambda n: Verdict.scored(1), fingerprint="j-2")).calls


def test_what_failed_is_asked_for_again_and_then_replaced(url: str) -> None:
    """A failure is never served."""
    failed = judged(url, Judge(lambda n: Verdict.failed("late")))
    assert {"error"} == {verdict.status for verdict in failed.verdicts.values()}
    assert {"scored"} == {one.status for one in judged(url, Judge(lambda n: Verdict.scored(2))).verdicts.values()}


def test_equal_answers_to_equal_tasks_are_judged_once(url: str) -> None:
    """Keys hold content; here one task is offered six times over."""
    same = Judge(lambda n: Verdict.scored(3))
    assert 6 == judged(url, same).calls
    assert 0 == judged(url, same, 3).calls


def test_no_answer_is_no_call(url: str) -> None:
    """And no row."""
    judge = Judge(lambda n: Verdict.scored(3))
    worker = judged(url, judge, text=None)
    assert (0, 0, {}) == (judge.calls, worker.calls, worker.verdicts)


@pytest.mark.parametrize(
    ("say", "reason"),
    [
        (lambda n: 1 / 0, "the judge crashed: ZeroDivisionError: division by zero"),
        (lambda n: 4, "the judge crashed: TypeError: a judge returns a Verdict, not int"),
        (lambda n: Verdict.scored(9), "the judge gave 9, which is no score of its 1-5 scale"),
        (lambda n: Verdict.scored(2.5), "the judge gave 2.5, which is no score of its 1-5 scale"),
        (lambda n: sys.exit(1), "the judge crashed: SystemExit: 1"),
    ],
)
def test_a_judges_fault_is_a_failed_verdict(url: str, say: Callable[[int], Any], reason: str) -> None:
    """Never a score, and never the end of the run."""
    [verdict] = judged(url, Judge(say), 1).verdicts.values()
    assert ("error", None, reason) == (verdict.status, verdict.score, verdict.reason)


def test_failures_in_a_row_end_it_and_a_success_between_them_does_not(url: str) -> None:
    """What was not asked has the reason; as many failures as it declares."""
    hopeless = Judge(lambda n: Verdict.failed("late"), give_up_after=3)
    worker = judged(url, hopeless, 8)
    assert 3 == hopeless.calls
    assert {"j"} == set(worker.given_up.reasons)
    assert 5 == sum("given up after 3" in str(one.reason) for one in worker.verdicts.values())
    now_and_then = Judge(
        lambda n: Verdict.failed("late") if n % 3 else Verdict.scored(1), give_up_after=3, fingerprint="j-2"
    )
    assert {} == judged(url, now_and_then, 8).given_up.reasons


def test_who_says_that_nothing_more_can_succeed_is_asked_once(url: str) -> None:
    """Whatever it declares."""

    def refuse(_: int) -> Verdict:
        raise JudgeUnavailableError("the key is wrong", hint="Set another.")

    judge = Judge(refuse)
    worker = judged(url, judge, 5)
    assert (1, {"j": "the key is wrong Set another."}) == (judge.calls, worker.given_up.reasons)
    assert {"error"} == {verdict.status for verdict in worker.verdicts.values()}


def test_calls_run_at_once_as_far_as_the_judge_allows(url: str) -> None:
    """Three wait for each other; with one at a time they would wait for ever."""
    together = threading.Barrier(3, timeout=20)

    def meet(_: int) -> Verdict:
        together.wait()
        return Verdict.scored(3)

    judge = Judge(meet, in_flight=3)
    assert 6 == len(judged(url, judge).verdicts)
    assert 3 == judge.most
    alone = Judge(lambda n: Verdict.scored(3), fingerprint="j-2")
    judged(url, alone)
    assert 1 == alone.most


def test_the_limit_ends_what_costs_and_says_so(url: str) -> None:
    """What was not judged is unscored, not failed: it is no fault of the judge's."""

    class Cent:
        def cost(self, tokens_in: int | None, tokens_out: int | None) -> float:
            return 0.01

    judge = Judge(lambda n: Verdict.scored(3, raw="r", cost=0.01), price=Cent())
    worker = judged(url, judge, 6, limit=0.035)
    assert 3 == judge.calls
    reasons = [str(one.reason) for one in worker.verdicts.values() if one.score is None]
    assert ["not judged: the cost limit of $0.035 was reached"] * 3 == reasons
