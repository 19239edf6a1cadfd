"""How a report opens: the verdict, two numbers and the picture say what the board says."""

import pytest

from reports.opening import MOST_BARS, Opening, openings
from reports.run_view import Report
from reports.wording import LANGUAGES, Language, words
from tests.reports.conftest import small_report
from tests.reports.test_gaps import made
from tests.reports.test_verdict import HIGH, LOW, leaderboard

EN = words("en")


def opened(*scores: list[float], language: Language = "en") -> Opening:
    board, table = made({f"m{place}": one for place, one in enumerate(scores)})
    report = Report(leaderboard=board, tables=(table,), answers=(), prompts=(), provenance={})
    [found] = openings(report, words(language))
    return found


def test_one_comparison_opens_with_its_difference_and_the_chance_of_its_sign() -> None:
    """The sentence is the verdict's; the numbers are those of the comparison; the bar is its interval."""
    found = opened(LOW, HIGH)
    [board] = leaderboard(LOW, HIGH).boards
    [pair] = board.comparisons
    assert found.verdict.startswith("m1 is better than the baseline m0: +2.50 (")
    assert ["+2.50", ">99 %"] == [number.value for number in found.numbers]
    assert found.picture is not None
    [bar] = found.picture.bars
    assert (2.5, pair.result.simultaneous.low, "better", 0.0, board.margin) == (
        bar.value, bar.low, bar.tone, found.picture.zero, found.picture.margin,
    )  # fmt: skip


def test_several_comparisons_are_counted_and_many_bars_are_cut_aloud() -> None:
    """How many are better; of more rows than fit, how many are not drawn."""
    found = opened(LOW, *[HIGH] * (MOST_BARS + 3))
    assert f"{MOST_BARS + 3} / {MOST_BARS + 3}" == found.numbers[0].value
    assert found.picture is not None
    assert (MOST_BARS, "and 3 more rows in the leaderboard") == (len(found.picture.bars), found.picture.more)
    assert all("would decide" not in line for line in found.details)


def test_a_row_alone_opens_with_its_mean() -> None:
    """Nothing is compared: the mean, how many tasks it rests on, and no zero in the picture."""
    found = opened(HIGH)
    assert ("m0 stands alone: there is nothing to compare it with yet.", "4.12") == (
        found.verdict,
        found.numbers[0].value,
    )
    assert "8 / 8" == found.numbers[1].value
    assert found.picture is not None
    assert found.picture.zero is None


def test_what_is_open_says_what_would_decide_once() -> None:
    """Among the next steps, and not in the verdict too."""
    found = opened([1.0, 2.0, 3.0, 3.0] * 3, [2.0, 1.0, 3.0, 2.0] * 3)
    assert found.verdict.startswith("Undecided: ")
    assert 1 == sum("would decide it" in text for text in (found.verdict, *(step.text for step in found.steps)))


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_it_cannot_tell_names_the_judge_only_where_it_is_no_person(language: Language) -> None:
    """Resolution and estimand always; a language model's scores are said to be no people's."""
    [found] = openings(small_report(), words(language))
    assert any("harness rate" in line for line in found.unknown)
    assert len(found.unknown) >= 3
    assert 2 == len(found.read)
