"""From a run to its board and its view: by some judges, against some baseline, with every answer."""

from dataclasses import replace

import pytest

from harness.errors import UnknownNameError
from harness.runs.boards import by_judges, leaderboard_of, tables_of, view_of
from harness.runs.run import Run
from tests.runs.conftest import judged


@pytest.fixture
def two(run: Run) -> Run:
    """The run by two judges."""
    return judged(run)


def test_a_run_by_some_of_its_judges_has_their_rows_alone(two: Run) -> None:
    """All, where none is named; a name that is none has its nearest."""
    assert two is by_judges(two, [])
    rules = by_judges(two, ["rules"])
    assert (["rules"], {"rules"}) == ([judge.name for judge in rules.judges], {item.judge for item in rules.items})
    with pytest.raises(UnknownNameError) as caught:
        by_judges(two, ["rule"])
    assert "Did you mean 'rules'?" == caught.value.hint


def test_there_is_a_table_and_a_board_for_each_judge(two: Run) -> None:
    """With the run's own scores."""
    tables = tables_of(two)
    assert ["reference", "rules"] == [table.judge.name for table in tables]
    for table in tables:
        given = [two.verdict(item).score for item in two.items if item.judge == table.judge.name]
        assert given == table.scores[0].tolist()
    board = leaderboard_of(two)
    assert ["reference", "rules"] == [one.judge.name for one in board.boards]
    assert pytest.approx(sum(given) / 5) == board.boards[1].rows[0].estimate.value
    with pytest.raises(UnknownNameError, match="No model label in this run named 'ecko'"):
        leaderboard_of(two, baseline="ecko")


def test_the_view_holds_every_answer_with_its_verdicts(two: Run) -> None:
    """One prompt example of each template and task; the command may be another one than the run's."""
    view = view_of(two)
    assert (5, ["course.v1"]) == (len(view.answers), [example.name for example in view.prompts])
    for answer in view.answers:
        assert {"reference", "rules"} == set(answer.verdicts)
        assert answer.generation is not None
    assert two.manifest.provenance["command"] == view.provenance["command"]
    assert "harness compare r" == view_of(two, command="harness compare r").provenance["command"]
    [rules] = {tuple(answer.verdicts) for answer in view_of(two, judges=["rules"]).answers}
    assert ("rules",) == rules


def test_an_answer_that_is_gone_is_shown_as_gone(two: Run) -> None:
    """Its place stays, its verdicts say why they are missing."""
    view = view_of(replace(two, answers={}, verdicts={}))
    assert {None} == {answer.generation for answer in view.answers}
    assert {"not judged"} == {
        one.reason for answer in view.answers for given in answer.verdicts.values() for one in given
    }
