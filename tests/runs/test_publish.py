"""Publishing a run: the same files wherever they are written."""

from pathlib import Path

from harness.runs.run import Run

FILES = ("leaderboard.md", "results.json", "report.html", "manifest.json")


def test_saving_it_elsewhere_writes_the_same_files(run: Run, workplace: Path) -> None:
    """Byte for byte; saving it again writes nothing, and a file that is gone is made anew."""
    run.save("elsewhere")
    for name in FILES:
        assert Path("runs/r", name).read_bytes() == Path("elsewhere", name).read_bytes(), name
    before = {name: Path("elsewhere", name).stat().st_mtime_ns for name in FILES}
    run.save(workplace / "elsewhere")
    assert before == {name: Path("elsewhere", name).stat().st_mtime_ns for name in FILES}
    Path("elsewhere/leaderboard.md").unlink()
    run.save("elsewhere")
    assert Path("runs/r/leaderboard.md").read_bytes() == Path("elsewhere/leaderboard.md").read_bytes()
