"""The door to the ledger: a run in which nothing changed since it was entered does not open it."""

from dataclasses import replace
from importlib.metadata import EntryPoint

from harness.runs.manifest import Manifest
from harness.runs.run import Run
from harness.store.store import Store


def enter(run: Run, store: Store, *, before: Manifest | None, date: str) -> Run:
    """Return a run whose boards are in the store's ledger, as `harness.runs.ledger.entered`.

    ``before``: the manifest of the same run when it was last finished.
    """
    known = before.ledger if before is not None else ()
    if before is not None and known and all(board.content for board in known):
        same = replace(run, manifest=replace(run.manifest, ledger=known))
        if same.content == before.content:
            return same
    door = EntryPoint(name="entered", value="harness.runs.ledger:entered", group="harness.runs").load()
    found: Run = door(run, store, before=known, date=date)
    return found
