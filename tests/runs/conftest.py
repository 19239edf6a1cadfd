"""A finished run, and the same with another judge."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.engine.job import Progress
from harness.runs.add_judges import add_judges
from harness.runs.assemble import open_judges
from harness.runs.load import load_run
from harness.runs.provenance import Invocation
from harness.runs.run import Run
from harness.specs import Config, parse_judge
from harness.store.store import Store
from tests.conftest import RunCli

LATER = Invocation(command="harness judge r --judge rules", now=datetime(2026, 11, 26, tzinfo=UTC))


@pytest.fixture
def run(run_cli: RunCli, task_file: Path) -> Run:
    """A finished run `r` of five answers under the judge `reference`."""
    ran = run_cli("eval", "--task", "five=five.jsonl", "--model", "echo", "--judge", "reference", "--run", "r")
    assert 0 == ran.code, ran.err
    return load_run("r")


def judged(run: Run) -> Run:
    """Return the run with the judge `rules`."""
    judges, notices = open_judges([parse_judge("rules", Config())], run.tasks, [("echo", "course.v1")])
    with Store(run.manifest.store) as store:
        return add_judges(run, judges, store, Progress(), invocation=LATER, notices=notices)
