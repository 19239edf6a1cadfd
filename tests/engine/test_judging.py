"""The judging thread: what is asked, what is looked up, what counts as failed, and when a judge is asked no more."""

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from harness.engine.budget import Budget
from harness.engine.job import Job, Progress
from harness.engine.judging import JudgeWorker
from harness.engine.plan import PlannedModel, plan_requests
from harness.errors import JudgeUnavailableError, StoreError
from harness.remote.pricing import Price
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
        JudgeWorker(
            job, store, writer=writer, leases=leases, progress=Progress(), budget=Budget(limit)
        ).open() as worker,
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


@pytest.mark.parametrize("limit", [None, 100.0])
@pytest.mark.parametrize("in_flight", [1, 4])
def test_a_store_that_takes_no_verdict_ends_the_judging(
    url: str, monkeypatch: pytest.MonkeyPatch, limit: float | None, in_flight: int
) -> None:
    """Nobody waits for ever, with a limit or without, and what could not be kept is not paid for."""

    def full(*_: object, **rows: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(Store, "write", full)
    judge = Judge(lambda n: Verdict.scored(3, raw="r", cost=0.01), in_flight=in_flight, price=Price(input=1, output=1))
    with pytest.raises(StoreError, match="the disk is full"):
        judged(url, judge, 60, limit=limit)
    assert judge.calls <= 2 * in_flight


class Together(Judge):
    """A judge that takes all answers at once, last one first unless it is told otherwise."""

    def __init__(self, say: Callable[[int], Any], *, order: int = -1) -> None:
        super().__init__(say)
        self.asked: list[int] = []
        self._order = order

    def judge_together(self, answers: Sequence[tuple[Sample, Generation]]) -> Iterator[tuple[int, Verdict]]:
        self.asked.append(len(answers))
        for place, (sample, _) in list(enumerate(answers))[:: self._order]:
            if (verdict := self._say(int(sample.id))) is not None:
                yield place, verdict


def test_a_judge_of_many_is_asked_once_when_all_answers_are_there(url: str) -> None:
    """Verdicts go to their answers, however they come, and are stored; no cost limit delays what costs nothing."""
    judge = Together(lambda n: Verdict.scored(n % 5 + 1))
    worker = judged(url, judge, 9, limit=0.01)
    assert ([9], 9) == (judge.asked, worker.calls)
    assert sorted(n % 5 + 1 for n in range(9)) == sorted(one.score for one in worker.verdicts.values() if one.score)
    again = Together(lambda n: Verdict.scored(1))
    assert (worker.verdicts, []) == (judged(url, again, 9).verdicts, again.asked)
    forwards = judged(url + "2", Together(lambda n: Verdict.scored(n % 5 + 1), order=1), 9)
    assert forwards.verdicts == worker.verdicts


def test_what_a_judge_of_many_leaves_out_is_a_failure_of_that_answer(url: str) -> None:
    """And what is off its scale has no score; the others keep theirs."""
    worker = judged(url, Together(lambda n: {0: None, 1: Verdict.scored(9)}.get(n, Verdict.scored(4))), 4)
    assert ["judge_crashed", "judge_off_scale", None, None] == sorted(
        (one.code for one in worker.verdicts.values()), key=lambda code: code or "~"
    )


@pytest.mark.parametrize(
    ("error", "code"),
    [(JudgeUnavailableError("no memory"), "judge_unavailable"), (ValueError("a defect"), "judge_crashed")],
)
def test_a_judge_of_many_that_dies_keeps_what_it_said(url: str, error: Exception, code: str) -> None:
    """What came before is kept; the rest says why, and is asked for again by the next run."""

    def say(n: int) -> Verdict:
        if n == 2:
            raise error
        return Verdict.scored(3)

    worker = judged(url, Together(say), 6)
    assert [3, 3, 3] == [one.score for one in worker.verdicts.values() if one.score]
    assert [code] * 3 == [one.code for one in worker.verdicts.values() if one.score is None]
    assert ({"j"} if code == "judge_unavailable" else set()) == set(worker.given_up.reasons)
    healthy = Together(lambda n: Verdict.scored(5))
    judged(url, healthy, 6)
    assert [3] == healthy.asked
