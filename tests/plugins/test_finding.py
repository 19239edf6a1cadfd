"""Which plugins there are: by name, with the nearest for a wrong one, and the extra that one needs."""

import pytest

from harness.errors import PluginError, UnknownNameError
from harness.plugins.finding import came_from, entry, fault, missing_extra, names


def test_the_built_in_plugins_are_there_by_name() -> None:
    """Sorted, and nothing is imported for it."""
    assert {"echo", "outputs", "adapter", "hf"} <= set(names("models"))
    assert {"rules", "human", "python"} <= set(names("judges"))
    assert names("judges") == sorted(names("judges"))


def test_a_name_that_nobody_has_is_refused_with_the_nearest() -> None:
    """In the group that was asked."""
    with pytest.raises(UnknownNameError, match="No judge named 'ruels'") as refused:
        entry("judges", "ruels")
    assert "Did you mean 'rules'?" == refused.value.hint


def test_a_fault_names_the_package() -> None:
    """So that people know whom to ask."""
    error = fault("judges", "rules", "it fell over")
    assert isinstance(error, PluginError)
    assert "The judge 'rules' cannot be opened: it fell over." == error.message
    assert "judges.rules:open_rules" in str(error.hint)
    assert came_from(entry("judges", "rules")) in str(error.hint)


def test_what_needs_no_extra_lacks_none() -> None:
    """The small built-ins work anywhere."""
    assert [None, None] == [missing_extra("models", "echo"), missing_extra("judges", "rules")]
