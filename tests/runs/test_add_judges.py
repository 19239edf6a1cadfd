"""A judge joins a run without anything happening on the side."""

from pathlib import Path

from harness.runs.load import load_run
from harness.runs.run import Run
from tests.runs.conftest import LATER, judged

FILES = ("leaderboard.md", "results.json", "report.html", "manifest.json")


def test_a_judge_joins_without_a_file_being_touched(run: Run, workplace: Path) -> None:
    """The run given stays as it was, its folder too; the new run says who joined, when, and by which command."""
    before = {name: Path("runs/r", name).read_bytes() for name in FILES}
    found = judged(run)
    assert ["reference"] == [judge.name for judge in run.judges]
    assert before == {name: Path("runs/r", name).read_bytes() for name in FILES}
    assert {"reference": 5, "rules": 5} == found.scored
    [joined] = found.manifest.joined
    assert ("rules", "2026-11-26T00:00:00+00:00", LATER.command) == (joined.judge, joined.date, joined.command)
    assert found.manifest.provenance["joined"] == [{"judge": "rules", "date": joined.date, "command": LATER.command}]
    assert found == judged(found)  # the same again says nothing new
    found.save("runs/r")
    assert found.scored == load_run("r").scored
