"""What people would say so far: the anchored estimate from ratings, whoever carries them."""

import numpy as np
import pytest

from harness.analysis.human_anchor import TaskDraw, anchoring
from harness.analysis.people_so_far import people_so_far, rating_state
from harness.human.choosing import Strata
from harness.stats import anchored_difference
from harness.types import LIKERT_5, UNIT, Scale
from tests.analysis.tables import table
from tests.human.drawn_sheets import drawn
from tests.human.test_remaining import rated
from tests.reports.test_rating_progress import N, draw_of, ratings_of

RNG = np.random.default_rng(1)
JUDGE = RNG.integers(1, 6, (2, N)).astype(float)
PEOPLE = np.clip(JUDGE[:, :25] + RNG.integers(-1, 2, (2, 25)), 1, 5)


def test_it_is_the_anchored_difference_of_the_means_of_raters() -> None:
    """Two raters of whom one rated half: their mean where both did, as `anchored_difference` has it by hand."""
    second = np.clip(PEOPLE[:, :10] + 1, 1, 5)
    ratings = [*ratings_of(PEOPLE.tolist(), "1"), *ratings_of(second.tolist(), "2")]
    found = people_so_far([table(JUDGE)], ratings, draw_of(25), scale=LIKERT_5, baseline="m0")
    assert found is not None
    means = np.full((2, N), np.nan)
    means[:, :25] = PEOPLE
    means[:, :10] = (PEOPLE[:, :10] + second) / 2
    alone = anchored_difference(means[1], means[0], JUDGE[1], JUDGE[0], scale=LIKERT_5, drawn_at_random=True)
    [row] = found.differences
    assert alone.population.value == pytest.approx(row.estimate.population.value)
    assert (25, True) == (row.estimate.n_labels, found.drawn_at_random)
    assert row.raters is not None


def test_a_part_is_not_called_random() -> None:
    """Until all of the draw is rated; of nothing there is nothing."""
    part = people_so_far(
        [table(JUDGE)], ratings_of(PEOPLE[:, :22].tolist()), draw_of(25), scale=LIKERT_5, baseline="m0"
    )
    assert part is not None
    assert part.drawn_at_random is False
    assert part.differences[0].estimate.population.low is not None
    assert people_so_far([table(JUDGE)], [], draw_of(25), scale=LIKERT_5, baseline="m0") is None
    assert people_so_far([], ratings_of(PEOPLE.tolist()), draw_of(25), scale=LIKERT_5, baseline="m0") is None


def test_without_a_judge_on_their_scale_people_stand_alone() -> None:
    """A judge of checks scores 0 or 1: the interval is that of the labels; one on 1-5 behind it carries them."""
    checks = table((JUDGE > 3).astype(float), name="checks", kind="checks", scale=UNIT)
    ratings = ratings_of(PEOPLE.tolist())
    alone = people_so_far([checks], ratings, draw_of(25), scale=LIKERT_5, baseline="m0")
    assert alone is not None
    estimate = alone.differences[0].estimate
    assert estimate.slope is None
    assert (PEOPLE[1] - PEOPLE[0]).mean() == pytest.approx(estimate.population.value)
    carried = people_so_far([checks, table(JUDGE)], ratings, draw_of(25), scale=LIKERT_5, baseline="m0")
    assert carried is not None
    assert ("j", True) == (carried.judge, carried.differences[0].estimate.slope is not None)


def test_all_rated_is_a_census() -> None:
    """`anchoring` has nothing to carry then; while labels arrive their mean is shown."""
    people = np.clip(JUDGE + RNG.integers(-1, 2, JUDGE.shape), 1, 5)
    found = people_so_far([table(JUDGE)], ratings_of(people.tolist()), draw_of(N), scale=LIKERT_5, baseline="m0")
    assert found is not None
    here = found.differences[0].estimate.these_tasks
    assert here.low == here.high == here.value
    assert anchoring(table(JUDGE), table(people, kind="human"), baseline="m0") is None


def test_strata_of_the_draw_are_used() -> None:
    """Even tasks were drawn twice as often: their share of all tasks counts, not of the labels."""
    ids = [str(n) for n in range(N)]
    strata = Strata(parts=(tuple(ids[::2]), tuple(ids[1::2])), spreads=(1.0, 1.0))
    chosen = [*range(0, N, 2), *range(1, 21, 2)]
    people = np.full((2, N), np.nan)
    people[:, chosen] = np.where(np.array(chosen) % 2 == 0, [[1.0], [5.0]], [[3.0], [3.0]])
    flat = table(np.full((2, N), 3.0))
    found = anchoring(
        flat,
        table(people, kind="human"),
        baseline="m0",
        draw=TaskDraw(population=ids, chosen=[ids[n] for n in chosen], strata=strata.parts),
    )
    assert found is not None
    [row] = found.differences
    assert row.estimate.these_tasks.value == pytest.approx(2.0)
    assert found.drawn_at_random is True


def test_the_state_of_each_rater() -> None:
    """Half of one page, a skip on it, nothing of the other's."""
    export = drawn(sample=10)
    ratings = rated(export, {0, 1, 2})
    state = rating_state(
        "r", [table(np.ones((3, 30)))], export, ratings, scale=Scale(low=1, high=5), baseline="m0", last={"1": "d"}
    )
    assert [("1", 3, 0, "d"), ("2", 0, 0, None)] == [
        (one.name, one.done, one.skipped, one.last) for one in state.raters
    ]
    [one] = state.sets
    assert (False, False, 30) == (one.is_whole, one.is_carried, one.n_tasks)
