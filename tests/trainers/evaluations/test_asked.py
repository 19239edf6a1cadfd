"""What evaluating a training takes is counted and said before it begins."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.runs.series import SeriesAsked, ask_series
from harness.specs import Config
from trainers.evaluations.asked import EvaluationsAsked, announced, refuse_unannounced


@pytest.fixture
def series(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task_file: Path) -> SeriesAsked:
    """Five tasks, judged by rules."""
    monkeypatch.chdir(tmp_path)
    return ask_series(
        Config(), tasks=f"five={task_file}", judge="rules", prompt="course.v1", limit=None, store=None, date="2026"
    )


@pytest.mark.parametrize(("steps", "every", "times"), [(10, 5, 3), (10, 4, 4), (10, 100, 2), (1, 1, 2), (11, 5, 4)])
def test_how_often(series: SeriesAsked, steps: int, every: int, times: int) -> None:
    """Before the first step, every so many, and after the last."""
    asked = EvaluationsAsked(series=series, every=every, patience=3)
    assert times == len({0, *range(every, steps, every), steps})  # counted
    assert (times, times * 5) == (asked.times(steps), asked.verdicts(steps))
    said = " ".join(announced(asked, steps))
    assert f"at most {times} evaluations, {times * 5} verdicts" in said
    assert "five is not sealed" in said
    assert f"before training, {'every step' if every == 1 else f'every {every} steps'} and at the end" in said


def test_only_what_costs_nothing_begins_by_itself(series: SeriesAsked) -> None:
    """Rules do; a judge that asks a model is refused with the number of its verdicts."""
    refuse_unannounced(EvaluationsAsked(series=series, every=5, patience=3), 10)
    asking = EvaluationsAsked(series=replace(series, asks_model=True), every=5, patience=3)
    with pytest.raises(UsageError, match="15 verdicts") as error:
        refuse_unannounced(asking, 10)
    assert "--yes" in str(error.value.hint)
