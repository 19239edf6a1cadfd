"""Judges beside those of a run: under a name that is free, and never the same judge twice."""

from dataclasses import replace

import pytest

from harness.errors import SameJudgeError
from harness.notices import Notice
from harness.runs.beside import open_beside
from harness.runs.run import Run
from harness.specs import Config, parse_judge


def test_a_judge_that_the_run_lacks_keeps_its_name_and_says_what_it_says(run: Run) -> None:
    """Nothing is told where nothing is renamed; what the judge says has its code."""
    told: list[str] = []
    (judge,), notices = open_beside(run, [parse_judge("rules", Config())], tell=told.append)
    assert ("rules", []) == (judge.name, told)
    assert {"no_rules"} == {notice.code for notice in notices}
    assert all(isinstance(notice, Notice) for notice in notices)
    assert ((), ()) == open_beside(run, [], tell=told.append)


def test_the_same_judge_under_another_name_is_refused(run: Run) -> None:
    """Its verdicts would seem to agree with themselves."""
    (judge,), _ = open_beside(run, [parse_judge("reference", Config())], tell=str)
    assert "reference" == judge.name
    renamed = replace(run, judges=tuple(replace(known, name="chrf") for known in run.judges))
    with pytest.raises(SameJudgeError, match="has the judge 'reference' already, as 'chrf'"):
        open_beside(renamed, [parse_judge("reference", Config())], tell=str)
