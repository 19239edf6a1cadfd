"""Runs as one: equal rows once, by all their judges."""

from harness.runs.merge import merge_runs
from harness.runs.run import Run
from tests.runs.conftest import judged


def test_merging_it_with_itself_changes_nothing_but_the_name(run: Run) -> None:
    """Equal rows are there once, by all their judges."""
    merged = merge_runs([run, judged(run)])
    assert ("r + r", 5, {"reference": 5, "rules": 5}) == (merged.name, len(merged.requests), merged.scored)
    assert merge_runs([run]) is run
