"""Judging: a thread that asks judges for what the store does not hold and no other run is asking for."""

import logging
import queue
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Self

from harness.engine.budget import Budget
from harness.engine.giving_up import GivenUp, words_of
from harness.engine.job import Job, Progress
from harness.engine.plan import JudgementItem, judgement_items, sample_keys
from harness.errors import HarnessError, QuotaEndedError
from harness.locale import tr
from harness.plugins import judge_info
from harness.protocols import Closes, EstimatesCost, Judge, JudgesTogether, Price, RatesPrompts, Ratings, is_free
from harness.store.leases import Leases
from harness.store.store import Store
from harness.store.writer import Writer
from harness.types import Generation, Judgement, Request, Sample, Verdict
from harness.unscored import Unscored

log = logging.getLogger(__name__)

_JUDGE_BATCH = 512  # answers whose stored verdicts are looked up at once
_LATER = Verdict.unscored(Unscored("quota_ended", tr("not judged yet: the quota is used up for now")))
_PATIENCE = 2.0  # seconds that an interrupted run waits for calls in flight
FIRST_LOOK, LAST_LOOK = 0.05, 1.0
"""Seconds until a run looks again for what another one is at work on: at first, and after many looks in vain."""


def _is_free(price: Price | None, verdict: Verdict) -> bool:
    """Return whether a verdict without a cost shows that a judge of this price costs nothing."""
    return verdict.status == "scored" and verdict.cost is None and is_free(price)


def _estimated(judge: Judge, sample: Sample, generation: Generation) -> float | None:
    """Return what a verdict should have cost, where the server did not say so."""
    return judge.estimate(sample, generation).cost if isinstance(judge, EstimatesCost) else None


def _sound(verdict: Verdict, judge: Judge) -> Verdict:
    """Return a plugin's verdict if it is one; a score that its own scale does not allow is no score."""
    if not isinstance(verdict, Verdict):
        raise TypeError(f"a judge returns a Verdict, not {type(verdict).__name__}")
    if verdict.score is not None and not judge.scale.allows(verdict.score):
        said = tr(
            "the judge gave {score:g}, which is no score of its {scale} scale",
            score=verdict.score,
            scale=str(judge.scale),
        )
        return Verdict.failed(
            Unscored("judge_off_scale", said),
            raw=verdict.raw,
            version=verdict.version,
            cost=verdict.cost,
        )
    return verdict


def _crash(error: BaseException) -> str:
    return tr("the judge crashed: {name}: {error}", name=type(error).__name__, error=str(error))


