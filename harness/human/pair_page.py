"""The page on which one rater compares two answers at a time, and what the file that it gives back says. Pure.

The file is that of a page to rate on (`harness.human.page`), with a scale of three: 1, the first is better; 0.5, a tie;
0, the second is.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from harness.codec import digest
from harness.errors import InputError, RatingError
from harness.human.draw import Answers
from harness.human.page import PageFile, check_skip
from harness.human.pair_draw import PairExport, PairItemShown
from harness.locale import tr
from harness.pairs.answer_pair import PAIR_SCALE
from harness.pairs.planned import PairRating
from harness.types import Sample

SCHEMA = 1
SCALE = (PAIR_SCALE.low, PAIR_SCALE.high, PAIR_SCALE.step)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairPageItem:
    """Two answers as a page shows them; the id says nothing of whose they are."""

    id: str
    input: str
    first: str
    second: str
    reference: str | None
    criteria: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PairPage:
    """All that one rater's page shows; ``tag`` is the draw's."""

    tag: str
    rater: str
    items: tuple[PairPageItem, ...]

    @property
    def digest(self) -> str:
        """The sha256 of what the page shows, in hex."""
        return digest(["pairs", SCHEMA, self.tag, self.rater, self.items])


def pair_page(export: PairExport, rater: str, samples: Mapping[tuple[str, str], Sample]) -> PairPage:
    """Return a rater's page; ``samples`` are by task name and id, and ``export`` has the answers' texts."""
    items = []
    for item in export.of(rater):
        sample = samples[item.task, item.sample_id]
        first, second = (export.texts[one] for one in item.answers)
        items.append(
            PairPageItem(
                id=item.id,
                input=sample.input,
                first=first,
                second=second,
                reference=sample.reference,
                criteria=sample.criteria,
            )
        )
    return PairPage(tag=export.tag, rater=rater, items=tuple(items))


def refuse_changed_pairs(export: PairExport, answers: Answers, file: PageFile, *, path: str, run: str) -> None:
    """Refuse a file whose rater saw answers that the run no longer has.

    Raises:
        RatingError: an answer is another now.
    """
    for item in export.of(file.rater):
        texts = [answers.get((item.task, item.sample_id, row)) for row in (item.first, item.second)]
        now = tuple(None if text is None else digest(text) for text in texts)
        if now != item.answers:
            raise RatingError(
                tr(
                    "{path}: the run {run!r} has other answers now than rater {rater} saw: {listed}.",
                    path=path,
                    run=run,
                    rater=file.rater,
                    listed=f"{item.id} ({item.task}: {item.sample_id})",
                ),
                hint=tr(
                    "The run was changed after its pages were made. Write new pages: harness rate page {name} --pairs",
                    name=run,
                ),
            )


def page_pair_ratings(file: PageFile, page: PairPage, export: PairExport, *, path: str) -> dict[str, PairRating]:
    """Return the ratings in a file by item: what was compared or skipped; the rest waits.

    ``page`` is the rater's page as the run makes it now.

    Raises:
        RatingError: the rater saw something else.
        InputError: an item is unknown or there twice, a verdict is none of three, or a reason is unknown.
    """
    if file.page != page.digest or file.scale != SCALE:
        raise RatingError(
            tr("{path}: rater {rater} saw another page than the run has now.", path=path, rater=file.rater),
            hint=tr("Ask for the file that belongs to this run."),
        )
    items = {item.id: item for item in export.of(file.rater)}
    found: dict[str, PairRating] = {}
    for rating in file.ratings:
        if rating.item not in items:
            raise InputError(tr("no item {shown} was on this page", shown=repr(rating.item[:40])), path=path)
        if rating.item in found:
            raise InputError(tr("item {id!r} is there twice", id=rating.item), path=path)
        if rating.score is None and rating.skip is None:
            continue
        if rating.score is not None and (rating.skip is not None or not PAIR_SCALE.allows(rating.score)):
            raise InputError(tr("item {id!r} has no verdict of A, B or tie", id=rating.item), path=path)
        if rating.skip is not None:
            check_skip(rating.item, rating.skip, path)
        found[rating.item] = _rating(items[rating.item], rating.score, rating.skip, rating.comment)
    return found


def _rating(item: PairItemShown, share: float | None, skip: str | None, comment: str | None) -> PairRating:
    return PairRating(
        task=item.task,
        task_id=item.sample_id,
        first=item.first,
        second=item.second,
        share=share,
        rater=item.rater,
        skip=skip,
        comment=comment or None,
    )
