"""What is said before a judge gives several verdicts an answer that nobody asked for: why, and what that takes."""

import math

from harness.cli.dry_run import work_of
from harness.cli.say import say
from harness.engine.job import Job
from harness.locale import tr
from harness.protocols import Served


def say_repeats(job: Job, url: str) -> None:
    """Say which judges are asked more than once by default, with calls, cost and days, before anything is asked."""
    if job.judge_repeats is not None:
        return
    several = {judge.name: judge.repeats for judge in job.planned_judges if judge.repeats > 1}
    if not several:
        return
    expected = work_of(job, url).expected
    for judge in job.judges:
        if judge.name not in several or (what := expected.get(judge.name)) is None or not what.calls:
            continue
        a_day = judge.limits.requests_per_day if isinstance(judge, Served) else None
        days = math.ceil(what.calls / a_day) if a_day else 1
        said = tr(
            "{judge}: {n} verdicts an answer, because its temperature cannot be set to 0 and its noise can only be "
            "averaged: {calls} calls, {cost}. --judge-repeats 1 asks once.",
            judge=judge.name,
            n=several[judge.name],
            calls=what.calls,
            cost=tr("price unknown") if what.cost is None else f"${what.cost:.2f}",
        )
        say(tr("Note: {notice}", notice=said), err=True)
        if days > 1:
            say(
                tr(
                    "Note: {a_day} calls a day: that takes {days} days, and the same command goes on.",
                    a_day=a_day,
                    days=days,
                ),
                err=True,
            )
