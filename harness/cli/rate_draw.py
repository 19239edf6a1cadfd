"""What `rate page`, `rate export` and `rate serve` share: which tasks are drawn for whom, and what is said of it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import click

from harness.analysis.rating_strata import Basis
from harness.cli.say import said, say
from harness.errors import RatingError, UnknownNameError, UsageError
from harness.human.choosing import DrawKind
from harness.human.draw import Export, draw_items
from harness.human.growing import grown
from harness.human.page import changed_items, with_texts
from harness.human.sheets import key_name
from harness.locale import tr, trn
from harness.runs.folder import RunFolder
from harness.runs.rated import current_export, run_answers, strata_for
from harness.runs.run import Run
from harness.types import RowKey

_FEW = 20  # tasks under which no anchored estimate is given
_NAME = re.compile(r"[\w.-]{1,40}")


def raters_of(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> tuple[int, tuple[str, ...]] | None:
    """Return how many raters there are and their names, from a number or from names with commas between.

    Raises:
        BadParameter: it is neither.
    """
    if value is None:
        return None
    text = value.strip()
    if text.isdecimal() and int(text) > 0:
        return int(text), ()
    names = tuple(part.strip() for part in re.split("[,、，]", text))
    if any(not _NAME.fullmatch(name) or name.isdecimal() or name.startswith(".") for name in names):
        said_so = tr("{value!r} is neither a number nor names such as sato,tanaka.", value=text)
        raise click.BadParameter(said(said_so), context, parameter)
    if len({name.casefold() for name in names}) < len(names):
        raise click.BadParameter(said(tr("{value!r} names somebody twice.", value=text)), context, parameter)
    return len(names), names


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawOptions:
    """What was typed of a draw; None or nothing where it was not."""

    raters: tuple[int, tuple[str, ...]] | None
    sample: int | None
    models: tuple[str, ...]
    seed: int | None
    draw: DrawKind | None
    grow: int | None

    @property
    def is_given(self) -> bool:
        """Whether anything was typed."""
        return self != DrawOptions(raters=None, sample=None, models=(), seed=None, draw=None, grow=None)


def draw_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say what is drawn."""
    for option in reversed(
        (
            click.argument("run"),
            click.option(
                "--raters",
                callback=raters_of,
                metavar="N|NAMES",
                help="People who rate: 2, or sato,tanaka.  [default: 1]",
            ),
            click.option(
                "--sample", type=click.IntRange(min=1), metavar="K", help="Tasks drawn from each set.  [default: 40]"
            ),
            click.option("--model", "models", metavar="LABEL", multiple=True, help="Only this model; may be repeated."),
            click.option(
                "--draw",
                type=click.Choice(["simple", "stratified", "optimal"]),
                help="At random; spread over the judge's gaps; or more where judges are unsure.  [default: simple]",
            ),
            click.option(
                "--grow", type=click.IntRange(min=1), metavar="K", help="Add tasks to the draw that is rated, up to K."
            ),
            click.option("--seed", type=int, metavar="S", help="Of the draw and the shuffling.  [default: 0]"),
        )
    ):
        command = option(command)
    return command


def draw_for(stored: Run, own: RunFolder, options: DrawOptions, store: str) -> Export:
    """Return what is drawn from a run for rating, with the answers' texts.

    Raises:
        HarnessError: fewer tasks are complete than are to be drawn, or the draw cannot grow.
        UsageError: options that do not go together.
    """
    if options.grow is not None:
        return _grown(stored, own, options, store)
    rows = wanted_rows(stored, options.models)
    kind = options.draw or "simple"
    strata, bases = strata_for(stored, rows, kind)
    _say_basis(kind, bases)
    raters, names = options.raters or (1, ())
    return draw_items(
        stored.tasks,
        stored.requests,
        stored.answers,
        rows=rows,
        raters=raters,
        sample=options.sample,
        seed=options.seed or 0,
        names=names,
        strata=strata,
    )


def drawn_before(stored: Run, own: RunFolder, store: str) -> Export:
    """Return the draw that is being rated, with the answers' texts.

    Raises:
        RatingError: nothing or too much was drawn, or the run has other answers now.
    """
    export = current_export(own, store)
    answers = run_answers(stored, export.draw.rows)
    if changed_items(export, answers):
        raise RatingError(
            tr("The run has other answers now than those that were drawn for rating."),
            hint=tr("Draw anew: harness rate serve {name} --sample K", name=own.name),
        )
    return with_texts(export, answers)


