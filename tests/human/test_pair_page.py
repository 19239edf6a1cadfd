"""What a page to compare on shows, and what its file says."""

import json
from dataclasses import replace
from typing import Any

import pytest

from harness.errors import InputError, RatingError
from harness.human.page import PageFile, read_page_file
from harness.human.pair_page import PairPage, page_pair_ratings, pair_page, refuse_changed_pairs
from harness.types import Sample
from tests.human.test_pair_draw import ANSWERS, BASE, drawn

SAMPLES = {("t", str(n)): Sample(id=str(n), inputs={"input": f"問{n}"}, criteria="- 基準") for n in range(12)}
EXPORT = drawn()
PAGE: PairPage = pair_page(EXPORT, "1", SAMPLES)


def file_of(*ratings: dict[str, Any], page: PairPage = PAGE, scale: list[Any] | None = None) -> PageFile:
    text = json.dumps(
        {"format": "harness ratings", "schema": 1, "tag": page.tag, "rater": page.rater, "page": page.digest,
         "scale": scale or [0, 1, 0.5], "ratings": list(ratings)}
    )  # fmt: skip
    return read_page_file(text, "f.json")


def test_a_page_shows_no_name() -> None:
    """Task, both answers and criteria; the digest covers all of it."""
    item, shown = EXPORT.of("1")[0], PAGE.items[0]
    assert (shown.first, shown.second) == (
        ANSWERS["t", item.sample_id, item.first], ANSWERS["t", item.sample_id, item.second],
    )  # fmt: skip
    assert shown.criteria == "- 基準"
    assert PAGE.digest != pair_page(EXPORT, "2", SAMPLES).digest
    turned = replace(PAGE, items=(replace(shown, first=shown.second, second=shown.first), *PAGE.items[1:]))
    assert turned.digest != PAGE.digest


def test_verdicts_come_back_with_model_and_order() -> None:
    """The first of the page is the first of the rating; skips have their reason, comments alone wait."""
    items = EXPORT.of("1")
    file = file_of(
        {"item": items[0].id, "score": 1, "comment": "明快"},
        {"item": items[1].id, "score": 0.5},
        {"item": items[2].id, "skip": "cannot_judge"},
        {"item": items[3].id, "comment": "あとで"},
    )
    found = page_pair_ratings(file, PAGE, EXPORT, path="f.json")
    assert [one.share for one in found.values()] == [1, 0.5, None]
    assert [(one.first, one.second) for one in found.values()] == [(one.first, one.second) for one in items[:3]]
    assert [one.rater for one in found.values()] == ["1"] * 3
    assert (found[items[0].id].comment, found[items[2].id].skip) == ("明快", "cannot_judge")


@pytest.mark.parametrize(
    ("rating", "said"),
    [
        ({"item": "xxxxx", "score": 1}, "no item"),
        ({"item": EXPORT.of("1")[0].id, "score": 0.7}, "no verdict of A, B or tie"),
        ({"item": EXPORT.of("1")[0].id, "score": 1, "skip": "other"}, "no verdict of A, B or tie"),
        ({"item": EXPORT.of("1")[0].id, "skip": "tired"}, "none of"),
    ],
)
def test_what_no_page_writes_is_refused(rating: dict[str, Any], said: str) -> None:
    """By the item's name."""
    with pytest.raises(InputError, match=said):
        page_pair_ratings(file_of(rating), PAGE, EXPORT, path="f.json")


def test_an_item_that_is_there_twice_is_refused() -> None:
    """Which of the two counts is not guessed."""
    rating = {"item": EXPORT.of("1")[0].id, "score": 1}
    with pytest.raises(InputError, match="twice"):
        page_pair_ratings(file_of(rating, rating), PAGE, EXPORT, path="f.json")


def test_another_page_is_refused() -> None:
    """Other answers, another scale."""
    rating = {"item": EXPORT.of("1")[0].id, "score": 1}
    for file in (file_of(rating, page=replace(PAGE, items=PAGE.items[1:])), file_of(rating, scale=[1, 5, 1])):
        with pytest.raises(RatingError, match="another page"):
            page_pair_ratings(file, PAGE, EXPORT, path="f.json")


def test_answers_that_changed_since_are_named() -> None:
    """By item and task."""
    refuse_changed_pairs(EXPORT, ANSWERS, file_of(), path="f.json", run="r")
    with pytest.raises(RatingError, match=r"other answers now .*\(t: 3\)"):
        refuse_changed_pairs(EXPORT, {**ANSWERS, ("t", "3", BASE): "new"}, file_of(), path="f.json", run="r")
