"""Progress on stderr: what is done, how fast, and how long it will take."""

import sys
import threading
import time
from datetime import datetime
from typing import Never, Self

from tqdm import tqdm

from harness.cli.say import said, say
from harness.locale import Text, tr, trn
from harness.protocols import Delay
from harness.types import Generation, Request, Verdict

_QUIET_EVERY = 10.0  # seconds between lines where stderr is no terminal
_ENOUGH = 0.1  # share of the answers from which on the time left is worth saying


def local_time(moment: datetime) -> str:
    """Return a moment in this machine's time zone, with its day unless that is today.

    >>> local_time(datetime(2020, 1, 2, 3, 4).astimezone())
    '2020-01-02 03:04'
    """
    here = moment.astimezone()
    is_today = here.date() == datetime.now().astimezone().date()
    return f"{here:%H:%M}" if is_today else f"{here:%Y-%m-%d %H:%M}"


class ConsoleProgress:
    """Shows answers and verdicts as they come: bars on a terminal, now and then a line elsewhere."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers = 0
        self._answers_total = 0
        self._answers_stored = 0
        self._verdicts = 0
        self._verdicts_new = 0
        self._unscored = 0
        self._verdicts_total = 0
        self._tokens = 0
        self._cost = 0.0
        self._began = time.monotonic()
        self._said = self._began
        self._said_delay = float("-inf")
        self._bar: tqdm[Never] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    @property
    def done(self) -> Text:
        """One sentence on how far the run came."""
        return tr(
            "{answers} of {answers_total} answers and {verdicts} of {verdicts_total} verdicts done.",
            answers=self._answers_stored + self._answers,
            answers_total=self._answers_total,
            verdicts=self._verdicts,
            verdicts_total=self._verdicts_total,
        )

    def planned(self, *, answers: int, answers_stored: int, verdicts: int) -> None:
        """Say what there is to do."""
        self._answers_total, self._answers_stored, self._verdicts_total = answers, answers_stored, verdicts
        todo = answers - answers_stored
        say(
            tr(
                "{answers} answers ({answers_stored} stored, {todo} to generate), {verdicts} verdicts",
                answers=answers,
                answers_stored=answers_stored,
                todo=todo,
                verdicts=verdicts,
            ),
            err=True,
        )
        if sys.stderr.isatty():
            self._bar = tqdm(total=todo + verdicts, unit="", leave=False, dynamic_ncols=True)

    def answered(self, request: Request, generation: Generation) -> None:
        """Count one answer."""
        with self._lock:
            self._answers += 1
            self._tokens += generation.tokens_out or 0
            self._show(request.model)

    def judged(self, verdict: Verdict, *, stored: bool) -> None:
        """Count one verdict."""
        with self._lock:
            self._verdicts += 1
            self._verdicts_new += not stored
            self._unscored += verdict.status != "scored"
            self._cost += 0 if stored else verdict.cost or 0
            self._show(said(tr("judging")))

    def model_failed(self, model: str, reason: str) -> None:
        """Say at once that a model stopped."""
        say(tr("Error: Model {model!r} stopped: {reason}", model=model, reason=reason), err=True)

    def judge_stopped(self, judge: str, reason: str) -> None:
        """Say at once that a judge is given up."""
        say(tr("Error: Judge {judge!r} stopped: {reason}", judge=judge, reason=reason), err=True)

    def quota_ended(self, name: str, until: datetime) -> None:
        """Say that no more can be had today, and when it goes on."""
        say(
            tr("{name}: the quota is used up for now; it begins anew at {time}.", name=name, time=local_time(until)),
            err=True,
        )

    def delayed(self, delay: Delay) -> None:
        """Say now and then why it takes long: which try failed, why, and when the next one comes."""
        with self._lock:
            now = time.monotonic()
            if now - self._said_delay < _QUIET_EVERY:
                return
            self._said_delay = now
        say(
            tr(
                "{name}: {reason}; try {attempt} of {attempts}, the next in {seconds:.0f} s.",
                name=delay.name,
                reason=delay.reason,
                attempt=delay.attempt,
                attempts=delay.attempts,
                seconds=delay.seconds,
            ),
            err=True,
        )

    def waiting(self, what: str, count: int) -> None:
        """Say why nothing happens."""
        waited = (
            trn("{n} answer", "{n} answers", count) if what == "answers" else trn("{n} verdict", "{n} verdicts", count)
        )
        say(tr("Waiting for {waited} that another process is at work on.", waited=waited), err=True)

    def _show(self, doing: str) -> None:
        if self._bar is not None:
            self._bar.update(1)
            self._bar.set_description_str(doing[:40], refresh=False)
            self._bar.set_postfix_str(self._figures(), refresh=False)
            return
        now = time.monotonic()
        if now - self._said >= _QUIET_EVERY:
            self._said = now
            figures = ", ".join(part for part in (self._figures(), self._time_left(now)) if part)
            say(f"  {said(self.done)} {figures}", err=True)

    def _figures(self) -> str:
        parts = []
        if self._tokens:
            rate = self._tokens / max(time.monotonic() - self._began, 1e-9)
            parts.append(said(tr("{rate:,.0f} tokens/s", rate=rate)))
        if self._unscored:
            parts.append(said(tr("{n} unscored", n=self._unscored)))
        if self._cost:
            parts.append(f"${self._cost:.2f}")
        return ", ".join(parts)

    def _time_left(self, now: float) -> str:
        """Return how long what takes longest still takes: the answers, and after them the verdicts."""
        done, left = self._answers, self._answers_total - self._answers_stored - self._answers
        if not left:
            done, left = self._verdicts_new, self._verdicts_total - self._verdicts
        if left <= 0 or done < (done + left) * _ENOUGH:
            return ""  # the first answers come in batches: too few of them say nothing about the rest
        seconds = (now - self._began) / done * left
        if seconds >= 60:  # noqa: PLR2004 - a minute
            return said(tr("about {minutes:.0f} min left", minutes=seconds / 60))
        return said(tr("about {seconds:.0f} s left", seconds=seconds))
