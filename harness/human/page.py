"""The page that one rater rates on: what it shows, and the small file that it gives back. Pure.

A page shows the same items in the same order as the rater's sheet would, and carries a digest of all that it shows: a
file that comes back says by it what its rater has seen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from harness.codec import decode, digest
from harness.errors import InputError, RatingError
from harness.human.draw import Answers, Export, rating_of, tag_of_item
from harness.human.ratings import SKIPS, Item, Rating, ReadScore, skipped
from harness.locale import tr
from harness.types import Sample, Scale

SCHEMA: Literal[1] = 1
MOST_POINTS = 21
"""Points of a scale that are offered one by one; on a finer scale the score is typed."""

_LISTED = 5
_STRICT = {"extra": "forbid"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PageItem:
    """One answer as a page shows it. ``id`` is that of the draw, and says nothing of whose answer it is."""

    id: str
    input: str
    answer: str
    reference: str | None
    criteria: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingPage:
    """All that one rater's page shows; ``tag`` is the draw's."""

    tag: str
    rater: str
    scale: Scale
    items: tuple[PageItem, ...]

    @property
    def digest(self) -> str:
        """The sha256 of what the page shows, in hex; the language of its own words is no part of it."""
        return digest([SCHEMA, self.tag, self.rater, self.scale, self.items])


def scale_points(scale: Scale) -> tuple[float, ...]:
    """Return the points of a scale, or none if there are too many to choose from.

    >>> scale_points(Scale(low=1, high=2, step=0.5)), scale_points(Scale(low=0, high=100, step=1))
    ((1.0, 1.5, 2.0), ())
    """
    steps = MOST_POINTS if scale.step is None else round((scale.high - scale.low) / scale.step)
    if scale.step is None or steps >= MOST_POINTS:
        return ()
    return tuple(round(scale.low + scale.step * place, 9) for place in range(steps + 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRating:
    """What a rater did with one item: a score, or why it was skipped, or neither and only a comment."""

    __pydantic_config__ = _STRICT
    item: str
    score: float | None = None
    skip: str | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFile:
    """The file that a page gives back. ``page`` is the digest of what its rater saw; unrated items are left out."""

    __pydantic_config__ = _STRICT
    format: Literal["harness ratings"]
    schema: Literal[1]
    tag: str
    rater: str
    page: str
    scale: tuple[float, float, float | None]
    ratings: tuple[PageRating, ...]


def rating_page(
    export: Export, rater: str, samples: Mapping[tuple[str, str], Sample], scale: Scale, tag: str | None = None
) -> RatingPage:
    """Return a rater's page of one draw, or else of the newest of an export, which has the answers' texts.

    ``samples`` are by task name and id.
    """
    items, tag = [], tag or export.draw.tag
    for item in export.of(rater, tag):
        sample = samples[item.task, item.sample_id]
        items.append(
            PageItem(
                id=item.id,
                input=sample.input,
                answer=export.texts[item.answer],
                reference=sample.reference,
                criteria=sample.criteria,
            )
        )
    return RatingPage(tag=tag, rater=rater, scale=scale, items=tuple(items))


def read_page_file(text: str, path: str) -> PageFile:
    """Return the file that a page gave back.

    Raises:
        InputError: it is no such file; the message names what is missing or wrong.
    """
    return decode(PageFile, text, where=path)


def with_texts(export: Export, answers: Answers) -> Export:
    """Return an export that was read from its key, with the answers that its run has now; see `changed_items`."""
    return replace(export, texts={digest(text): text for text in answers.values()})


def changed_items(export: Export, answers: Answers) -> list[Item]:
    """Return the items whose answer is no longer what it was when they were drawn, for any of the rows they stand for.

    ``answers`` are the first answers by task, sample id and row, as `first_answers` finds them in the run.
    """

    def holds(item: Item) -> bool:
        texts = [answers.get((item.task, item.sample_id, row)) for row in item.rows]
        return all(text is not None and digest(text) == item.answer for text in texts)

    return [item for item in export.items if not holds(item)]


def page_ratings(file: PageFile, page: RatingPage, export: Export, *, path: str, run: str) -> list[Rating]:
    """Return the ratings in a file, of the items that were rated or skipped; the others wait.

    ``page`` is the rater's page as the run makes it now.

    Raises:
        RatingError: the run no longer holds what the rater saw, or rates on another scale.
        InputError: an item is unknown or there twice; a score is off the scale or beside a skip; a reason is unknown.
    """
    _refuse_other_scale(file, page.scale, path)
    if file.page != page.digest:
        raise RatingError(
            tr(
                "{path}: rater {rater} saw other tasks or answers than the run {run!r} holds now.",
                path=path,
                rater=file.rater,
                run=run,
            ),
            hint=_write_anew(run),
        )
    items = {item.id: item for item in export.of(file.rater, file.tag)}
    seen: set[str] = set()
    ratings = []
    for line, rating in enumerate(file.ratings, start=1):
        if rating.item not in items:
            raise InputError(tr("no item {shown} was on this page", shown=repr(rating.item[:40])), path=path)
        if rating.item in seen:
            raise InputError(tr("item {id!r} is there twice", id=rating.item), path=path)
        seen.add(rating.item)
        if rating.score is None and rating.skip is None and not (rating.comment or "").strip():
            continue
        found = read_rating(rating, page.scale, path)
        ratings.append(rating_of(items[rating.item], found, line=line, comment=rating.comment, skip=rating.skip))
    return ratings


def refuse_changed(changed: Sequence[Item], file: PageFile, *, path: str, run: str) -> None:
    """Refuse a file whose rater saw answers that the run no longer has, by their names.

    Raises:
        RatingError: ``changed`` holds items of this rater.
    """
    own = [item for item in changed if item.rater == file.rater and tag_of_item(item.id) == file.tag]
    if not own:
        return
    listed = ", ".join(f"{item.id} ({item.task}: {item.sample_id})" for item in own[:_LISTED])
    if len(own) > _LISTED:
        listed = tr("{listed} and {n} more", listed=listed, n=len(own) - _LISTED)
    raise RatingError(
        tr(
            "{path}: the run {run!r} has other answers now than rater {rater} saw: {listed}.",
            path=path,
            run=run,
            rater=file.rater,
            listed=listed,
        ),
        hint=_write_anew(run),
    )


def _write_anew(run: str) -> str:
    return tr("The run was changed after its pages were made. Write new pages: harness rate page {name}", name=run)


def _refuse_other_scale(file: PageFile, scale: Scale, path: str) -> None:
    if file.scale != (scale.low, scale.high, scale.step):
        low, high, step = file.scale
        raise RatingError(
            tr(
                "{path}: the page's scale is {theirs} in steps of {their_step}, [judges.human] says {ours} in steps of "
                "{our_step}.",
                path=path,
                theirs=f"{low:g}-{high:g}",
                their_step=step,
                ours=str(scale),
                our_step=scale.step,
            ),
            hint=tr("Set scale and step in harness.toml as they were when the pages were made."),
        )


def check_skip(item: str, reason: str, path: str) -> None:
    """Refuse a reason for skipping that no page offers.

    Raises:
        InputError: it is unknown.
    """
    if reason not in SKIPS:
        raise InputError(
            tr(
                "item {id!r} was skipped for {reason!r}, which is none of {known}",
                id=item,
                reason=reason[:40],
                known=", ".join(SKIPS),
            ),
            path=path,
        )


def read_rating(rating: PageRating, scale: Scale, path: str) -> ReadScore:
    """Return what a page says of one item.

    Raises:
        InputError: the score is off the scale or beside a skip, or the reason is unknown.
    """
    if rating.skip is not None:
        check_skip(rating.item, rating.skip, path)
        if rating.score is not None:
            raise InputError(tr("item {id!r} has a score and was skipped", id=rating.item), path=path)
        return ReadScore(score=None, problem=skipped(rating.skip), cell="")
    if rating.score is not None and not scale.allows(rating.score):
        raise InputError(
            tr(
                "score {score:g} of item {item!r} is not on the {scale} scale, {step} apart",
                score=rating.score,
                item=rating.item,
                scale=str(scale),
                step=scale.step,
            ),
            path=path,
        )
    return ReadScore(
        score=rating.score,
        problem=None if rating.score is not None else skipped(None),
        cell="" if rating.score is None else f"{rating.score:g}",
    )
