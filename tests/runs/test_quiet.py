"""Silence: it takes whatever the engine tells, and prints nothing."""

import inspect

import pytest

from harness.engine.job import Progress
from harness.runs.quiet import Quiet


def test_it_hears_all_that_progress_is_told_and_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    quiet = Quiet()
    told = [name for name, _ in inspect.getmembers(Progress, inspect.isfunction) if not name.startswith("_")]
    assert len(told) >= 7
    for name in told:
        expected, found = (inspect.signature(getattr(one, name)) for one in (Progress, Quiet))
        assert expected == found
        given = {one.name: None for one in list(found.parameters.values())[1:]}
        getattr(quiet, name)(**given)
    assert capsys.readouterr() == ("", "")
