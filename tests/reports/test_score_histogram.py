"""Levels of a scale and their shares: counted by hand."""

import numpy as np
import pytest

from harness.types import PASS_FAIL, PERCENT, Scale
from reports.score_histogram import level_shares


@pytest.mark.parametrize(
    ("scale", "names"),
    [
        (PASS_FAIL, ("0", "1")),
        (Scale(low=1, high=5, step=0.5), ("1", "1.5", "2", "2.5", "3", "3.5", "4", "4.5", "5")),
        (PERCENT, ("0–20", "20–40", "40–60", "60–80", "80–100")),
        (Scale(low=0, high=100, step=1), ("0–20", "20–40", "40–60", "60–80", "80–100")),
    ],
)
def test_levels_are_steps_or_five_parts(scale: Scale, names: tuple[str, ...]) -> None:
    """The top of a scale belongs to the last level; a row without scores has no shares."""
    found = level_shares(np.array([[scale.high, scale.low], [np.nan, np.nan]]), scale)
    assert names == found.names
    assert 0.5 == found.shares[0, -1] == found.shares[0, 0]
    assert 0 == found.shares[1].sum()
