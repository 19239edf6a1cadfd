"""A run as a value: what was asked and said, and nothing that can be changed."""

from dataclasses import FrozenInstanceError, replace

import pytest

from harness.engine.execute import execute
from harness.engine.job import Job, Progress
from harness.errors import UnknownNameError
from harness.runs.assemble import open_judges
from harness.runs.load import load_run
from harness.runs.run import Run
from harness.specs import Config, parse_judge
from harness.store.store import Store
from harness.types import Verdict


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


def test_what_a_run_is_made_of_decides_its_content(run: Run) -> None:
    """It is found out once; a run with another verdict, or another baseline on record, has another."""
    item = run.items[0]
    lower = replace(run, verdicts={**run.verdicts, item.key: Verdict.scored(0.25)})
    other = replace(run, manifest=replace(run.manifest, baseline="another"))
    assert 3 == len({run.content, lower.content, other.content})
    assert run.content == replace(run).content == load_run("r").content