class JudgeWorker:
    """Judges answers as they are offered, in a thread of its own, looking each verdict up in the store first.

    What another run is asking for is left to it, and taken up again when everything else is judged.
    """

    def __init__(
        self, job: Job, store: Store, *, writer: Writer, leases: Leases, progress: Progress, budget: Budget
    ) -> None:
        self.verdicts: dict[str, Verdict] = {}
        self.calls = 0
        self.given_up = GivenUp()
        self._job = job
        self._store = store
        self._writer = writer
        self._leases = leases
        self._progress = progress
        # Checks and ratings cost nothing: they go on when the money is spent.
        paid = {judge.name for judge in job.planned_judges if judge.kind == "quality" and not judge.rates_models}
        self._together = {judge.name: judge for judge in job.judges if isinstance(judge, JudgesTogether)}
        limited = paid - self._together.keys()
        self._budgets = {judge.name: budget if judge.name in limited else Budget() for judge in job.planned_judges}
        # They cost less than a lease on them.
        self._leased = paid
        self._elsewhere: dict[str, tuple[JudgementItem, Generation]] = {}
        self._samples = sample_keys(job.tasks)
        self._planned = job.planned_judges
        self._judges = {judge.name: judge for judge in job.judges}
        self._ratings = {judge.name: judge for judge in job.judges if isinstance(judge, Ratings)}
        self._info = {judge.name: judge_info(judge) for judge in job.judges}
        self._by_row: dict[tuple[str, str, str | None], Judge] = {}
        self._pools: dict[str, ThreadPoolExecutor] = {}
        self._in_flight: list[Future[None]] = []
        self._offers: queue.SimpleQueue[tuple[Sequence[Request], Generation] | None] = queue.SimpleQueue()
        self._asked: set[str] = set()
        self._lock = threading.Lock()
        self._cancelled = threading.Event()
        self._error: Exception | None = None

    @contextmanager
    def open(self) -> Iterator[Self]:
        """Start judging; on leaving, wait until all is judged, or after an exception stop as soon as possible."""
        thread = threading.Thread(target=self._run, name="judging", daemon=True)
        for judge in self._job.judges:
            if (in_flight := self._info[judge.name].in_flight) > 1:
                self._pools[judge.name] = ThreadPoolExecutor(in_flight, thread_name_prefix=judge.name)
        thread.start()
        try:
            yield self
            self._offers.put(None)
            thread.join()
            for pool in self._pools.values():
                pool.shutdown(wait=True)
        except BaseException:  # most often Ctrl-C, while answers are generated or while the last ones are judged
            self._stop(thread)
            raise
        if self._error is not None:
            raise self._error

    def _stop(self, thread: threading.Thread) -> None:
        """Begin no further call, and give those in flight a moment to end: they may have been paid for."""
        self._cancelled.set()
        self._store.outages.hurry()
        for budget in self._budgets.values():
            budget.close()
        for judge in self._job.judges:
            if isinstance(judge, Closes):
                judge.close()
        self._offers.put(None)
        patience = time.monotonic() + _PATIENCE
        thread.join(_PATIENCE)
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)
        wait([call for call in self._in_flight if call.running()], max(0.0, patience - time.monotonic()))

    def offer(self, requests: Sequence[Request], generation: Generation) -> None:
        """Hand an answer over, with every request that it answers."""
        if self._error is not None:
            raise self._error
        self._offers.put((requests, generation))

    def _run(self) -> None:
        try:
            later: dict[str, tuple[JudgementItem, Generation]] = {}
            for batch in self._batches():
                wanted = self._wanted(batch)
                later |= {key: one for key, one in wanted.items() if one[0].judge in self._together}
                self._judge({key: one for key, one in wanted.items() if key not in later})
            self._judge(later)
            self._wait_for_others()
        except Exception as error:  # noqa: BLE001 - handed to the thread that owns the run
            self._fail(error)

    def _batches(self) -> Iterator[list[tuple[Sequence[Request], Generation]]]:
        """Yield what has gathered since the last batch, until there is no more or the run is cancelled."""
        offer = self._offers.get()
        while offer is not None:
            batch = [offer]
            while len(batch) < _JUDGE_BATCH and not self._offers.empty() and (offer := self._offers.get()) is not None:
                batch.append(offer)
            yield batch
            if offer is not None:
                offer = self._offers.get()

    def _wanted(self, batch: list[tuple[Sequence[Request], Generation]]) -> dict[str, tuple[JudgementItem, Generation]]:
        """Return the verdicts to obtain on a batch of answers, by key, that were not asked for yet."""
        todo: dict[str, tuple[JudgementItem, Generation]] = {}
        for requests, generation in batch:
            for request in requests:
                sample = self._samples[request.task, request.sample_id]
                for item in judgement_items(request, generation, sample, self._planned):
                    if item.verdict is not None:
                        self._progress.judged(item.verdict, stored=True)
                    elif item.key not in self._asked:
                        self._asked.add(item.key)
                        todo[item.key] = (item, generation)
        return todo

    def _judge(self, todo: dict[str, tuple[JudgementItem, Generation]]) -> None:
        """Take from the store what is there, ask for what nobody is asking for, and set the rest aside."""
        self._take_stored(list(todo))
        leased = [key for key, (item, _) in todo.items() if key not in self.verdicts and item.judge in self._leased]
        mine = self._leases.claim(leased)
        others = [key for key in leased if key not in mine]
        self._take_stored(others)  # written between the look and the claim
        self._set_aside({key: todo[key] for key in others if key not in self.verdicts})
        for name, judge in self._together.items():
            mine_of_it = [one for key, one in todo.items() if one[0].judge == name and self._is_open(key)]
            self._judge_together(judge, mine_of_it)
        for key, (item, generation) in todo.items():
            if not self._is_open(key):
                continue
            if pool := self._pools.get(item.judge):
                self._in_flight.append(pool.submit(self._judge_in_pool, item, generation))
            else:
                self._judge_one(item, generation)
                if not is_free(self._info[item.judge].price):
                    self._writer.wait()

    def _is_open(self, key: str) -> bool:
        """Return whether a verdict is still to be asked for here."""
        return not (key in self.verdicts or key in self._elsewhere or self._cancelled.is_set())

    def _judge_together(self, judge: JudgesTogether, items: Sequence[tuple[JudgementItem, Generation]]) -> None:
        """Ask a judge that takes all answers at once; what it leaves out, or dies on, is recorded as failed."""
        asked: list[tuple[JudgementItem, Generation]] = []
        for item, answer in items:
            if refusal := self._refusal(item.judge):
                self._refused(item, refusal)
            else:
                asked.append((item, answer))
        if not asked:
            return
        waiting = dict(enumerate(asked))
        reason: str = Unscored("judge_crashed", tr("the judge gave no verdict on this answer"))
        try:
            for place, verdict in judge.judge_together([(self._sample(item), answer) for item, answer in asked]):
                item, _ = waiting.pop(place)
                self._settle(item, _sound(verdict, judge))
                if self._cancelled.is_set():
                    return
        except HarnessError as error:
            reason = Unscored("judge_unavailable", words_of(error))
            if self.given_up.at_once(judge.name, error):
                self._progress.judge_stopped(judge.name, self.given_up.reasons[judge.name])
        except Exception as error:
            log.exception("judge %s failed", judge.name)
            reason = Unscored("judge_crashed", _crash(error))
        for item, _ in waiting.values():
            self._settle(item, Verdict.failed(reason))

    def _settle(self, item: JudgementItem, verdict: Verdict) -> None:
        """Keep a verdict that was asked for together with others; such judges cost nothing."""
        with self._lock:
            self.calls += 1
        self._budgets[item.judge].settle(item.judge, verdict.cost, is_free=True, otherwise=None)
        self.verdicts[item.key] = verdict
        self._writer.add(self._row(item, verdict))
        self._progress.judged(verdict, stored=False)

    def _refused(self, item: JudgementItem, refusal: Verdict) -> None:
        self.verdicts[item.key] = refusal
        # Its lease ends: another run may have the means. That a quota has ended is worth a row: the board says so.
        self._writer.add(self._row(item, refusal) if refusal is _LATER else item.key)
        self._progress.judged(refusal, stored=False)

    def _sample(self, item: JudgementItem) -> Sample:
        return self._samples[item.request.task, item.request.sample_id].sample

    def _take_stored(self, keys: Sequence[str]) -> None:
        """Take the verdicts that the store holds."""
        found = self._store.judgements(keys) if keys else {}
        for key, judgement in found.items():
            self.verdicts[key] = judgement.verdict
            self._progress.judged(judgement.verdict, stored=True)

    def _set_aside(self, items: Mapping[str, tuple[JudgementItem, Generation]]) -> None:
        with self._lock:
            self._elsewhere.update(items)

    def _wait_for_others(self) -> None:
        """Look again for what other runs are asking for, until they have it or have given it up."""
        pause, said = FIRST_LOOK, False
        while not self._cancelled.is_set():
            wait(self._in_flight)
            with self._lock:
                todo, self._elsewhere = self._elsewhere, {}
            if not todo or self._error is not None:
                return
            self._judge(todo)
            if self._elsewhere and not said:
                said = True
                self._progress.waiting("verdicts", len(self._elsewhere))
            if len(self._elsewhere) < len(todo):
                pause = FIRST_LOOK
            else:
                self._cancelled.wait(pause)
                pause = min(2 * pause, LAST_LOOK)

    def _judge_in_pool(self, item: JudgementItem, generation: Generation) -> None:
        if self._cancelled.is_set():
            return
        try:
            self._judge_one(item, generation)
            if item.judge in self._leased:
                self._writer.wait()
        except Exception as error:  # noqa: BLE001 - handed to the thread that owns the run
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        """End the judging: what is asked for from now on would be paid for and lost."""
        self._error = self._error or error
        self._cancelled.set()
        for budget in self._budgets.values():
            budget.close()

    def _judge_one(self, item: JudgementItem, generation: Generation) -> None:
        if item.judge in self._leased and not self._leases.holds(item.key):
            self._set_aside({item.key: (item, generation)})
            return
        if refusal := self._refusal(item.judge):
            self._refused(item, refusal)
            return
        self._writer.check()
        judge = self._judge_for(item)
        verdict = self._ask(judge, item, generation)
        otherwise = (
            _estimated(judge, self._sample(item), generation)
            if verdict.cost is None and verdict.raw is not None
            else None
        )
        self.verdicts[item.key] = verdict
        try:
            self._writer.add(self._row(item, verdict))  # before its cost, which may not be writable: it is paid for
        finally:
            is_free = _is_free(self._info[item.judge].price, verdict)
            self._budgets[item.judge].settle(item.judge, verdict.cost, is_free=is_free, otherwise=otherwise)
        self._progress.judged(verdict, stored=False)

    def _row(self, item: JudgementItem, verdict: Verdict) -> Judgement:
        return Judgement(
            key=item.key,
            request_key=item.request.key,
            judge=item.judge,
            judge_fingerprint=self._judge_for(item).fingerprint,
            repeat=item.judge_repeat,
            verdict=verdict,
        )

    def _refusal(self, judge: str) -> Verdict | None:
        """Return the verdict on an answer that is not to be judged now, or None: the judge may be asked."""
        if reason := self.given_up.reason(judge):
            return _LATER if judge in self.given_up.until else Verdict.failed(reason)
        if (budget := self._budgets[judge]).admit(judge):
            return None
        said = tr("not judged: the cost limit of ${limit:g} was reached", limit=budget.limit)
        return Verdict.unscored(Unscored("cost_limit", said))

    def _ask(self, judge: Judge, item: JudgementItem, generation: Generation) -> Verdict:
        sample, name = self._sample(item), item.judge
        said: HarnessError | None = None  # why it cannot go on, by its own word
        try:
            verdict = _sound(judge.judge(sample, generation), judge)
        except QuotaEndedError as error:
            said, verdict = error, _LATER
        except HarnessError as error:  # a wrong key, a quota that is 0
            said, verdict = error, Verdict.failed(Unscored("judge_unavailable", words_of(error)))
        except (Exception, SystemExit) as error:
            log.exception("judge %s failed", name)
            verdict = Verdict.failed(Unscored("judge_crashed", _crash(error)))
        with self._lock:
            self.calls += 1
        if said is not None:
            is_news = self.given_up.at_once(name, said)
        else:
            failure = verdict.reason if verdict.status == "error" else None
            is_news = self.given_up.after(failure, name, most=self._info[name].give_up_after)
        if is_news and name in self.given_up.until:
            self._progress.quota_ended(name, self.given_up.until[name])
        elif is_news:
            self._progress.judge_stopped(name, self.given_up.reasons[name])
        return verdict

    def _judge_for(self, item: JudgementItem) -> Judge:
        judge = self._ratings.get(item.judge)
        if judge is None:
            return self._judges[item.judge]
        request = item.request
        place = (item.judge, request.model, request.prompt)
        if place not in self._by_row:
            self._by_row[place] = (
                judge.for_model(request.model, request.prompt)
                if isinstance(judge, RatesPrompts) and judge.names_prompts
                else judge.for_model(request.model)
            )
        return self._by_row[place]
