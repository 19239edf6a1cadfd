"""Runs by name: listed, and the nearest of a misspelt one named."""

import json
from pathlib import Path

import pytest

from harness.errors import UnknownNameError
from harness.runs.load import list_runs, load_run
from harness.runs.run import Run
from tests.conftest import RunCli


def test_runs_are_listed_and_a_misspelt_one_has_its_nearest_named(run: Run) -> None:
    """By name, oldest first."""
    assert ["r"] == list_runs() == list_runs("runs")
    assert [] == list_runs("nowhere")
    with pytest.raises(UnknownNameError, match="No run named 'rr'"):
        load_run("rr")


def test_a_run_of_schema_1_is_written_anew_by_the_next_command(run: Run, run_cli: RunCli) -> None:
    """Until then it is read as it is; its figures stay as they were."""
    older = {"schema": 1, "notices": ["an old note"]}
    for name, more in (("manifest.json", {"own_notices": ["an old note"], "content": "c"}), ("results.json", {})):
        path = Path("runs/r", name)
        path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | older | more), encoding="utf-8")
    before = json.loads(Path("runs/r/results.json").read_text(encoding="utf-8"))["rows"]
    assert ("an old note",) == load_run("r").manifest.notices
    assert "| r " in run_cli("ls", "runs").out
    assert 0 == run_cli("judge", "r", "--judge", "reference").code
    found = json.loads(Path("runs/r/results.json").read_text(encoding="utf-8"))
    assert (2, before) == (found["schema"], found["rows"])
    assert [("an old note", "note")] == [(one["text"], one["severity"]) for one in found["notices"]][:1]
