"""Progress on stderr: what is done, how fast, and how long it will take."""

import math
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Self

from harness.cli.say import said, say
from harness.cli.table import columns, first_columns, window_width
from harness.engine.job import Progress
from harness.locale import Text, listing, tr, trn
from harness.locale.telling import TELLER
from harness.models.live import LIVE, at_work
from harness.protocols import Delay
from harness.types import Generation, Request, Verdict

_QUIET_EVERY = 10.0  # seconds between lines where stderr is no terminal
_RENEWED_EVERY = 0.5  # seconds
_ENOUGH = 0.1  # share of the answers from which on the time left is worth saying


def local_time(moment: datetime) -> str:
    """Return a moment in this machine's time zone, with its day unless that is today.

    >>> local_time(datetime(2020, 1, 2, 3, 4).astimezone())
    '2020-01-02 03:04'
    """
    here = moment.astimezone()
    is_today = here.date() == datetime.now().astimezone().date()
    return f"{here:%H:%M}" if is_today else f"{here:%Y-%m-%d %H:%M}"


class ConsoleProgress(Progress):
    """Shows answers and verdicts as they come: one line that renews itself on a terminal, now and then one elsewhere.

    A thread of its own renews it, so that it also tells that nothing came for a while.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` counts seconds."""
        self._lock = threading.Lock()
        self._clock = clock
        self._answers = 0
        self._answers_total = 0
        self._answers_stored = 0
        self._verdicts = 0
        self._verdicts_new = 0
        self._unscored = 0
        self._verdicts_total = 0
        self._cost = 0.0
        self._began = clock()
        self._last = self._began
        self._tokens = LIVE.tokens
        self._tokens_served = 0
        self._said_delay = float("-inf")
        self._is_terminal = sys.stderr.isatty()
        self._shown = ""
        self._outer = TELLER.say, TELLER.during
        self._said = self._began
        self._entered = False
        self._ended = threading.Event()
        self._ticker = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> Self:
        self._outer = TELLER.say, TELLER.during
        TELLER.say, TELLER.during = self._say, at_work
        self._entered = True
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._ticker.is_alive():
            self._ticker.join()
        TELLER.say, TELLER.during = self._outer
        with self._lock:
            self._clear()

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
        self._say(
            tr(
                "{answers} ({answers_stored} stored, {todo} to generate), {verdicts}",
                answers=trn("{n} answer", "{n} answers", answers),
                answers_stored=answers_stored,
                todo=todo,
                verdicts=trn("{n} verdict", "{n} verdicts", verdicts),
            )
        )
        if self._entered and not self._ticker.is_alive():
            self._ticker.start()

    def answered(self, request: Request, generation: Generation) -> None:
        """Count one answer."""
        del request
        with self._lock:
            self._answers += 1
            self._tokens_served += generation.tokens_out or 0
            self._show()

    def judged(self, verdict: Verdict, *, stored: bool) -> None:
        """Count one verdict."""
        with self._lock:
            self._verdicts += 1
            self._verdicts_new += not stored
            self._unscored += verdict.status != "scored"
            self._cost += 0 if stored else verdict.cost or 0
            self._show()

    def model_failed(self, model: str, reason: str) -> None:
        """Say at once that a model stopped."""
        self._say(tr("Error: Model {model!r} stopped: {reason}", model=model, reason=reason))

    def judge_stopped(self, judge: str, reason: str) -> None:
        """Say at once that a judge is given up."""
        self._say(tr("Error: Judge {judge!r} stopped: {reason}", judge=judge, reason=reason))

    def quota_ended(self, name: str, until: datetime) -> None:
        """Say that no more can be had today, and when it goes on."""
        self._say(
            tr("{name}: the quota is used up for now; it begins anew at {time}.", name=name, time=local_time(until))
        )

    def delayed(self, delay: Delay) -> None:
        """Say now and then why it takes long: which try failed, why, and when the next one comes."""
        with self._lock:
            now = self._clock()
            if now - self._said_delay < _QUIET_EVERY:
                return
            self._said_delay = now
        self._say(
            tr(
                "{name}: {reason}; try {attempt} of {attempts}, the next in {seconds:.0f} s.",
                name=delay.name,
                reason=delay.reason,
                attempt=delay.attempt,
                attempts=delay.attempts,
                seconds=delay.seconds,
            )
        )

    def waiting(self, what: str, count: int) -> None:
        """Say why nothing happens."""
        waited = (
            trn("{n} answer", "{n} answers", count) if what == "answers" else trn("{n} verdict", "{n} verdicts", count)
        )
        self._say(tr("Waiting for {waited} that another process is at work on.", waited=waited))

    def _say(self, text: str) -> None:
        """Print a line above the one that renews itself."""
        with self._lock:
            self._clear()
            say(text, err=True)

    def _show(self) -> None:
        """Note that something came; elsewhere than on a terminal, say how far it is unless that was said just now."""
        self._last = self._clock()
        if not self._is_terminal and self._last - self._said >= _QUIET_EVERY:
            self._say_line(self._last)

    def _say_line(self, now: float) -> None:
        self._said = now
        say(f"  {self._line(now)}", err=True)

    def _tick(self) -> None:
        while not self._ended.wait(_RENEWED_EVERY):
            with self._lock:
                now = self._clock()
                if not self._is_terminal:
                    if now - self._said >= _QUIET_EVERY:
                        self._say_line(now)
                    continue
                self._clear()
                self._shown = first_columns(self._line(now), window_width() - 1)
                sys.stderr.write(self._shown)
                sys.stderr.flush()

    def _clear(self) -> None:
        if self._shown:
            sys.stderr.write("\r" + " " * columns(self._shown) + "\r")
            self._shown = ""

    def _line(self, now: float) -> str:
        parts = [self._at_work(), *self._figures(now), self._time_left(now)]
        quiet = now - self._last
        if quiet >= _QUIET_EVERY and not LIVE.label and self._verdicts < self._verdicts_total:
            parts.append(said(tr("nothing new for {seconds:.0f} s, still at work", seconds=quiet)))
        passed = _clock_time(now - self._began)  # first, so that it is never cut off and no line stands still
        more = listing(part for part in parts if part)
        return said(tr("{passed} {done} {more}", passed=passed, done=self.done, more=more)).rstrip()

    def _at_work(self) -> str:
        """Return what the model on this machine is doing: a message of its own, or its name while it answers."""
        if not LIVE.label or isinstance(LIVE.label, Text):
            return said(LIVE.label)
        return said(tr("{label} is answering", label=LIVE.label))

    def _figures(self, now: float) -> list[str]:
        parts = []
        tokens = max(LIVE.tokens - self._tokens, self._tokens_served)
        if tokens and self._answers < self._answers_total - self._answers_stored:
            parts.append(said(tr("{rate:,.0f} tokens/s", rate=tokens / max(now - self._began, 1e-9))))
        if self._unscored:
            parts.append(said(tr("{n} unscored", n=self._unscored)))
        if self._cost:
            parts.append(f"${self._cost:.2f}")
        return parts

    def _time_left(self, now: float) -> str:
        """Return how long what takes longest still takes: the answers, and after them the verdicts.

        It goes by the pace until something last came, once enough is done, and counts down from there. Before that, and
        when more time has passed than the pace allows, it goes by how long answers may be at most.
        """
        done, left = self._answers, self._answers_total - self._answers_stored - self._answers
        if not left:
            done, left = self._verdicts_new, self._verdicts_total - self._verdicts
        if left <= 0:
            return ""
        if done >= (done + left) * _ENOUGH:
            seconds = (self._last - self._began) / done * left - (now - self._last)
            if seconds >= 1:
                return said(tr("about {time} left", time=said_duration(seconds)))
        if LIVE.label and LIVE.most_left is not None and LIVE.most_left >= 1:  # a batch that ends says nothing
            return said(tr("{label} takes at most {time} more", label=LIVE.label, time=said_duration(LIVE.most_left)))
        return ""  # the first answers come in batches: too few of them say nothing about the rest


def _clock_time(seconds: float) -> str:
    """Return the time since the beginning as clocks show it.

    >>> _clock_time(7.9), _clock_time(605), _clock_time(3725)
    ('0:07', '10:05', '1:02:05')
    """
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def said_duration(seconds: float) -> Text:
    """Return a duration as people say it.

    >>> said_duration(42.4), said_duration(150), said_duration(7300)
    ('42 s', '3 min', '2.0 h')
    """
    if seconds < 60:  # noqa: PLR2004 - a minute
        return tr("{seconds:.0f} s", seconds=seconds)
    if seconds < 3600:  # noqa: PLR2004 - an hour
        return tr("{minutes:.0f} min", minutes=math.ceil(seconds / 60))
    return tr("{hours:.1f} h", hours=seconds / 3600)
