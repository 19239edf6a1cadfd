"""Judges of pairs on the command line: what they would be asked, said first, and asking them."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from harness.cli.dry_run import Expected, PairWork, duration, expected_of, work_of
from harness.cli.execution import Allowance, invocation, limit_judges, rounds, say_note
from harness.cli.options import call_limits
from harness.cli.rate_pairs import import_pair_table
from harness.cli.say import language, say
from harness.engine.job import Outcome
from harness.engine.pairing import Anchors, Answered, JudgedPairs, answered, pair_items
from harness.engine.plan import sample_keys
from harness.locale import tr, trn
from harness.pairs.answer_pair import AnswerPair
from harness.pairs.planned import PlannedPairs
from harness.protocols import CallLimits, ChecksSamples, EstimatesCost, Judge
from harness.runs.add_pairs import add_pairs_in_folder, pair_job, planned_pairs, rows_of
from harness.runs.anchors import anchors_of
from harness.runs.assemble import Evaluation
from harness.runs.folder import RunFolder
from harness.runs.pairs_asked import FORM, PairsAsked, open_pairs, split_judges
from harness.runs.pairwise import save_anchors
from harness.runs.run import Run
from harness.specs import Config
from harness.store.store import Store, store_exists
from harness.types import Generation, PlannedTask

F = TypeVar("F", bound=Callable[..., Any])


def pairs_option(command: F) -> F:
    """Add which answers judges of pairs compare."""
    return click.option(
        "--pairs",
        metavar="baseline|all|anchors:RUN_OR_FILE",
        help="Which answers pairwise:SPEC compares.  [default: baseline]",
    )(command)


def take_pairs(
    options: Mapping[str, Any], flag: str | None, config: Config
) -> tuple[dict[str, Any], PairsAsked | None]:
    """Return the options of an evaluation without its judges of pairs, and those; rules stand in for no other judge."""
    judges, of_pairs = split_judges(options["judges"])
    asked = pairs_asked(of_pairs, flag, config, rubric=options["rubric"], limits=call_limits(options))
    if of_pairs and not judges:
        judges = (FORM,)
        say_note(tr("{judge} joins: every run has a board of scores, and pairs are none.", judge=FORM))
    return {**options, "judges": judges}, asked


def pairs_asked(
    names: Sequence[str], flag: str | None, config: Config, *, rubric: str | None, limits: CallLimits
) -> PairsAsked | None:
    """Return the judges of pairs of a command, opened, which keep these limits; None if there is none."""
    asked = open_pairs(names, flag, config, rubric=rubric)
    if asked is not None:
        limit_judges(asked.judges, limits)
    return asked


def work_on_pairs(
    tasks: Sequence[PlannedTask], planned: PlannedPairs, judge: Judge, found: Answered, url: str
) -> PairWork:
    """Return what judging pairs takes, by what a store holds; answers that are still missing count as usual ones."""
    items = list(pair_items(tasks, planned, found))
    keys = [item.key for item in items if item.key]
    given = {}
    if store_exists(url):
        with Store(url, read_only=True) as store:
            given = store.judgements(keys)
    todo = [item for item in items if item.key not in given]
    expected: Expected | None = None
    if isinstance(judge, EstimatesCost):
        samples = sample_keys(tasks)
        each = []
        for item in todo:
            texts = [
                found.texts.get((item.task, item.sample_id, row, item.repeat)) for row in (item.first, item.second)
            ]
            both = None if None in texts else _as_one(*(text or "" for text in texts))
            each.append(judge.estimate(samples[item.task, item.sample_id].sample, both))
        expected = expected_of(judge, each)
    return PairWork(
        judge=judge.name,
        pairs=len(planned.pairs),
        planned=len(items),
        known=len(items) - len(todo),
        calls=len(todo) if expected is None else expected.calls,
        expected=expected,
    )


def _as_one(first: str, second: str) -> Generation:
    return Generation(request_key="", text=AnswerPair(first=first, second=second).text)


def pairs_of_run(run: Run, asked: PairsAsked | None, config: Config, url: str) -> list[PairWork]:
    """Return what the judges of pairs of a command would do on a run's answers."""
    if asked is None:
        return []
    anchors = anchors_of(asked.against, run.tasks, config.runs)
    found = answered(run.requests, run.answers, anchors)
    return [work_on_pairs(run.tasks, _planned(run, asked, judge, anchors), judge, found, url) for judge in asked.judges]


def pairs_of_plan(evaluation: Evaluation, asked: PairsAsked | None, config: Config, url: str) -> list[PairWork]:
    """Return what the judges of pairs would do once an evaluation has its answers; those that are stored count."""
    if asked is None:
        return []
    job = evaluation.job
    anchors = anchors_of(asked.against, job.tasks, config.runs)
    found = answered(job.requests, work_of(job, url).answers, anchors)
    rows = rows_of(job.requests)
    return [
        work_on_pairs(
            job.tasks,
            planned_pairs(
                rows,
                judge,
                baseline=evaluation.baseline,
                against=asked.against,
                anchors=anchors,
                invocation=invocation(),
            ),
            judge,
            found,
            url,
        )
        for judge in asked.judges
    ]


