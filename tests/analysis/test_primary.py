"""Which board verdicts come from."""

import pytest

from harness.analysis.primary import Primary, primary_of
from harness.engine.plan import PlannedJudge
from harness.types import LIKERT_5, Declaration


def judges(**kinds: str) -> list[PlannedJudge]:
    """Return judges by name with their kinds."""
    return [PlannedJudge(name=name, fingerprint=name, scale=LIKERT_5, kind=kind) for name, kind in kinds.items()]


ALL = {"rules": "checks", "first": "quality", "second": "quality", "people": "human"}


@pytest.mark.parametrize(
    ("kinds", "judge"),
    [
        (ALL, "first"),
        ({"rules": "checks", "reference": "similarity"}, "rules"),
        ({"people": "human", "second": "quality"}, "second"),
    ],
)
def test_the_default_is_the_first_that_measures_quality(kinds: dict[str, str], judge: str) -> None:
    """Else the first judge; nobody declared it."""
    assert Primary(judge=judge, task="t", declared=False, late=False) == primary_of(
        Declaration(), judges(**kinds), ["t"]
    )


def test_a_declared_judge_is_primary_on_every_task_set() -> None:
    """Of several task sets each has a primary board, unless one is named."""
    found = primary_of(Declaration(primary="rules"), judges(**ALL), ["t", "u"])
    assert found == Primary(judge="rules", task=None, declared=True, late=False)
    assert found.holds("t", "rules")
    assert found.holds("u", "rules")
    assert not found.holds("u", "first")
    one = primary_of(Declaration(primary_task="u"), judges(**ALL), ["t", "u"])
    assert one == Primary(judge="first", task="u", declared=True, late=False)
    assert one.holds("u", "first")
    assert not one.holds("t", "first")


def test_what_the_run_does_not_have_leaves_the_default() -> None:
    """A judge that may join later, a task set of another command."""
    asked = Declaration(primary="gemini", primary_task="elsewhere", late={"primary": None})
    assert Primary(judge="first", task=None, declared=False, late=False) == primary_of(asked, judges(**ALL), ["t", "u"])


def test_late_is_said_of_what_was_named_late() -> None:
    """Named after its scores were there; something else that was late does not count."""
    late = primary_of(Declaration(primary="rules", late={"primary": "first"}), judges(**ALL), ["t"])
    assert late is not None
    assert late.late
    early = primary_of(Declaration(primary="rules", margin=1.0, late={"margin": 0.3}), judges(**ALL), ["t"])
    assert early is not None
    assert not early.late


def test_without_judges_nothing_is_primary() -> None:
    """A run whose judges were all left out."""
    assert primary_of(Declaration(), [], ["t"]) is None
