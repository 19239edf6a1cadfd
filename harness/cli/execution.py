"""Executing a job in front of the user: progress while it runs, what came of it, how to go on after Ctrl-C."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import click

from harness.cli.dry_run import work_of
from harness.cli.progress import ConsoleProgress, local_time
from harness.cli.say import language, said, say
from harness.cli.typed import typed_command
from harness.engine.execute import execute
from harness.engine.job import Job, Outcome
from harness.errors import UsageError
from harness.locale import tr, trn
from harness.protocols import CallLimits, Judge, JudgesInBatches, Served
from harness.runs.folder import RunFolder
from harness.runs.provenance import Invocation
from harness.runs.run import Run
from harness.runs.spreading import Gpus
from harness.runs.verdicts import held_scores
from harness.store.batch_notes import StoredBatchNotes
from harness.store.store import Store
from harness.types import Status
from reports.formatting import printable

UNSCORED_EXIT = 3
INTERRUPTED_EXIT = 130
_LOOK_UP_SECONDS = 3.0
_SHOWN_REASONS = 3
_REASON_WIDTH = 160
_GRACE = 5.0  # seconds: clocks differ
_LONGEST_PAUSE = 30.0  # seconds between two looks at the clock: a machine may sleep meanwhile


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What a command may spend, in US dollars (None: whatever it costs), and how it deals with paid calls.

    ``wait``: go on by itself when a quota begins anew; ``batch``: hand calls over in batches where a judge can.
    ``gpus`` and ``processes``: what answers are made with, see `harness.runs.spreading.spread`.
    """

    max_cost: float | None = None
    wait: bool = False
    batch: bool = False
    gpus: Gpus = None
    processes: int | None = None

    def after(self, outcome: Outcome) -> "Allowance":
        """Return what is left of it once a job has been done."""
        left = None if self.max_cost is None else max(0.0, self.max_cost - outcome.spent)
        return replace(self, max_cost=left)


def command_line() -> str:
    """Return this command as it can be typed again."""
    return typed_command()


def invocation() -> Invocation:
    """Return this command and the time it is now."""
    return Invocation(command=command_line(), now=datetime.now().astimezone(), language=language())


def say_note(note: str) -> None:
    """Print on stderr what the user should know."""
    say(tr("Note: {notice}", notice=note), err=True)


def execute_here(job: Job, store: Store, *, max_cost: float | None) -> Outcome:
    """Return what a job ended with.

    Raises:
        HarnessError: a server has not the model that it would be asked for.
        Exit: Ctrl-C was pressed, and what is done and how to go on has been said.
    """
    look_up_models(job, store)
    progress = ConsoleProgress()
    try:
        with progress:
            return execute(job, store, progress, max_cost=max_cost)
    except KeyboardInterrupt as interrupt:
        _say_interrupted(progress, getattr(interrupt, "__notes__", ()))
        raise click.exceptions.Exit(INTERRUPTED_EXIT) from interrupt


def _say_interrupted(progress: ConsoleProgress, lost: Sequence[str]) -> None:
    """Say what is done, what of it could not be stored, and how to go on."""
    values = {"done": progress.done, "names": command_line()}
    if lost:
        said = tr("\nInterrupted. {done} {lost}\nThe same command continues:\n  {names}", lost=lost[0], **values)
    else:
        said = tr(
            "\nInterrupted. {done} Everything finished is stored; the same command continues:\n  {names}", **values
        )
    say(said, err=True)


def look_up_models(job: Job, store: Store) -> None:
    """Ask the servers that are going to be called whether they have the models, and say which cannot be reached.

    Raises:
        HarnessError: one has no such model, or rejects the key.
    """
    served = {name: one for name, one in [*_judges(job), *job.models.items()] if isinstance(one, Served)}
    if not served:
        return
    work = work_of(job, store.url)
    awaited = {request.model for request in job.requests if request.key not in work.answers}
    asked = [name for name in served if work.todo.get(name) or name in awaited]
    with ThreadPoolExecutor(max(1, len(asked))) as pool:
        found = dict(zip(asked, pool.map(lambda name: served[name].look_up(_LOOK_UP_SECONDS), asked), strict=True))
    for name, reason in found.items():
        if reason is not None:
            say(
                tr(
                    "{name}: its server cannot be reached ({reason}); try 1. It is tried again, and everything that "
                    "does not need it is done meanwhile.",
                    name=name,
                    reason=reason,
                ),
                err=True,
            )


def _judges(job: Job) -> list[tuple[str, Judge]]:
    return [(judge.name, judge) for judge in job.judges]


def limit_judges(judges: Sequence[Judge], limits: CallLimits) -> None:
    """Have every judge that is served keep these limits, and its own where they say nothing."""
    for judge in judges:
        if isinstance(judge, Served):
            judge.limit(limits)


def rounds(
    job: Job, store: Store, *, max_cost: float | None, wait: bool = False, batch: bool = False
) -> Iterator[Outcome]:
    """Yield what a job came to, once, or with ``wait`` again after each time that a quota has begun anew.

    ``batch``: answers first, then the judges that can judge in batches.

    Raises:
        Exit: Ctrl-C was pressed, and what is done and how to go on has been said.
    """
    spent = 0.0
    batching = [judge for judge in job.judges if batch and isinstance(judge, JudgesInBatches)]
    if batching:
        _begin_batches(job, store, batching, max_cost)
    while True:
        left = None if max_cost is None else max_cost - spent
        outcome = execute_here(job, store, max_cost=left)
        spent += outcome.spent
        for judge in batching:
            judge.batches_done()
        yield outcome
        if not (wait and outcome.resumes) or (max_cost is not None and spent >= max_cost):
            return
        _wait_for_quota(outcome)
        for served in (*job.judges, *job.models.values()):
            if isinstance(served, Served):
                served.resume()


