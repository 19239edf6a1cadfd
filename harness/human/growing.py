"""A draw that grows: more tasks of the same sets; what was rated before and after is one random sample. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from harness.codec import digest
from harness.errors import RatingError
from harness.human.choosing import Strata, choose
from harness.human.draw import Answers, Export, draw_tag, shuffled_items
from harness.human.page import changed_items
from harness.locale import tr


def grown(export: Export, answers: Answers, *, sample: int, strata: Mapping[str, Strata] | None = None) -> Export:
    """Return a draw of ``sample`` tasks of each set that holds all tasks of an earlier one, with the items of both.

    ``answers`` are what the run has now, of the draw's rows. ``strata``: what to draw the rest from; a set that was
    drawn from strata keeps its own. Tasks of one stratum keep equal chances, since how many are drawn from it depends
    on the judges alone. A draw that is as large is returned as it is.

    Raises:
        RatingError: the run no longer has the answers that were drawn.
    """
    draw, new, texts = export.draw, strata or {}, {digest(text): text for text in answers.values()}
    if changed_items(export, answers):
        raise RatingError(
            tr("The run has other answers now than those that were drawn: its draw cannot grow."),
            hint=tr("Draw anew: the same command without --grow."),
        )
    wanted = {task: min(sample, len(known)) for task, known in draw.population.items()}
    if all(len(draw.chosen[task]) >= count for task, count in wanted.items()):
        return replace(export, texts=texts)
    drawn_from = {
        task: draw.strata[task] if task in draw.strata else new[task].within(known)
        for task, known in draw.population.items()
        if task in draw.strata or task in new
    }
    chosen = {
        task: choose(draw.seed, task, known, max(wanted[task], len(draw.chosen[task])),
                     strata=drawn_from.get(task), taken=draw.chosen[task])
        for task, known in draw.population.items()
    }  # fmt: skip
    missing = [
        f"{task}: {one}" for task, ids in chosen.items() for one in ids for row in draw.rows
        if (task, one, row) not in answers
    ]  # fmt: skip
    if missing:
        raise RatingError(
            tr("The run no longer has the answers to {task}: its draw cannot grow.", task=missing[0]),
            hint=tr("Draw anew: the same command without --grow."),
        )
    more = replace(draw, tag=draw_tag(draw.tag, chosen), chosen=chosen, strata=drawn_from, extends=draw.tag)
    items = shuffled_items(more, answers, rated=draw.chosen)
    return Export(draw=more, items=(*export.items, *items), texts=texts)


def largest(exports: Iterable[Export], tag: str) -> Export | None:
    """Return the draw that holds the items of ``tag`` and was grown furthest, or None."""
    found = [export for export in exports if tag in export.tags]
    return max(found, key=lambda export: len(export.tags)) if found else None


def first_tags(exports: Sequence[Export]) -> list[str]:
    """Return the tags of the draws that others were grown from, each once."""
    return list(dict.fromkeys(export.tags[0] for export in exports if export.tags))
