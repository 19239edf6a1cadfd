"""The judges tab: what each judge gave, in words and as bars, and how alike two of them are."""

from xml.etree import ElementTree as ET

from reports.judge_cards import judge_cards
from reports.wording import words
from tests.reports.conftest import SCORES, small_report


def test_a_card_counts_the_scores_that_were_given() -> None:
    """By hand: 23 scores of the first judge; the bars are as many as the levels, each with its share in words."""
    [found] = judge_cards(small_report(), words("en"))
    card = found["cards"][0]
    given = [score for scores in SCORES.values() for score in scores if score is not None]
    assert [f"{given.count(level) / len(given):.0%}".replace("%", " %") for level in range(1, 6)] == [
        share for _, share in card["levels"]
    ]
    bars = list(ET.fromstring(card["picture"]).iter("rect"))
    heights = [float(str(bar.get("height"))) for bar in bars]
    assert heights.index(max(heights)) == max(range(5), key=lambda place: given.count(place + 1))


def test_judges_of_unlike_scales_are_compared_by_rank_alone() -> None:
    """A mean of 1 to 5 and a share of checks do not agree or disagree in points."""
    [found] = judge_cards(small_report(), words("en"))
    assert ([], 1) == (found["pairs"], len(found["rankings"]))
