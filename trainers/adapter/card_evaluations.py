"""What a model card says of judges that saw the adapter while it was trained."""

from tabulate import tabulate

from harness.locale import Text, tr, trn
from harness.types import Estimate
from reports.formatting import MISSING, interval, markdown_cell, number, percent, score_digits, signed
from reports.wording import Words
from trainers.adapter.training_record import ChosenCheckpoint, Evaluated, Evaluations


def evaluations_section(found: Evaluations, chosen: Words) -> str:
    """Return a table of every evaluation and what the best one is worth, as Markdown without its heading."""
    say, digits = chosen.sentence, score_digits(*found.scale)
    n = trn("{n} task", "{n} tasks", found.n_tasks)
    tasks = markdown_cell(found.tasks)
    if found.part == "open":
        said = tr("Judged by {judge} on the open tasks of {tasks} ({n}); its sealed half was not seen.",
                  judge=markdown_cell(found.judge), tasks=tasks, n=n)  # fmt: skip
    else:
        said = tr("Judged by {judge} on {tasks} ({n}), which is a development set by that.",
                  judge=markdown_cell(found.judge), tasks=tasks, n=n)  # fmt: skip
    counted = trn(
        "{n} evaluation in all; each counts as a try in the ledger (run {run}).",
        "{n} evaluations in all; each counts as a try in the ledger (run {run}).",
        len(found.evaluated),
        run=markdown_cell(found.run),
    )
    headers = [
        tr("Step"),
        tr("Mean"),
        tr("Interval"),
        tr("Difference from step 0"),
        tr("Interval, over all"),
        tr("Verdict"),
    ]
    table = tabulate(
        [_row(one, found, chosen) for one in found.evaluated],
        headers=[say(title) for title in headers],
        tablefmt="github",
        colalign=["right", "right", "center", "right", "center", "left"],
        disable_numparse=True,
    )
    parts = [chosen("space").join([say(said), say(counted)]), table]
    if found.best is not None:
        parts.append(say(_best(found.best, digits)))
    if found.stopped is not None:
        parts.append(say(_stopped(found)))
    return "\n\n".join(parts)


def _row(one: Evaluated, found: Evaluations, chosen: Words) -> list[str]:
    digits = score_digits(*found.scale)
    word = chosen(f"verdict.word_{one.verdict}", margin=number(found.margin, digits)) if one.verdict else MISSING
    return [
        number(one.step, 0),
        number(one.mean, digits),
        interval(_estimate(one.mean, one.low, one.high, one.n), digits),
        signed(one.difference, digits),
        interval(_estimate(one.difference, one.difference_low, one.difference_high, one.n), digits, with_sign=True),
        word,
    ]


def _estimate(value: float | None, low: float | None, high: float | None, n: int) -> Estimate:
    return Estimate(value=value, low=low, high=high, confidence=0.95, n=n, n_unscored=0, method="")


def _best(best: ChosenCheckpoint, digits: int) -> Text:
    if best.honest is None:
        return tr(
            "The highest mean is that of step {step}, {naive} over step 0; too few tasks to say what it is worth apart "
            "from being chosen on them.",
            step=number(best.step, 0),
            naive=signed(best.naive, digits),
        )
    return tr(
        "The highest mean is that of step {step}: {naive} over step 0 on the tasks that it was chosen on, {honest} "
        "({interval}) where each choice is scored on tasks that had no say in it. {agreement} of the choices by a part "
        "of the tasks fell on it.",
        step=number(best.step, 0),
        naive=signed(best.naive, digits),
        honest=signed(best.honest, digits),
        interval=interval(_estimate(best.honest, best.low, best.high, 0), digits, with_sign=True),
        agreement=percent(best.agreement),
    )


def _stopped(found: Evaluations) -> Text:
    digits = score_digits(*found.scale)
    margin = number(found.margin, digits)
    if found.stopped == "worse":
        return tr(
            "Training stopped because two evaluations in a row were worse than an earlier checkpoint by more than "
            "{margin}.",
            margin=margin,
        )
    return tr("Training stopped because nothing was gained any more beyond {margin}.", margin=margin)
