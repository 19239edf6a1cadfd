"""Comparisons on a board that was looked at on the way: what each look saw, and figures that hold at any stop."""

import numpy as np
import pytest

from harness.analysis.comparing import compare_rows
from harness.analysis.looks import at_look, board_looks, looked_family
from harness.analysis.scores import ScoreTable
from harness.engine.looks import Looks, Stop
from harness.stats import Design, FamilyComparison
from harness.stats.sequential import sequential_p
from tests.analysis.tables import table

N = 40
CELLS = np.clip(np.random.default_rng(5).normal([[3.0], [3.0], [3.6]], 0.8, (3, N)).round(), 1, 5)
ORDER = tuple(str(n) for n in reversed(range(N)))
DESIGN = Design()


def looks(*stops: Stop, sizes: tuple[int, ...] = (10, 20, 40), reached: int = 3) -> Looks:
    """Three looks at the tasks from the last to the first."""
    return Looks(kind="looks", sizes={"t": sizes}, order={"t": ORDER}, reached=reached, stops=stops)


def compare(one: ScoreTable) -> FamilyComparison:
    return compare_rows(one, DESIGN, family="baseline", baseline=0).family


@pytest.mark.parametrize(("look", "seen"), [(1, 10), (2, 20), (3, 40)])
def test_a_look_sees_its_tasks_alone(look: int, seen: int) -> None:
    """The first in the order, which are no gaps beside the others; the table itself stays as it is."""
    one = table(CELLS)
    found = at_look(one, looks(), look)
    assert [str(n) for n in range(N - seen, N)] == [sample.id for sample in found.samples]
    assert np.array_equal(one.scores[:, N - seen :], found.scores)
    assert (3, N) == one.scores.shape


def test_a_board_knows_its_looks_and_who_was_stopped_before_the_end() -> None:
    """One look at the end is none; a stop at the last look is no early one, and other tasks' stops are not its own."""
    early, late = Stop(task="t", model="m2", prompt=None, look=2), Stop(task="t", model="m1", prompt=None, look=3)
    other = Stop(task="u", model="m2", prompt=None, look=1)
    found = board_looks(table(CELLS), looks(early, late, other))
    assert found is not None
    assert ("looks", (10, 20, 40), (early,)) == (found.kind, found.sizes, found.stops)
    assert None is board_looks(table(CELLS), looks(sizes=(40,)))
    assert None is board_looks(table(CELLS), None)


def test_figures_are_those_of_the_looks_that_a_comparison_had() -> None:
    """P by O'Brien-Fleming over the history, adjusted by Holm; intervals wider than those of a single look."""
    one = table(CELLS)
    plain = compare(one)
    found = looked_family(one, looks(), plain, compare)
    histories = [
        [compare(at_look(one, looks(), look)).comparisons[place].p_value for look in (1, 2, 3)] for place in (0, 1)
    ]
    expected = [sequential_p([1.0 if p is None else p for p in history], [0.25, 0.5, 1.0]) for history in histories]
    assert expected == [pytest.approx(result.p_value) for result in found.comparisons]
    for before, after in zip(plain.comparisons, found.comparisons, strict=True):
        assert before.difference.value == after.difference.value
        assert after.difference.low < before.difference.low < before.difference.high < after.difference.high
        assert after.p_value <= after.p_adjusted


def test_the_last_of_three_looks_costs_little() -> None:
    """As O'Brien and Fleming's bounds do: a plain p of .05 is just above .05 at the end."""
    assert 0.05 < sequential_p([1.0, 1.0, 0.05], [0.25, 0.5, 1.0]) < 0.06


def test_a_row_that_was_stopped_has_the_interval_of_its_last_look() -> None:
    """The earlier, the wider."""
    one = table(CELLS)
    stop = Stop(task="t", model="m2", prompt=None, look=2)
    stopped_cells = one.cells.copy()
    stopped_cells[2, : N - 20] = np.nan
    stopped = table(stopped_cells[..., 0, 0])
    found = looked_family(stopped, looks(stop), compare(stopped), compare).comparisons
    assert ["look 3 of 3", "look 2 of 3"] == [str(one.p_method).rpartition(", ")[2] for one in found]
    whole = looked_family(one, looks(), compare(one), compare).comparisons
    assert found[1].difference.high - found[1].difference.low > whole[1].difference.high - whole[1].difference.low
