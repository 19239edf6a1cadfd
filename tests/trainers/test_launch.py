"""Several processes as one: which of them speaks."""

import pytest

from harness.errors import HarnessError, InputError
from trainers import launch


def test_only_the_first_process_speaks_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another one waits before it says its own error, and ends silently when it is interrupted."""
    waited: list[float] = []
    monkeypatch.setattr("time.sleep", waited.append)
    with pytest.raises(HarnessError, match="wrong"), launch.first_speaks():
        raise InputError("wrong")
    assert not waited
    with pytest.raises(KeyboardInterrupt), launch.first_speaks():
        raise KeyboardInterrupt
    monkeypatch.setenv("RANK", "1")
    with pytest.raises(HarnessError, match="wrong"), launch.first_speaks():
        raise InputError("wrong")
    assert [30] == waited
    with pytest.raises(SystemExit) as ended, launch.first_speaks():
        raise KeyboardInterrupt
    assert 130 == ended.value.code
