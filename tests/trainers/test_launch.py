"""Several processes as one: which of them speaks."""

import pytest

from harness.errors import HarnessError, InputError, UsageError
from trainers import launch


def test_only_the_first_process_speaks_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another one waits before it says its own error, and ends silently when it is interrupted."""
    waited: list[float] = []
    with pytest.raises(HarnessError, match="wrong"), launch.first_speaks(waited.append):
        raise InputError("wrong")
    assert not waited
    with pytest.raises(KeyboardInterrupt), launch.first_speaks(waited.append):
        raise KeyboardInterrupt
    monkeypatch.setenv("RANK", "1")
    with pytest.raises(HarnessError, match="wrong"), launch.first_speaks(waited.append):
        raise InputError("wrong")
    assert [30] == waited
    with pytest.raises(SystemExit) as ended, launch.first_speaks(waited.append):
        raise KeyboardInterrupt
    assert 130 == ended.value.code


@pytest.mark.parametrize(("rank", "size", "expected"), [(None, None, (0, 1)), ("1", "2", (1, 2)), ("0", "4", (0, 4))])
def test_a_process_knows_its_place(
    monkeypatch: pytest.MonkeyPatch, rank: str | None, size: str | None, expected: tuple[int, int]
) -> None:
    """By what torchrun sets; without it there is one."""
    for name, value in (("RANK", rank), ("WORLD_SIZE", size)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    assert (expected, expected[0] == 0) == (launch.world(), launch.is_first())


def test_a_launcher_that_says_nonsense_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sentence, not a ValueError."""
    monkeypatch.setenv("RANK", "first")
    with pytest.raises(UsageError, match="RANK or WORLD_SIZE is no number"):
        launch.world()
