"""The tree of errors: each can be caught apart, ends the program as its parent does, and stands in the docstring."""

import inspect

import pytest

from harness import errors
from harness.errors import HarnessError, PlanMismatchError, UnknownNameError, UsageError

CLASSES = [
    kind for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, HarnessError) and kind.__module__ == "harness.errors"
]  # fmt: skip


@pytest.mark.parametrize("kind", CLASSES)
def test_every_class_stands_in_the_tree_with_a_word_of_its_own(kind: type) -> None:
    """The docstring of the module is what a programmer reads first."""
    tree = str(errors.__doc__)
    name = kind.__name__
    assert name in tree or (name.startswith("Missing") and f"…{name[7:-5]}:" in tree)
    assert kind.__doc__


def test_what_the_command_line_asked_wrongly_ends_with_2() -> None:
    """And everything else with 1."""
    assert {UsageError, UnknownNameError, PlanMismatchError} == {kind for kind in CLASSES if kind.exit_code == 2}
    assert {1, 2} == {kind.exit_code for kind in CLASSES}


def test_an_unknown_name_has_the_nearest_or_all() -> None:
    """As the hint."""
    assert "Did you mean 'rules'?" == UnknownNameError("judge", "ruels", ["rules", "human"]).hint
    assert "Known: human, rules." == UnknownNameError("judge", "x", ["rules", "human"]).hint
    assert "No judge is installed." == UnknownNameError("judge", "x", []).hint
