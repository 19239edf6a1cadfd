"""A run as a value: loaded, judged, merged and saved without anything happening on the side."""

import json
from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.engine.execute import execute
from harness.engine.job import Job
from harness.errors import HarnessError, UnknownNameError
from harness.runs.add_judges import add_judges
from harness.runs.api import Quiet
from harness.runs.assemble import open_judges
from harness.runs.load import list_runs, load_run
from harness.runs.merge import merge_runs
from harness.runs.provenance import Invocation
from harness.runs.run import Run
from harness.runs.verdicts import refuse_losing, verdicts_now
from harness.specs import Config, parse_judge
from harness.store.store import Store
from harness.types import Verdict
from tests.conftest import RunCli

FILES = ("leaderboard.md", "results.json", "report.html", "manifest.json")
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
        return add_judges(run, judges, store, Quiet(), invocation=LATER, notices=notices)


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


def test_merging_it_with_itself_changes_nothing_but_the_name(run: Run) -> None:
    """Equal rows are there once, by all their judges."""
    merged = merge_runs([run, judged(run)])
    assert ("r + r", 5, {"reference": 5, "rules": 5}) == (merged.name, len(merged.requests), merged.scored)
    assert merge_runs([run]) is run


def test_what_a_store_has_lost_is_not_replaced_by_less(run: Run) -> None:
    """Another judge's scores that are gone end the command; its own may be fewer."""
    poorer = replace(run, verdicts={})
    with pytest.raises(HarnessError, match="no longer holds 5 of the scores that 'reference' gave"):
        refuse_losing(poorer, run.manifest, ["rules"])
    refuse_losing(poorer, run.manifest, ["reference"])


def test_the_better_verdict_counts(run: Run) -> None:
    """Where this command failed and another had a score, the score stands; a score of its own is not looked up."""
    first, second, *_ = run.items
    failed, own = Verdict.failed("late"), Verdict.scored(0.25)
    with Store(run.manifest.store) as store:
        found = verdicts_now(run.items, {first.key: failed, second.key: own}, store)
    assert run.verdicts | {second.key: own} == found


def test_runs_are_listed_and_a_misspelt_one_has_its_nearest_named(run: Run) -> None:
    """By name, oldest first."""
    assert ["r"] == list_runs() == list_runs("runs")
    assert [] == list_runs("nowhere")
    with pytest.raises(UnknownNameError, match="No run named 'rr'"):
        load_run("rr")


def test_the_engine_gives_no_run_but_what_was_done(run: Run) -> None:
    """Everything is stored, so that nothing is generated or judged anew, and the verdicts are the run's."""
    judges, _ = open_judges([parse_judge("reference", Config())], run.tasks, [("echo", "course.v1")])

    with Store(run.manifest.store) as store:
        outcome = execute(Job(tasks=run.tasks, requests=run.requests, models={}, judges=judges), store, Quiet())
    assert (0, 0, run.answers, dict(run.verdicts)) == (
        outcome.generated, outcome.judged, outcome.answers, dict(outcome.verdicts),
    )  # fmt: skip


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
