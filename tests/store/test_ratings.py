"""What raters send, in the store: kept once, never overwritten by a device that did not know of it."""

from harness.human.page import rating_page
from harness.human.sent import SentRating, SentRatings
from harness.store.ratings import keep_ratings, kept_ratings, override_ratings
from harness.store.store import Store
from harness.types import LIKERT_5
from tests.human.drawn_sheets import BY_ID, drawn
from tests.human.test_remaining import rated

EXPORT = drawn()
PAGE = rating_page(EXPORT, "1", BY_ID, LIKERT_5)
OTHER = rating_page(EXPORT, "2", BY_ID, LIKERT_5)
ITEM, NEXT = (item.id for item in PAGE.items[:2])


def sent(*ratings: SentRating) -> SentRatings:
    return SentRatings(page=PAGE.digest, ratings=ratings)


def test_what_was_kept_is_there_for_another_process(store: Store) -> None:
    """Numbers count up per item; a second rater's page is apart; nothing is there before anything was sent."""
    assert () == kept_ratings(store, [PAGE.tag])
    keep_ratings(store, PAGE, sent(SentRating(item=ITEM, score=4), SentRating(item=NEXT, skip="other")), date="1")
    now = keep_ratings(store, PAGE, sent(SentRating(item=ITEM, score=2, comment="\ud800", after=1)), date="2")
    assert [(ITEM, 2)] == [(one.item, one.number) for one in now.saved]
    keep_ratings(store, OTHER, SentRatings(page=OTHER.digest, ratings=()), date="3")
    with Store(store.url, read_only=True) as again:
        kept = {
            one.item: (one.score, one.skip, one.comment, one.rater, one.date) for one in kept_ratings(again, [PAGE.tag])
        }
    assert {ITEM: (2.0, None, "\ud800", "1", "2"), NEXT: (None, "other", None, "1", "1")} == kept
    assert () == kept_ratings(store, ["zzzz"])


def test_sent_again_it_is_the_same(store: Store) -> None:
    """An acknowledgement may be lost on its way: the page sends once more, and nothing changes."""
    one = sent(SentRating(item=ITEM, score=4))
    first, again = (keep_ratings(store, PAGE, one, date=date) for date in "12")
    assert first == again


def test_the_last_word_of_another_device_stays(store: Store) -> None:
    """One device rated 4 while another, that was offline, says 1 without knowing of it; then it does know."""
    keep_ratings(store, PAGE, sent(SentRating(item=ITEM, score=4)), date="1")
    refused = keep_ratings(store, PAGE, sent(SentRating(item=ITEM, score=1), SentRating(item=NEXT, score=3)), date="2")
    assert ([4.0], [NEXT]) == ([one.score for one in refused.others], [one.item for one in refused.saved])
    now = keep_ratings(store, PAGE, sent(SentRating(item=ITEM, score=1, after=1)), date="3")
    assert [(1.0, 2)] == [(one.score, one.number) for one in now.saved]
    taken_back = keep_ratings(store, PAGE, sent(SentRating(item=ITEM, after=2)), date="4").saved
    assert [True] == [one.is_empty for one in taken_back]


def test_a_file_that_was_imported_counts_from_then_on(store: Store) -> None:
    """Of items that were sent; others stay out of the table."""
    keep_ratings(store, PAGE, sent(SentRating(item=ITEM, score=5)), date="1")
    override_ratings(store, rated(EXPORT, {0, 1}))
    assert [(ITEM, 3.0, 2)] == [(one.item, one.score, one.number) for one in kept_ratings(store, [PAGE.tag])]
