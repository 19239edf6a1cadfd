"""Requirements of a pipeline against what boards show."""

from dataclasses import replace

from harness.analysis.requirement import candidates_of, check_requirement
from tests.reports.test_verdict import HIGH, LOW, leaderboard


def test_better_and_no_worse_are_what_the_primary_board_shows() -> None:
    """Met by what is shown, not by what is not refuted."""
    shown = leaderboard(LOW, HIGH)
    for wanted in ("better", "no-worse"):
        [checked] = check_requirement(shown, wanted, "m1")
        assert checked.is_met
        [checked] = check_requirement(leaderboard(HIGH, LOW), wanted, "m1")
        assert not checked.is_met
    [unclear] = check_requirement(leaderboard([1.0, 2.0, 3.0], [2.0, 1.0, 3.0]), "no-worse", "m1")
    assert not unclear.is_met


def test_exploratory_boards_have_no_say() -> None:
    """Nothing is compared where no board is primary."""
    shown = leaderboard(LOW, HIGH, LOW)
    assert ["m1", "m2"] == candidates_of(shown)
    hidden = replace(shown, boards=(replace(shown.boards[0], is_primary=False),))
    assert ([], ()) == (candidates_of(hidden), check_requirement(hidden, "better", "m1"))
