"""The report of a run that is read back from its store."""

from harness.runs.reporting import build_report
from harness.runs.stored import StoredRun
from reports.run_view import Report


def report_of(
    run: StoredRun, *, baseline: str | None = None, judges: tuple[str, ...] = (), command: str | None = None
) -> Report:
    """Return the report of a stored run, of all its judges or of some. ``command``: what makes the figures again.

    Raises:
        UnknownNameError: the run has no model or judge of this name.
    """
    provenance = dict(run.manifest["provenance"])
    if command is not None:
        provenance["command"] = command
    leaderboard = run.leaderboard(baseline=baseline, judges=judges)
    shown = {board.judge.name for board in leaderboard.boards}
    return build_report(
        leaderboard=leaderboard,
        tables=run.tables(judges),
        requests=run.requests,
        generations=run.generations,
        items=[item for item in run.items if item.judge in shown],
        verdict_of=run.verdict,
        provenance=provenance,
        notices=run.manifest["notices"],
    )