def _begin_batches(job: Job, store: Store, judges: Sequence[JudgesInBatches], max_cost: float | None) -> None:
    """Make the answers first, so that one batch holds them all, and say what is going to happen."""
    if max_cost is not None:
        raise UsageError(
            tr("--batch cannot keep --max-cost: what a batch costs is known when it is done."),
            hint=tr("--dry-run estimates what single calls cost; a batch is half of it."),
        )
    execute_here(replace(job, judges=()), store, max_cost=None)
    for judge in judges:
        judge.judge_in_batches(StoredBatchNotes(store))
    say(
        tr(
            "{names}: judging in batches, at half the price. A batch is usually done within an hour, at most after a "
            "day. Ctrl-C leaves it with the server: the same command fetches it and buys nothing twice.",
            names=", ".join(judge.name for judge in judges),
        ),
        err=True,
    )


def _wait_for_quota(outcome: Outcome) -> None:
    """Wait until the first of the quotas begins anew."""
    until = min(outcome.resumes.values())
    say(
        tr(
            "Waiting until {time}, when the quota of {names} begins anew (--wait). Everything so far is stored; after "
            "Ctrl-C the same command goes on.",
            time=local_time(until),
            names=", ".join(outcome.resumes),
        ),
        err=True,
    )
    try:
        pause(_GRACE)  # at least, should the server be behind the time that it named
        while (left := (until - datetime.now(UTC)).total_seconds()) > 0:
            pause(min(left, _LONGEST_PAUSE))
    except KeyboardInterrupt as interrupt:
        say(tr("\nInterrupted. The same command continues:\n  {names}", names=command_line()), err=True)
        raise click.exceptions.Exit(INTERRUPTED_EXIT) from interrupt


def pause(seconds: float) -> None:
    """Wait."""
    time.sleep(seconds)


def say_outcome(run: Run, judges: Sequence[Judge], outcome: Outcome, folder: RunFolder) -> int:
    """Say on stderr what was done, what is missing and how to go on.

    Return how many verdicts of these judges are missing, those among them that other versions of a judge gave.
    """
    own = {judge.name for judge in judges}
    verdicts = [run.verdict(item) for item in run.items if item.judge in own]
    counts = Counter(verdict.status for verdict in verdicts)
    unscored = counts.total() - counts["scored"]
    generated = trn("{n} answer generated", "{n} answers generated", outcome.generated)
    if outcome.spent:
        made = tr(
            "{generated}, {judged} judged anew for ${spent:.4f}; files are in {path}/",
            generated=generated,
            judged=outcome.judged,
            spent=outcome.spent,
            path=folder.path,
        )
    else:
        made = tr(
            "{generated}, {judged} judged anew; files are in {path}/",
            generated=generated,
            judged=outcome.judged,
            path=folder.path,
        )
    say(made, err=True)
    if unscored:
        _say_missing(counts, outcome)
        _say_reasons(Counter(verdict.reason for verdict in verdicts if verdict.reason is not None))
    if held := held_scores(run, own):
        _say_held(run, held, counts.total())
    if outcome.out_of_budget:
        say(
            tr(
                "Stopped at the cost limit: ${spent:.4f} was spent. Everything finished is stored; the same "
                "command with a higher --max-cost, or without it, does the rest and nothing twice.",
                spent=outcome.spent,
            ),
            err=True,
        )
    return unscored + held.total()


def _say_missing(counts: Counter[Status], outcome: Outcome) -> None:
    """Say how many verdicts are missing, by their status, and how to get them."""
    if outcome.resumes:
        say(
            tr(
                "The quota of {names} is used up for now: {n_scored} of {n_verdicts} verdicts are there, and "
                "everything is kept. The same command goes on after {time} (local time) and buys nothing twice; with "
                "--wait it waits until then by itself.",
                names=", ".join(outcome.resumes),
                n_scored=counts["scored"],
                n_verdicts=counts.total(),
                time=local_time(min(outcome.resumes.values())),
            ),
            err=True,
        )
    else:
        say(
            tr(
                "{unscored} of {n_verdicts} verdicts are missing ({counts} unscored, {counts_2} "
                "failed). Once what is the matter is mended, the same command tries them again; --max-unscored N "
                "accepts them.",
                unscored=counts.total() - counts["scored"],
                n_verdicts=counts.total(),
                counts=counts["unscored"],
                counts_2=counts["error"],
            ),
            err=True,
        )


def _say_reasons(reasons: Counter[str]) -> None:
    """Say what verdicts are missing for, the commonest reasons first."""
    for reason, count in reasons.most_common(_SHOWN_REASONS):
        line = " ".join(printable(said(reason)).split())
        say(f"  {count} × {line if len(line) <= _REASON_WIDTH else f'{line[:_REASON_WIDTH]}…'}", err=True)
    if (more := len(reasons) - _SHOWN_REASONS) > 0:
        say(trn("  {n} more reason: see the leaderboard", "  {n} more reasons: see the leaderboard", more), err=True)


def _say_held(run: Run, held: Counter[str], total: int) -> None:
    """Say how many verdicts stand apart because another version of their judge gave them, and the ways out."""
    say(
        tr(
            "{count} of {n_verdicts} verdicts are by another version of their judge ({names}) and stand apart. "
            "To put them on one scale: harness judge {run} --anchors; to judge all again: harness judge {run} "
            "--rejudge",
            count=held.total(),
            n_verdicts=total,
            names=", ".join(held),
            run=run.name,
        ),
        err=True,
    )
