"""What is said of a rating: how far it is, what it lacks, and what people would say so far."""

from collections.abc import Sequence

from harness.analysis.people_so_far import RatingState
from harness.cli.say import said
from harness.cli.table import table
from harness.human.draw import Export
from harness.human.ratings import Rating
from harness.human.remaining import Remaining, items_of
from harness.locale import tr, trn
from harness.types import Scale
from reports.formatting import MISSING, minute
from reports.rating_progress import difference_lines
from reports.wording import Language, words

_NEXT = 10
_UNLIKE = 5


def people_lines(state: RatingState, language: Language) -> list[str]:
    """Return what people would say of each difference, with its interval, where there is one."""
    lines = difference_lines(state, words(language))
    if not lines:
        return []
    return [said(tr("What people would say of all tasks, as far as it is known:")), *(f"  {line}" for line in lines)]


def raters_table(state: RatingState) -> str:
    """Return how far each rater is, as a table."""
    rows = [
        (one.name, f"{one.done}/{one.total}", str(one.skipped), MISSING if one.last is None else minute(one.last))
        for one in state.raters
    ]
    return table(rows, [tr("rater"), tr("done"), tr("skipped"), tr("last sent")])


def unlike_lines(ratings: Sequence[Rating], scale: Scale) -> list[str]:
    """Return the answers on which raters are half the scale or more apart, the widest first, for them to talk about."""
    given: dict[tuple[str, str, str], dict[str, float]] = {}
    for rating in ratings:
        if rating.score is not None:
            item = rating.drawn
            given.setdefault((item.task, item.sample_id, item.answer), {})[rating.drawn.rater] = rating.score
    both = {key: scores for key, scores in given.items() if len(scores) > 1}
    apart = {key: max(scores.values()) - min(scores.values()) for key, scores in both.items()}
    far = sorted(
        (key for key, gap in apart.items() if gap >= (scale.high - scale.low) / 2), key=lambda key: -apart[key]
    )
    if not far:
        return []
    places = {rating.drawn.id: rating.drawn for rating in ratings}
    lines: list[str] = [
        tr(
            "Raters are {gap:g} points or more apart on {n} of {both} answers that several rated. Worth talking about:",
            gap=(scale.high - scale.low) / 2,
            n=len(far),
            both=len(both),
        )
    ]
    for key in far[:_UNLIKE]:
        scores = ", ".join(f"{rater} {score:g}" for rater, score in both[key].items())
        items = ", ".join(one.id for one in places.values() if (one.task, one.sample_id, one.answer) == key)
        lines.append(
            tr("  {task}, task {sample}: {scores} ({items})", task=key[0], sample=key[1], scores=scores, items=items)
        )
    return lines


def short_state(state: RatingState) -> str:
    """Return how far each rater is, in one line."""
    return " · ".join(f"{one.name} {one.done}/{one.total}" for one in state.raters)


def what_remains(export: Export, ratings: Sequence[Rating], state: RatingState) -> list[str]:
    """Return what an interval of what people would say lacks, by task set, and which answers to rate next."""
    lines: list[str] = []
    for one in (known.remaining for known in state.sets):
        if not one.labels_all:
            continue
        values = {"task": one.task, "rated": one.rated, "chosen": one.chosen}
        if one.needed is None:
            lines.append(
                tr(
                    "{task}: {rated} of {chosen} drawn tasks are rated whole; "
                    "so small a draw gives no interval of what people would say.",
                    **values,
                )
            )
        elif one.labels:
            lines.append(
                tr(
                    "{task}: {rated} of {chosen} drawn tasks are rated whole. Missing for an interval of what people "
                    "would say ({needed} tasks): {labels}; for the whole draw: {all}.",
                    labels=trn("{n} score", "{n} scores", one.labels),
                    needed=one.needed,
                    all=trn("{n} score", "{n} scores", one.labels_all),
                    **values,
                )
            )
        else:
            lines.append(
                tr(
                    "{task}: {rated} of {chosen} drawn tasks are rated whole, enough for an interval of what people "
                    "would say. Missing for the whole draw, which alone counts as random: {all}.",
                    all=trn("{n} score", "{n} scores", one.labels_all),
                    **values,
                )
            )
        lines += _next_by_rater(export, ratings, one)
    return lines


def _next_by_rater(export: Export, ratings: Sequence[Rating], one: Remaining) -> list[str]:
    """Return the places on each rater's page to go to next; only raters who have begun are told."""
    lines: list[str] = []
    for rater in dict.fromkeys(rating.drawn.rater for rating in ratings):
        for tag in export.tags:
            places = [
                place
                for task_id in one.next
                for place in items_of(export, rater, one.task, [task_id], ratings, tag=tag)
            ]
            if places:
                shown = ", ".join(map(str, places[:_NEXT]))
                lines.append(
                    tr("  Rate next, rater {rater}: answers {places} (numbers on the page).", rater=rater, places=shown)
                    if len(export.tags) == 1
                    else tr(
                        "  Rate next, rater {rater}: answers {places} (numbers on the page of draw {tag}).",
                        rater=rater,
                        places=shown,
                        tag=tag,
                    )
                )
    return lines
