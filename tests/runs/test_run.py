"""A run as a value: what was asked and said, and nothing that can be changed."""

from dataclasses import FrozenInstanceError, replace

import pytest

from harness.engine.execute import execute
from harness.engine.job import Job, Progress
from harness.errors import UnknownNameError
from harness.runs.assemble import open_judges
from harness.runs.run import Run
from harness.specs import Config, parse_judge
from harness.store.store import Store


def test_it_holds_what_was_asked_and_said(run: Run) -> None:
    """Five answers and five verdicts, each verdict by its key; nothing of it can be changed."""
    assert ("r", ("echo",), 5, 5) == (run.name, run.models, len(run.answers), len(run.items))
    assert {"reference": 5} == run.scored == run.manifest.scored
    assert all(run.verdict(item) is run.verdicts[item.key] for item in run.items)
    stranger = replace(run.items[0], key="no such key")
    assert ("unscored", "not judged") == (run.verdict(stranger).status, run.verdict(stranger).reason)
    with pytest.raises(FrozenInstanceError):
        run.name = "s"  # type: ignore[misc]
    [table] = run.tables()
    assert (1, 5, 1, 1) == table.cells.shape
    with pytest.raises(UnknownNameError, match="referense"):
        run.tables(("referense",))
    with pytest.raises(UnknownNameError, match="bse"):
        run.leaderboard(baseline="bse")


def test_the_engine_gives_no_run_but_what_was_done(run: Run) -> None:
    """Everything is stored, so that nothing is generated or judged anew, and the verdicts are the run's."""
    judges, _ = open_judges([parse_judge("reference", Config())], run.tasks, [("echo", "course.v1")])

    with Store(run.manifest.store) as store:
        outcome = execute(Job(tasks=run.tasks, requests=run.requests, models={}, judges=judges), store, Progress())
    assert (0, 0, run.answers, dict(run.verdicts)) == (
        outcome.generated, outcome.judged, outcome.answers, dict(outcome.verdicts),
    )  # fmt: skip
