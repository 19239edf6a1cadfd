"""How hard property tests try: by name, by the environment, or as usual."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from harness.errors import UnknownNameError
from harness.testing import load_profile
from harness.testing.profiles import VARIABLE


@pytest.fixture(autouse=True)
def same_profile_afterwards() -> Iterator[None]:
    """The other tests of this process go on as they were."""
    yield
    load_profile()


@pytest.mark.parametrize(("said", "examples"), [("fast", 20), ("balanced", 100), ("expensive", 2000), ("", 100)])
def test_the_environment_chooses(monkeypatch: pytest.MonkeyPatch, said: str, examples: int) -> None:
    """Without a deadline, whatever is chosen."""
    monkeypatch.setenv(VARIABLE, said)
    load_profile()
    assert (examples, None) == (settings().max_examples, settings().deadline)


def test_a_name_wins_and_a_wrong_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the nearest one that there is."""
    monkeypatch.setenv(VARIABLE, "expensive")
    assert "fast" == load_profile("fast")
    monkeypatch.setenv(VARIABLE, "fsat")
    with pytest.raises(UnknownNameError, match="No test profile named 'fsat'") as caught:
        load_profile()
    assert "Did you mean 'fast'?" == caught.value.hint
