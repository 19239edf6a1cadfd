"""What ``harness try`` says before it begins: device, memory, minutes, calls, quota and cost."""

import math
import sys
from collections.abc import Mapping

import click

from harness.cli.dry_run import Expected, Work, work_of
from harness.cli.machine import machine_needs
from harness.cli.say import said, say
from harness.cli.table import table
from harness.cli.try_judges import AtHand
from harness.cli.try_subject import Subject
from harness.errors import UsageError
from harness.locale import tr
from harness.protocols import MachineNeeds, Served
from harness.remote.gemini_models import FREE_CALLS_A_DAY
from harness.runs.assemble import Evaluation
from harness.store.call_counts import StoredCallCounts
from harness.store.store import Store, store_exists

_GIB = 2**30
_USUAL_SHARE = 0.25  # of the longest answer: the median of answers to ELYZA-tasks-100 is some 130 tokens
_MINUTE = 60
_FORM_ALONE = tr("The judges named see the form of answers, not whether they are right or helpful.")
_TELL_QUOTA = tr(
    "Google AI Studio shows how many calls a day your key has: tell it with --requests-per-day. When they are used up, "
    "the same command goes on the next day."
)


def say_plan(evaluation: Evaluation, subject: Subject, at_hand: AtHand, url: str) -> None:
    """Print what is going to happen and what it takes.

    Raises:
        HarnessError: a model does not fit this machine, or the store cannot be read.
    """
    needs = machine_needs(evaluation.job, url)
    work = work_of(evaluation.job, url)
    rows = [*_what(evaluation, subject), *_here(evaluation, needs, work), *_judging(evaluation, at_hand, work, url)]
    say(table(rows), err=True)
    if any(
        work.expected.get(judge.name)
        and isinstance(judge, Served)
        and judge.limits.requests_per_day is None
        and judge.name.startswith("gemini")
        for judge in evaluation.job.judges
    ):
        say(tr("Note: {note}", note=_TELL_QUOTA), err=True)
    if not at_hand.tells_quality:
        say(tr("Note: {note}", note=at_hand.note or _FORM_ALONE), err=True)


def ask_to_go_on(*, yes: bool) -> None:
    """Ask whether to begin, unless it was said beforehand.

    Raises:
        UsageError: there is nobody to ask.
        Abort: the answer was no.
    """
    if yes:
        return
    if not (sys.stdin and sys.stdin.isatty()):
        raise UsageError(
            tr("Nothing was begun: without a terminal nobody can be asked."),
            hint=tr("Add --yes to begin at once."),
        )
    if not click.confirm(said(tr("Begin?")), default=True, err=True):
        raise click.exceptions.Exit(0)


def _what(evaluation: Evaluation, subject: Subject) -> list[tuple[str, str]]:
    tried = tr("{label} ({spec})", label=subject.label, spec=subject.spec)
    against = tr("{tried} against {base}", tried=tried, base=subject.base) if subject.base else tried
    tasks = ", ".join(
        said(tr("{name}: {n} tasks", name=task.name, n=len(task.samples))) for task in evaluation.job.tasks
    )
    return [(said(tr("tried")), said(against)), (said(tr("tasks")), tasks)]


def _here(evaluation: Evaluation, needs: Mapping[str, MachineNeeds], work: Work) -> list[tuple[str, str]]:
    """Return what this machine has to do; the models follow one another, so that the largest decides what fits."""
    wanted = {request.key for request in evaluation.job.requests}
    stored = len(wanted & set(work.answers))
    answers = tr("{todo} to generate, {stored} stored", todo=len(wanted) - stored, stored=stored)
    if not needs:
        return [(said(tr("answers")), said(answers))]
    longest = sum(one.seconds for one in needs.values())
    answers = tr("{answers}: {time}", answers=answers, time=_between(_USUAL_SHARE * longest, longest))
    largest = max(needs.values(), key=lambda one: one.needed)
    memory = tr(
        "{needed:.1f} GiB of {available:.1f} GiB free: fits",
        needed=largest.needed / _GIB,
        available=largest.available / _GIB,
    )
    return [
        (said(tr("device")), largest.device),
        (said(tr("memory")), said(memory)),
        (said(tr("answers")), said(answers)),
    ]


def _judging(evaluation: Evaluation, at_hand: AtHand, work: Work, url: str) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for judge in evaluation.job.judges:
        expected = work.expected.get(judge.name)
        if expected is None:
            left = tr(
                "{n} verdicts to give, {known} stored", n=len(work.todo[judge.name]), known=work.known[judge.name]
            )
            rows.append((said(tr("judge {name}", name=judge.name)), said(left)))
            continue
        rows.append((said(tr("judge {name}", name=judge.name)), said(_calls(expected))))
        if at_hand.note:
            rows.append(("", said(at_hand.note)))
        if isinstance(judge, Served):
            rows.append((said(tr("quota")), said(_quota(judge.name, judge, expected, url))))
    return rows


def _calls(expected: Expected) -> str:
    cost = (
        tr("price unknown") if expected.cost is None else tr("${cost:.2f} unless the key is free", cost=expected.cost)
    )
    return tr(
        "{calls} calls, {time}, {cost}",
        calls=expected.calls,
        time=_between(expected.seconds, expected.seconds),
        cost=cost,
    )


def _quota(name: str, judge: Served, expected: Expected, url: str) -> str:
    """Return what share of the day's quota the calls are, as far as the quota is known."""
    most = judge.limits.requests_per_day
    if most is None:
        return _unknown_quota(name, expected.calls)
    used = 0
    if store_exists(url):
        with Store(url, read_only=True) as store:
            judge.attach(StoredCallCounts(store), lambda _: None)
            used = judge.used_today()
    days = math.ceil(expected.calls / most)
    share = tr("{calls} of {most} calls a day, {used} used today", calls=expected.calls, most=most, used=used)
    if expected.calls <= most - used:
        return share
    return tr("{share}: takes {days} days or more; --wait goes on by itself", share=share, days=max(2, days))


def _unknown_quota(name: str, calls: int) -> str:
    """Return what is known of a quota that nobody told: what keys that cost nothing had."""
    if not name.startswith("gemini"):
        return tr("not known; this needs {calls} calls", calls=calls)
    least, most = FREE_CALLS_A_DAY
    told = tr(
        "free keys: between {least} and {most} calls a day; this needs {calls}", least=least, most=most, calls=calls
    )
    if calls <= least:
        return told
    first, last = math.ceil(calls / most), math.ceil(calls / least)
    return tr("{told}, so {first} to {last} days", told=told, first=first, last=last)


def _between(low: float, high: float) -> str:
    """Return a span of time in words."""
    if high < _MINUTE:
        return tr("less than a minute")
    first, last = max(1, round(low / _MINUTE)), max(1, round(high / _MINUTE))
    return (
        tr("about {first} min", first=first)
        if first == last
        else tr("about {first} to {last} min", first=first, last=last)
    )
