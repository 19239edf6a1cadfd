"""What a served page may send: every rating can be kept as it is, or the whole message is refused."""

import json
from typing import Any

import pytest

from harness.errors import InputError, RatingError
from harness.human.page import rating_page
from harness.human.sent import LONGEST_COMMENT, KeptRating, as_page_file, read_sent
from harness.types import LIKERT_5
from tests.human.drawn_sheets import BY_ID, drawn

PAGE = rating_page(drawn(), "1", BY_ID, LIKERT_5)
FIRST, SECOND = (item.id for item in PAGE.items[:2])


def message(*ratings: dict[str, Any], page: str = PAGE.digest) -> str:
    return json.dumps({"page": page, "ratings": ratings})


def test_a_message_is_read() -> None:
    """A score, a skip with a comment, and one that was taken back."""
    sent = read_sent(
        message({"item": FIRST, "score": 4}, {"item": SECOND, "skip": "other", "comment": "=1", "after": 2}), PAGE
    )
    assert [(4.0, None, 0), (None, "other", 2)] == [(one.score, one.skip, one.after) for one in sent.ratings]
    assert () == read_sent(message(), PAGE).ratings


@pytest.mark.parametrize(
    ("rating", "said"),
    [
        ({"item": FIRST, "score": 6}, "not on the 1-5 scale"),
        ({"item": FIRST, "score": 3.5}, "not on the 1-5 scale"),
        ({"item": FIRST, "score": 1e999}, "not on the 1-5 scale"),
        ({"item": FIRST, "score": 3, "skip": "other"}, "has a score and was skipped"),
        ({"item": FIRST, "skip": "<b>"}, "none of cannot_judge"),
        ({"item": "../../x"}, "no item '../../x' was on this page"),
        ({"item": FIRST, "comment": "あ" * (LONGEST_COMMENT + 1)}, "longer than 2000 characters"),
        ({"item": FIRST, "rater": "2"}, "no such key"),
        ({"score": 3}, "item"),
        ({"item": FIRST, "after": "x"}, "after"),
    ],
)
def test_what_cannot_be_kept_is_refused(rating: dict[str, Any], said: str) -> None:
    """Also where the same message holds a good one; NaN and infinity are on no scale."""
    with pytest.raises(InputError) as refused:
        read_sent(message({"item": SECOND, "score": 3}, rating), PAGE)
    assert said in str(refused.value)


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '{"page": "x"}', "[" * 100_000, '{"page":1,"ratings":[]}'])
def test_what_is_no_message_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        read_sent(text, PAGE)


def test_another_page_is_refused_by_itself() -> None:
    """The browser tells its rater to open the link again."""
    with pytest.raises(RatingError, match="other tasks or answers"):
        read_sent(message(page="0" * 64), PAGE)
    with pytest.raises(InputError, match="there twice"):
        read_sent(message({"item": FIRST}, {"item": FIRST}), PAGE)


def test_what_was_kept_becomes_the_file_of_its_page() -> None:
    """What was taken back is not in it; a comment alone is."""
    common = {"page": PAGE.digest, "tag": PAGE.tag, "rater": "1", "number": 1, "date": "d"}
    kept = [
        KeptRating(item=FIRST, score=None, skip=None, comment=None, **common),
        KeptRating(item=SECOND, score=None, skip=None, comment="？", **common),
    ]
    file = as_page_file(kept, LIKERT_5)
    assert [(SECOND, "？")] == [(one.item, one.comment) for one in file.ratings]
    assert (PAGE.digest, "1", (1, 5, 1)) == (file.page, file.rater, file.scale)
