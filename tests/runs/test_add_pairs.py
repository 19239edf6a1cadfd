"""A judge of pairs joins a run."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.errors import RunMismatchError
from harness.runs.add_pairs import add_pairs_in_folder, planned_pairs, rows_of, with_pairs
from harness.runs.folder import RunFolder
from harness.runs.load import load_run
from harness.runs.provenance import Invocation
from harness.store.store import Store
from tests.engine.test_pairing import Longer
from tests.runs.test_merged_pairs import evaluated

FIRST, SECOND = (Invocation(command=f"harness {n}", now=datetime(2026, 11, n, tzinfo=UTC)) for n in (1, 2))


def test_a_rerun_keeps_the_first_date_and_another_choice_joins(workplace: Path) -> None:
    """The same judge against the same is one entry; against all it is another."""
    run = evaluated(workplace, "r", {"base": "x", "a": "y"})
    rows = rows_of(run.requests)
    plans = [planned_pairs(rows, Longer(), baseline="base", invocation=one) for one in (FIRST, SECOND)]
    everything = planned_pairs(rows, Longer(), baseline="base", against="all", invocation=SECOND)
    with Store(run.manifest.store) as store:
        for plan in (*plans, everything):
            run = with_pairs(run, plan, None, store)
    assert [(one.against, one.command) for one in run.manifest.pairs] == [
        ("baseline", "harness 1"), ("all", "harness 2"),
    ]  # fmt: skip
    assert len(run.pairwise) == 2


def test_a_run_that_was_evaluated_anew_meanwhile_is_left_alone(workplace: Path) -> None:
    """Its verdicts are stored all the same."""
    run = evaluated(workplace, "r", {"base": "x", "a": "y"})
    folder = RunFolder("runs", "r")
    run.save(folder)
    evaluated(workplace, "r", {"base": "x", "a": "changed"}).save(folder)
    plan = planned_pairs(rows_of(run.requests), Longer(), baseline="base", invocation=FIRST)
    with Store(run.manifest.store) as store, pytest.raises(RunMismatchError):
        add_pairs_in_folder(run, plan, None, store, folder=folder)
    assert load_run("r").pairwise == ()
