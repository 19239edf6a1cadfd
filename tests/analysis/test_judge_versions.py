"""What was made of the scores of several versions: counts, and the same for some tasks."""

import numpy as np

from harness.analysis.judge_versions import VersionSplit
from harness.types import LIKERT_5, RowKey


def test_a_split_counts_what_is_held_and_what_is_equated() -> None:
    """By row; without equated scores there are none."""
    held = {RowKey(model="a", prompt=None): 2, RowKey(model="b", prompt=None): 1}
    split = VersionSplit(shown="m-1", counts={"m-1": 4, "m-2": 3}, held=held, scale=LIKERT_5)
    assert (3, 0) == (split.n_held, split.n_equated(0))
    assert split == split.of_tasks(np.array([True, False]))


def test_some_of_the_tasks_keep_what_is_theirs() -> None:
    """A look on the way sees the first tasks alone."""
    equated = np.array([[[[True]], [[False]], [[True]]]])
    split = VersionSplit(
        shown="m-1", counts={}, held={}, scale=LIKERT_5, equated=equated, given=np.where(equated, 4.0, 2.0)
    )
    part = split.of_tasks(np.array([True, True, False]))
    assert part.given is not None
    assert (2, 1, [4.0, 2.0]) == (split.n_equated(0), part.n_equated(0), part.given.ravel().tolist())
