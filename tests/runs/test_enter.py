"""The door to the ledger: opened by what is new, and by nothing else."""

from dataclasses import replace

from harness.runs.enter import enter
from harness.runs.run import Run
from harness.store.ledger import read_ledger
from harness.store.store import Store


def test_a_run_that_did_not_change_leaves_the_ledger_alone(run: Run) -> None:
    """It keeps what it knew, also where nothing can be written."""
    assert run.manifest.ledger
    with Store(run.manifest.store, read_only=True) as store:
        found = enter(replace(run, manifest=replace(run.manifest, ledger=())), store, before=run.manifest, date="2027")
    assert run.manifest.ledger == found.manifest.ledger


def test_what_is_new_is_entered_once(run: Run) -> None:
    """With the date of its first time; the same again is no other try."""
    with Store(run.manifest.store) as store:
        before = read_ledger(store)
        found = enter(run, store, before=None, date="2027-01-01")
        assert before.rows == read_ledger(store).rows
    assert [board.tries for board in run.manifest.ledger] == [board.tries for board in found.manifest.ledger]
