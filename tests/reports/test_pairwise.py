"""What judges of pairs say, as it is shown and as data."""

import json

import pytest

from harness.analysis.pairwise import PairBoard
from reports.pairwise import pair_view, pairs_markdown, pairwise_section
from reports.wording import words
from tests.analysis.test_pairwise import BASE, A, board, both


def mixed() -> PairBoard:
    shares = {}
    for sample in range(12):
        shares |= both(sample, float(sample < 9), float(sample < 8))
    return board(shares, n=12)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_word_is_there_in_both_languages(language: str) -> None:
    """Title, table, place, method and strengths; nothing is left unfilled."""
    (text,) = pairs_markdown([mixed()], words(language))  # type: ignore[arg-type]
    assert "{" not in text
    assert "70.8 %" in text
    assert "8/1/3" in text
    assert text.startswith("## t")


def test_what_is_shown_is_what_was_computed() -> None:
    """To one digit of a percent, with the p-value that is corrected."""
    found = mixed()
    view = pair_view(found, words("en"))
    (row,) = view.comparisons.rows
    rate = found.comparisons[0].rate.estimate
    assert [cell.text for cell in row][:5] == [
        "a", "base", f"{rate.value * 100:.1f} %", f"{rate.low * 100:.1f} – {rate.high * 100:.1f} %", "8/1/3",
    ]  # fmt: skip
    assert "1 of 12 pairs got another verdict" in view.notes[0]


def test_a_judge_that_prefers_a_place_is_cautioned() -> None:
    """With the size of it; one that does not is not."""
    biased = {}
    for sample in range(60):
        biased |= both(sample, 1.0, float(sample % 3 == 0))
    view = pair_view(board(biased, n=60), words("en"))
    assert view.caution.startswith("this judge prefers the answer shown first, by 33 points")
    assert pair_view(mixed(), words("en")).caution == ""


def test_a_winner_of_everything_has_no_strength_and_is_named() -> None:
    """The table says so in words, and the figure is null."""
    shares = {}
    for sample in range(8):
        shares |= both(sample, 1.0, 1.0)
    found = board(shares, n=8)
    view = pair_view(found, words("en"))
    assert any("No strength" in note for note in view.notes)
    assert [one["value"] for one in pairwise_section([found])[0]["strengths"]] == [None, None]


def test_the_section_is_plain_and_unrounded() -> None:
    """As results.json needs it: no NaN, every figure under its name."""
    (section,) = pairwise_section([mixed()])
    assert json.loads(json.dumps(section, allow_nan=False)) == section
    (one,) = section["comparisons"]
    assert (one["candidate"]["model"], one["opponent"]["model"]) == (A.model, BASE.model)
    assert one["win_rate"] == pytest.approx(17 / 24)
    assert (one["wins"], one["ties"], one["losses"], one["n"]) == (8, 1, 3, 12)
    assert section["position"]["pairs"] == 12
    assert [row["model"] for row in section["strengths"]] == ["a", "base"]


def test_missing_verdicts_are_counted_with_their_reason() -> None:
    """In the section by code, in the text in words."""
    found = board({("0", A, BASE): None, ("0", BASE, A): None}, n=1)
    (section,) = pairwise_section([found])
    assert section["n_unscored"] == 2
    (text,) = pairs_markdown([found], words("en"))
    assert "missing (2)" in text
    assert "2 × no JSON" in text
