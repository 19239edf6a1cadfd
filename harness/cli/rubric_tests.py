"""``harness audit --rubric-tests``: how far a judge's scores move by what should not move them."""

import tempfile
from functools import partial
from pathlib import Path

from harness.analysis.rubric_tests import RubricTests
from harness.cli.execution import Allowance, limit_judges, rounds
from harness.cli.say import say
from harness.engine.job import Outcome
from harness.errors import UsageError
from harness.locale import tr
from harness.protocols import CallLimits, EstimatesCost
from harness.runs.boards import run_primary
from harness.runs.rubric_testing import MOST_OF_A_RUN, Testing, material_of, prepare, to_ask, what_came_of
from harness.runs.run import Run
from harness.specs import Config, parse_judge, store_mirror
from harness.store.mirror import mirrored_store
from harness.store.store import Store, store_exists
from harness.tasks.rubric_material import bundled_material


def rubric_tests_of(
    run: Run | None,
    judge: str | None,
    settings: Config,
    url: str,
    allowance: Allowance,
    *,
    rubric: str | None,
    limit: int | None,
    limits: CallLimits,
    dry_run: bool,
) -> RubricTests | None:
    """Return what came of the tests of a judge, on answers of a run or on those that ship with the harness.

    What it takes is said first; None for a dry run. Verdicts are taken from the store where it has them.

    Raises:
        UsageError: no judge is named, and there is no run whose primary judge could be meant.
        HarnessError: the judge cannot be opened.
    """
    name = judge or _primary(run)
    material = bundled_material()[:limit] if run is None else material_of(run, limit or MOST_OF_A_RUN)
    with tempfile.TemporaryDirectory() as folder:
        spec = parse_judge(name, settings, rubric=rubric)
        testing = prepare(spec, material, Path(folder), source=None if run is None else run.name)
        for job in testing.jobs.values():
            limit_judges(job.judges, limits)
        _say_cost(testing, url)
        if dry_run:
            say(tr("Nothing was done (--dry-run)."))
            return None
        with mirrored_store(url, store_mirror(settings), tell=partial(say, err=True)) as rows:
            outcomes: dict[str, Outcome] = {}
            left = allowance
            for form, job in testing.jobs.items():
                for outcome in rounds(job, rows, max_cost=left.max_cost, wait=left.wait, batch=left.batch):
                    outcomes[form] = outcome
                left = left.after(outcomes[form])
        return what_came_of(testing, outcomes)


def _primary(run: Run | None) -> str:
    primary = None if run is None else run_primary(run)
    if primary is None:
        raise UsageError(
            tr("Which judge is to be tested?"),
            hint=tr("Name it: harness audit --rubric-tests --judge gemini"),
        )
    return primary.judge


def _say_cost(testing: Testing, url: str) -> None:
    """Say what the tests take, before anything is asked."""
    store = Store(url, read_only=True) if store_exists(url) else None
    try:
        asked = to_ask(testing, store)
    finally:
        if store is not None:
            store.close()
    costs = [
        one.estimate(sample, answer).cost if isinstance(one, EstimatesCost) else 0.0 for one, sample, answer in asked
    ]
    cost = None if None in costs else sum(each for each in costs if each is not None)
    say(
        tr(
            "Rubric tests of {judge} on {n} tasks: {calls} verdicts to ask for, {cost}; the others are stored.",
            judge=testing.name,
            n=len(testing.material),
            calls=len(asked),
            cost=tr("price unknown") if cost is None else f"${cost:.2f}",
        ),
        err=True,
    )
