"""What is loaded late: by its place, once, and an error of its own if it is not there."""

import sys

import pytest

from harness.cli.door import opened


def test_a_module_is_loaded_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not before, and the same one again; a module or something in it."""
    monkeypatch.delitem(sys.modules, "this", raising=False)
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    found = opened("colorsys:rgb_to_hsv")
    assert found is sys.modules["colorsys"].rgb_to_hsv
    assert opened("colorsys") is sys.modules["colorsys"]


@pytest.mark.parametrize(("place", "kind"), [("no_such_module:x", ImportError), ("json:no_such_name", AttributeError)])
def test_what_is_not_there(place: str, kind: type[Exception]) -> None:
    """As importing it would say."""
    with pytest.raises(kind):
        opened(place)
