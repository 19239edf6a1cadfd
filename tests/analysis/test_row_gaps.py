"""What rows lack: where that leaves them, whatever their plain means are."""

import numpy as np

from harness.analysis.row_gaps import baseline_place, row_gaps, tag_rows
from harness.stats import Design
from tests.analysis.test_leaderboard import table


def test_the_order_goes_by_common_tasks() -> None:
    """The second lacks the hard tasks: its plain mean is higher, and it stands below."""
    found = table({"whole": [1, 2, 4, 5], "lacks": [None, None, 3, 4]})
    gaps = row_gaps(found, "whole", Design())
    assert (0, 1) == gaps.order
    assert (3.0, 2.0) == gaps.comparable
    assert gaps.matter
    assert gaps.unlike
    assert np.array_equal(gaps.shares, [[0, 0, 0, 0], [1, 1, 0, 0]])


def test_without_a_baseline_the_first_row_stands_in() -> None:
    """A model that has no row on this task set."""
    found = table({"a": [1, 2], "b": [2, 3]})
    assert (1, 0) == (baseline_place(found, "b"), baseline_place(found, "elsewhere"))
    assert ((), ()) == tag_rows(found, "a", Design())
