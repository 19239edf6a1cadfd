"""Which gaps matter, and that a comparison that rests on a part of the tasks says so."""

import numpy as np
import pytest

from harness.stats import compare_family, paired_comparison
from harness.stats.gaps import gaps_are_unlike, gaps_matter
from harness.types import LIKERT_5, Scale

NAN = np.nan


def gap_of(candidate: list[float], baseline: list[float], scale: Scale | None = None) -> str | None:
    result = paired_comparison(candidate, baseline, scale)
    assert [caution for caution in result.cautions if "no score on some" in caution] == (
        [result.missing.caution] * bool(result.missing.caution)
    )
    return result.missing.caution


def test_the_caution_has_every_number() -> None:
    """Who lacks how many, on how many tasks the difference rests, and what the others could do."""
    candidate = [4.0, 3.0] * 40 + [NAN] * 20
    baseline = [4.0, 4.0] * 40 + [1.0] * 20
    said = gap_of(candidate, baseline, LIKERT_5)
    assert said is not None
    assert said.startswith(
        "no score on some of 100 tasks (candidate 20, baseline 0, in part 0): the difference is that of 80 tasks; over "
        "all 100 it lies between -0.40 and +0.40 whatever the missing scores are, with sampling error between -0."
    )


@pytest.mark.parametrize(
    ("candidate", "baseline", "is_said"),
    [
        ([3, 4] * 50, [4, 4] * 50, False),
        ([NAN] * 5 + [3] * 95, [NAN] * 5 + [4] * 95, False),  # the same few
        ([NAN] * 6 + [3] * 94, [NAN] * 6 + [4] * 94, True),  # the same ones, but more than 5 %
        ([NAN] + [3] * 99, [4] * 100, True),
        ([3] * 100, [4] * 99 + [NAN], True),
        ([NAN] + [3] * 99, [4] * 99 + [NAN], True),  # as many, on other tasks
        ([NAN] * 100, [4] * 100, True),
        ([NAN] * 100, [NAN] * 100, True),
    ],
)
def test_when_it_is_said(candidate: list[float], baseline: list[float], is_said: bool) -> None:
    """Unlike gaps always, like ones from 5 % on; with a scale and without."""
    assert (gap_of(candidate, baseline, LIKERT_5) is not None) == is_said
    assert (gap_of(candidate, baseline) is not None) == is_said


def test_without_a_scale_nothing_bounds_what_is_missing() -> None:
    """It is said, and no number invented."""
    said = gap_of([1.0, NAN, 3.0], [1.0, 2.0, 2.0])
    assert said is not None
    assert said.endswith("over all 3 it lies nobody knows where, since no scale bounds it")


def test_a_baseline_with_gaps_touches_every_comparison() -> None:
    """And a candidate with gaps its own alone."""
    scores = np.random.default_rng(0).integers(1, 6, (4, 50)).astype(float)
    scores[2, :5] = NAN
    said = [comparison.missing.caution is not None for comparison in compare_family(scores, LIKERT_5).comparisons]
    assert said == [False, True, False]
    said = [
        comparison.missing.caution is not None
        for comparison in compare_family(scores, LIKERT_5, baseline=2).comparisons
    ]
    assert said == [True, True, True]


def test_no_rows_and_no_tasks_have_no_gaps() -> None:
    """Nothing to lack."""
    for shape in ((0, 0), (0, 5), (3, 0)):
        assert not gaps_matter(np.zeros(shape))
        assert not gaps_are_unlike(np.zeros(shape))