def _planned(run: Run, asked: PairsAsked, judge: Judge, anchors: Anchors | None) -> PlannedPairs:
    return planned_pairs(
        rows_of(run.requests),
        judge,
        baseline=run.manifest.baseline,
        against=asked.against,
        anchors=anchors,
        invocation=invocation(),
    )


@dataclass(slots=True)
class Comparing:
    """What an evaluation compares when its answers are there; ``missing``: the verdicts that it then lacks."""

    asked: PairsAsked
    config: Config
    missing: int = 0

    def of(self, run: Run, store: Store, folder: RunFolder, allowance: Allowance) -> Run:
        """Return a run with what the judges of pairs say; ``allowance`` is what is left for them."""
        run, self.missing = compared(run, self.asked, store, folder, config=self.config, allowance=allowance)
        return run


def compared(
    run: Run, asked: PairsAsked | None, store: Store, folder: RunFolder, *, config: Config, allowance: Allowance
) -> tuple[Run, int]:
    """Return a run with what judges of pairs say of it, if there are any, and how many verdicts are missing."""
    if asked is None:
        return run, 0
    for table in asked.tables:
        run = import_pair_table(run, table, folder, store)
    run, outcomes = compare_answers(run, asked, store, folder, config=config, allowance=allowance)
    return run, say_pairs_outcome(run, asked, outcomes)


def compare_answers(
    run: Run, asked: PairsAsked, store: Store, folder: RunFolder, *, config: Config, allowance: Allowance
) -> tuple[Run, list[Outcome]]:
    """Compare a run's answers, after saying how many calls that takes; return the run with the verdicts, written."""
    anchors = anchors_of(asked.against, run.tasks, config.runs)
    if anchors is not None:
        save_anchors(anchors, store)
    outcomes: list[Outcome] = []
    for judge in asked.judges:
        planned = _planned(run, asked, judge, anchors)
        _say_notices(judge, run, planned)
        say_work(work_on_pairs(run.tasks, planned, judge, answered(run.requests, run.answers, anchors), store.url))
        job = pair_job(run, planned, judge, anchors)
        for outcome in rounds(job, store, max_cost=allowance.max_cost, wait=allowance.wait, batch=allowance.batch):
            run = add_pairs_in_folder(run, planned, outcome, store, folder=folder, language=language())
        allowance = allowance.after(outcome)
        outcomes.append(outcome)
    return run, outcomes


def say_work(work: PairWork) -> None:
    """Say on stderr how many calls judging pairs takes, before the first."""
    said = tr(
        "{judge}: {pairs} of models, each task in both orders: {n} verdicts, {known} of them known; {calls} to make.",
        judge=work.judge,
        pairs=trn("{n} pair", "{n} pairs", work.pairs),
        n=work.planned,
        known=work.known,
        calls=trn("{n} call", "{n} calls", work.calls),
    )
    say(said, err=True)
    if work.expected is not None and work.expected.calls:
        cost = work.expected.cost
        say(
            tr(
                "  about {time}, {cost}",
                time=duration(work.expected.seconds),
                cost=tr("price unknown") if cost is None else f"${cost:.2f}",
            ),
            err=True,
        )


def _say_notices(judge: Judge, run: Run, planned: PlannedPairs) -> None:
    if isinstance(judge, ChecksSamples):
        models = list(dict.fromkeys(pair.candidate.model for pair in planned.pairs))
        for task in run.tasks:
            for notice in judge.check_samples(task.name, task.samples, models):
                say_note(notice)


def say_pairs_outcome(run: Run, asked: PairsAsked, outcomes: Sequence[Outcome]) -> int:
    """Say on stderr which verdicts on pairs are missing, and return how many."""
    names = {judge.name for judge in asked.judges}
    own = [one for one in run.pairwise if one.plan.judge in names and one.plan.against == asked.against]
    unscored = 0
    for one, outcome in zip(own, outcomes, strict=False):
        counts = Counter(one.verdict(item).status for item in one.items)
        missing = counts.total() - counts["scored"]
        unscored += missing
        _say_one(one, outcome, missing, counts.total())
    return unscored


def _say_one(one: JudgedPairs, outcome: Outcome, missing: int, total: int) -> None:
    say(
        tr(
            "{judge}: {judged} of {total} verdicts on pairs made anew, ${spent:.4f} spent",
            judge=one.plan.judge,
            judged=outcome.judged,
            total=total,
            spent=outcome.spent,
        ),
        err=True,
    )
    if missing:
        say(
            tr(
                "{missing} of {total} verdicts on pairs are missing; leaderboard.md says why. The same command tries "
                "them again and makes none twice.",
                missing=missing,
                total=total,
            ),
            err=True,
        )
