"""A job in front of the user: how it is typed again, how it ends, and what is said of what is missing."""

import shlex
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest

from harness.cli.execution import INTERRUPTED_EXIT, command_line, execute_here, invocation, say_outcome
from harness.engine.job import Job, Outcome
from harness.engine.plan import PlannedModel, plan_requests
from harness.runs.folder import RunFolder
from harness.store.store import Store
from harness.templates import load_template
from harness.types import PlannedTask, Sample, Sampling, Verdict
from tests.engine.test_execute import CutShort, Even


def job(model: CutShort) -> Job:
    """Twelve tasks for one model and one judge."""
    task = PlannedTask(name="t", samples=tuple(Sample(id=str(n), inputs={"input": f"問{n}"}) for n in range(12)))
    planned = [PlannedModel(label="m", fingerprint=model.fingerprint)]
    requests = plan_requests([task], planned, [load_template("plain.v1")], sampling=Sampling())
    return Job(tasks=(task,), requests=tuple(requests), models={"m": model}, judges=(Even(),))


def test_a_command_can_be_typed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spaces, quotes and Japanese included."""
    typed = ["eval", "--model", "my model=echo", "--judge", "it's", "--run", "実験 1"]
    monkeypatch.setattr(sys, "argv", ["/somewhere/harness", *typed])
    assert ["harness", *typed] == shlex.split(command_line())
    made = invocation()
    assert command_line() == made.command
    assert made.now.utcoffset() is not None


def test_ctrl_c_says_how_far_it_came_and_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And what was finished is stored: the next run asks for the rest alone."""
    monkeypatch.setattr(sys, "argv", ["harness", "eval", "--run", "r"])
    with Store(str(tmp_path / "s.sqlite")) as store:
        with pytest.raises(click.exceptions.Exit) as stop:
            execute_here(job(CutShort(5)), store, max_cost=None)
        said = capsys.readouterr().err
        assert INTERRUPTED_EXIT == stop.value.exit_code
        assert "Interrupted. 5 of 12 answers" in said
        assert said.endswith("the same command continues:\n  harness eval --run r\n")
        rest = CutShort(None)
        outcome = execute_here(job(rest), store, max_cost=None)
    assert (7, 12, 12) == (len(rest.asked), len(outcome.answers), len(outcome.verdicts))


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]):  # noqa: ANN201
    """Return a function that says an outcome of a run in which three of five verdicts have a score."""
    given = [Verdict.scored(1), Verdict.scored(2), Verdict.scored(3), Verdict.unscored("x"), Verdict.failed("y")]
    verdicts = {str(place): verdict for place, verdict in enumerate(given)} | {"z": Verdict.failed("z")}
    run: Any = SimpleNamespace(
        items=[SimpleNamespace(judge="another" if key == "z" else "even", key=key, verdict=None) for key in verdicts],
        verdicts=verdicts,
        verdict=lambda item: verdicts[item.key],
        manifest=SimpleNamespace(swaps=()),
    )

    def say(**fields: Any) -> tuple[int, str]:
        outcome = Outcome(**{"answers": {}, "verdicts": {}, "generated": 1, "judged": 4} | fields)
        missing = say_outcome(run, [Even()], outcome, RunFolder("runs", "r"))
        return missing, capsys.readouterr().err

    return say


def test_what_was_done_and_what_is_missing_is_said(said: Any) -> None:
    """Of the command's own judges; one answer is not "1 answers"."""
    missing, text = said()
    assert 2 == missing
    assert "1 answer generated, 4 judged anew; files are in runs/r/" in text
    assert "2 of 5 verdicts are missing (1 unscored, 1 failed)" in text
    assert text.endswith("  1 × x\n  1 × y\n")


def test_money_is_said_where_some_was_spent(said: Any) -> None:
    """And that the limit ended it."""
    assert "4 judged anew for $0.1235; files" in said(spent=0.12345)[1]
    assert "Stopped at the cost limit: $1.0000 was spent." in said(spent=1.0, out_of_budget=True)[1]
    assert "$" not in said()[1]
