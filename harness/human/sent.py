"""What the page sends while a rater works, and what is made of it: checked as a page's file is, item by item. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.codec import decode
from harness.errors import InputError, RatingError
from harness.human.page import SCHEMA, PageFile, PageRating, RatingPage, read_rating
from harness.locale import tr
from harness.types import Scale

LONGEST_COMMENT = 2000
"""Characters of a comment that the page lets a rater write."""

_STRICT = {"extra": "forbid"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SentRating:
    """What a rater says of one item now: a score, a reason for skipping, a comment, or nothing any more.

    ``after``: the number of the item's rating that this page last saw, 0 for none. What another device has said since
    is not overwritten by what this one did not know of.
    """

    __pydantic_config__ = _STRICT
    item: str
    score: float | None = None
    skip: str | None = None
    comment: str | None = None
    after: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SentRatings:
    """One message of a page; ``page`` is the digest of what its rater sees."""

    __pydantic_config__ = _STRICT
    page: str
    ratings: tuple[SentRating, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRating:
    """A rating as the store has it. ``number``: how often this item was rated, from 1; ``date``: when it was last."""

    page: str
    tag: str
    rater: str
    item: str
    score: float | None
    skip: str | None
    comment: str | None
    number: int
    date: str

    @property
    def is_empty(self) -> bool:
        """Whether the rater has taken back all that was said."""
        return self.score is None and self.skip is None and not (self.comment or "").strip()


def read_sent(text: str, page: RatingPage) -> SentRatings:
    """Return a message of a rater's page, of which every rating can be kept as it is.

    Raises:
        RatingError: it comes from a page that shows something else.
        InputError: it is no such message, an item is unknown or there twice, or a score is off the scale.
    """
    where = "page"
    sent = decode(SentRatings, text, where=where)
    if sent.page != page.digest:
        raise RatingError(
            tr("The page shows other tasks or answers than the run holds now."),
            hint=tr("Open the link again. What was rated on the old page can be saved as a file there."),
        )
    known = {item.id for item in page.items}
    seen: set[str] = set()
    for rating in sent.ratings:
        if rating.item not in known:
            raise InputError(tr("no item {shown} was on this page", shown=repr(rating.item[:40])), path=where)
        if rating.item in seen:
            raise InputError(tr("item {id!r} is there twice", id=rating.item), path=where)
        seen.add(rating.item)
        if len(rating.comment or "") > LONGEST_COMMENT:
            raise InputError(
                tr("the comment on item {id!r} is longer than {n} characters", id=rating.item, n=LONGEST_COMMENT),
                path=where,
            )
        read_rating(_plain(rating), page.scale, where)
    return sent


def _plain(rating: SentRating) -> PageRating:
    return PageRating(item=rating.item, score=rating.score, skip=rating.skip, comment=rating.comment)


def as_page_file(kept: Sequence[KeptRating], scale: Scale) -> PageFile:
    """Return what was kept of one page as the file that it would have saved; what was taken back is left out."""
    first = kept[0]
    return PageFile(
        format="harness ratings",
        schema=SCHEMA,
        tag=first.tag,
        rater=first.rater,
        page=first.page,
        scale=(scale.low, scale.high, scale.step),
        ratings=tuple(
            PageRating(item=one.item, score=one.score, skip=one.skip, comment=one.comment)
            for one in kept
            if not one.is_empty
        ),
    )
