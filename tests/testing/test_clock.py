"""The clock for tests: it stands still until somebody waits."""

import pytest

from harness.remote.pacing import Pacer
from harness.testing import Clock


def test_time_passes_by_waiting_alone() -> None:
    """By either way of waiting; a wait without a time takes none."""
    clock = Clock(5)
    clock.sleep(2.5)
    assert (False, False, 7.5, 7.5) == (clock.wait(), clock.is_set(), clock(), clock.now)
    assert (False, 8.5) == (clock.wait(timeout=1), clock())


@pytest.mark.parametrize("calls", [1, 10])
def test_what_waits_for_real_elsewhere_takes_no_time_here(calls: int) -> None:
    """Six calls a minute: a call each ten seconds, of this clock's."""
    clock = Clock()
    pacer = Pacer(6, clock=clock)
    for _ in range(calls):
        pacer.wait(clock)  # type: ignore[arg-type]
    assert 10 * (calls - 1) == pytest.approx(clock())
