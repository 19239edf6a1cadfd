"""The verdicts of a run now: the better one counts, and none is lost."""

from dataclasses import replace

import pytest

from harness.errors import HarnessError
from harness.runs.run import Run
from harness.runs.verdicts import refuse_losing, verdicts_now
from harness.store.store import Store
from harness.types import Verdict


def test_what_a_store_has_lost_is_not_replaced_by_less(run: Run) -> None:
    """Another judge's scores that are gone end the command; its own may be fewer."""
    poorer = replace(run, verdicts={})
    with pytest.raises(HarnessError, match="no longer holds 5 of the scores that 'reference' gave"):
        refuse_losing(poorer, run.manifest, ["rules"])
    refuse_losing(poorer, run.manifest, ["reference"])


def test_the_better_verdict_counts(run: Run) -> None:
    """Where this command failed and another had a score, the score stands; a score of its own is not looked up."""
    first, second, *_ = run.items
    failed, own = Verdict.failed("late"), Verdict.scored(0.25)
    with Store(run.manifest.store) as store:
        found = verdicts_now(run.items, {first.key: failed, second.key: own}, store)
    assert run.verdicts | {second.key: own} == found
