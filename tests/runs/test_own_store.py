"""A store that holds one run's rows alone: the run read from it is the run."""

from dataclasses import replace
from pathlib import Path

from harness.runs.folder import RunFolder
from harness.runs.load import load_run
from harness.runs.own_store import with_own_store, write_store
from harness.runs.run import Run
from harness.store.store import Store
from tests.runs.conftest import judged


def test_a_run_is_read_from_its_own_store(run: Run, tmp_path: Path) -> None:
    """Without the one that it was made with, and with nobody else's rows."""
    folder = RunFolder("", str(tmp_path / "elsewhere"))
    folder.create()
    with_own_store(judged(run), folder).save(folder)
    Path("runs/store.sqlite").unlink()
    found = load_run(str(folder.path))
    assert run.answers == found.answers
    assert {"reference": 5, "rules": 5} == found.scored


def test_what_was_not_judged_is_not_invented(run: Run, tmp_path: Path) -> None:
    """Only verdicts that were given are written; a second time adds nothing."""
    some = dict(list(run.verdicts.items())[:2])
    path = tmp_path / "s.sqlite"
    for _ in range(2):
        write_store(replace(run, verdicts=some), path)
    with Store(str(path)) as store:
        assert set(some) == set(store.judgements([item.key for item in run.items]))
        assert set(run.answers) == set(store.generations(list(run.answers)))
        assert store.has_plan(run.manifest.plan)
