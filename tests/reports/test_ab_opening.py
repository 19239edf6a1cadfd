"""How an A/B run opens: with the prompts, not with the rows."""

from dataclasses import replace

from harness.types import Declaration
from reports.ab_opening import ab_openings
from reports.wording import words
from tests.reports.conftest import ab_report
from tests.reports.test_ab import made

EN = words("en")


def test_the_best_prompt_opens_with_its_effect_and_what_it_is_worth_without_luck() -> None:
    """The two numbers are those of the record; the tasks that differ most come first to read."""
    [test] = ab_report().ab
    [found] = ab_openings([test], Declaration(), EN)
    assert test.choice is not None
    assert test.choice.gain is not None
    assert test.choice.cross_fitted is not None
    assert [f"{test.choice.gain:+.2f}", f"{test.choice.cross_fitted:+.2f}"] == [one.value for one in found.numbers]
    assert [apart.sample.id for apart in test.apart] == [key for key, _ in found.steps[0].tasks]
    assert ["plain.v1", "mine"] == [row.prompt for row in found.read]
    assert found.picture is not None
    assert ["better", "muted"] == [bar.tone for bar in found.picture.bars]


def test_only_tests_that_claims_come_from_open_a_report() -> None:
    """An exploratory one is in its tab."""
    assert [] == ab_openings([replace(made({"plain.v1": 0, "mine": 1}), is_primary=False)], Declaration(), EN)