def _grown(stored: Run, own: RunFolder, options: DrawOptions, store: str) -> Export:
    if options.sample is not None or options.models or options.seed is not None:
        raise UsageError(
            tr("--grow keeps the models, raters and seed of the draw that is there, and says how large it shall be."),
            hint=tr("Leave --sample, --model and --seed out."),
        )
    before = current_export(own, store)
    if options.raters is not None and options.raters != (before.draw.raters, before.draw.names):
        raise UsageError(
            tr("The draw that is there has the raters {raters}.", raters=", ".join(before.draw.people)),
            hint=tr("Leave --raters out."),
        )
    kind = options.draw or "simple"
    if before.draw.strata and options.draw is not None:
        say(tr("Note: the draw that is there keeps its own strata; --draw changes nothing."), err=True)
        kind = "simple"
    strata, bases = strata_for(stored, before.draw.rows, kind)
    _say_basis(kind, bases)
    assert options.grow is not None
    return grown(before, run_answers(stored, before.draw.rows), sample=options.grow, strata=strata)


def _say_basis(kind: DrawKind, bases: set[Basis]) -> None:
    """Say what a draw goes by where that is not what its name promises."""
    if kind != "simple" and "nothing" in bases:
        say(tr("Note: no judge has compared these models: the tasks are drawn simply at random."), err=True)
    elif kind == "optimal" and "gaps" in bases:
        say(
            tr(
                "Note: one judge that was asked once does not show where it is unsure: the draw is spread over its "
                "gaps. A second judge, or --judge-repeats, makes --draw optimal worth more."
            ),
            err=True,
        )


def wanted_rows(stored: Run, models: Sequence[str]) -> tuple[RowKey, ...]:
    """Return the rows of some models, of all if none is named.

    Raises:
        UnknownNameError: the run has no such model.
    """
    rows = dict.fromkeys(RowKey(model=request.model, prompt=request.prompt) for request in stored.requests)
    known = list(dict.fromkeys(row.model for row in rows))
    for model in models:
        if model not in known:
            raise UnknownNameError(tr("model label in this run"), model, known)
    return tuple(row for row in rows if not models or row.model in models)


def say_what_was_drawn(export: Export, folder: RunFolder) -> None:
    """Say how many tasks were drawn, what that is enough for, and how much each rater has to do."""
    draw = export.draw
    for task, chosen in draw.chosen.items():
        incomplete = len(draw.incomplete[task])
        left_out = tr("; {n} without an answer of every model left out", n=incomplete) if incomplete else ""
        values = {"task": task, "n_chosen": len(chosen), "n_population": len(draw.population[task]), "seed": draw.seed}
        if task in draw.strata:
            parts = [f"{sum(one in set(chosen) for one in part)}/{len(part)}" for part in draw.strata[task].parts]
            say(
                tr(
                    "{task}: {n_chosen} of {n_population} tasks drawn at random within {n_parts} parts ({parts}; seed "
                    "{seed}){left_out}",
                    n_parts=len(parts),
                    parts=", ".join(parts),
                    left_out=left_out,
                    **values,
                ),
                err=True,
            )
        else:
            say(
                tr(
                    "{task}: {n_chosen} of {n_population} tasks drawn at random (seed {seed}){left_out}",
                    left_out=left_out,
                    **values,
                ),
                err=True,
            )
        if len(chosen) < min(_FEW, len(draw.population[task])):
            say(
                tr("Note: under {few} rated tasks, no score is carried from people to the other tasks.", few=_FEW),
                err=True,
            )
    new = [item for item in export.items if item.id.startswith(draw.tag)]
    say(
        tr(
            "{n_rows}, {per_rater} to rate for each of {raters}. Whose they are is in {path}: keep it from the raters.",
            n_rows=trn("{n} model", "{n} models", len(draw.rows)),
            per_rater=trn("{n} answer", "{n} answers", len(new) // draw.raters),
            raters=trn("{n} rater", "{n} raters", draw.raters),
            path=folder.path / key_name(draw.tag),
        ),
        err=True,
    )
