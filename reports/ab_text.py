"""What a test of prompts shows: sentences and tables in plain text, for every report that has them. Pure."""

from collections.abc import Sequence

from harness.analysis.prompt_cells import CellMean
from harness.analysis.prompt_plan import ASSUMED_ALIKE, ASSUMED_SPREAD
from harness.analysis.prompt_test import Contrast, Experiment
from harness.stats import BoardPlan, PairedComparison
from harness.types import Scale
from reports.board_view import Cell, Column, Table, tone, wins
from reports.formatting import interval, number, p_value, percent, score_digits, signed
from reports.wording import Language, Words, words


def plan_sentence(
    plan: BoardPlan,
    *,
    judge: str,
    scale: Scale,
    task: str,
    language: Language = "en",
    n_clusters: int | None = None,
) -> str:
    """Return what is to be expected of an experiment before it is made; ``n_clusters`` as in `plan_experiment`."""
    say = words(language)
    if plan.minimum_detectable is None:
        return say("ab.plan_nothing", judge=judge, task=task, count=plan.n)
    parts = [
        say(
            "ab.plan",
            judge=judge,
            task=task,
            count=plan.n,
            power=percent(plan.power),
            amount=amount(plan.minimum_detectable, scale, say),
            family=say("ab.plan_alone") if plan.n_comparisons == 1 else say("ab.plan_family", n=plan.n_comparisons),
            needs=_needs(plan, scale, say),
        ),
        say("ab.plan_assumed", spread=percent(ASSUMED_SPREAD))
        if n_clusters is None
        else say("ab.plan_clusters", spread=percent(ASSUMED_SPREAD), clusters=n_clusters, alike=f"{ASSUMED_ALIKE:g}"),
    ]
    return say("space").join(parts)


def verdict_sentence(experiment: Experiment, say: Words) -> str:
    """Return which prompt is better, if any is; else what differences remain possible."""
    count = len(experiment.models)
    said = {
        "judge": experiment.judge.name,
        "over": say("ab.over", count=count) if count > 1 else "",
    }
    if experiment.winner is not None:
        others = [prompt for prompt in experiment.prompts if prompt != experiment.winner]
        return say("ab.winner", **said, winner=experiment.winner, others=listed(others, say))
    if experiment.beats:
        pairs = [say("ab.pair", better=better, worse=worse) for better, worse in experiment.beats]
        return say("ab.partly", **said, pairs=say("ab.and_pair").join(pairs))
    known = [contrast.result.simultaneous for contrast in experiment.effects if contrast.result.n_pairs]
    if not known:
        return say("ab.nothing", **said)
    ends = [abs(end) for bounds in known for end in (bounds.low, bounds.high) if end is not None]
    scale = experiment.judge.scale
    possible = max(ends) if len(ends) == 2 * len(known) else scale.high - scale.low
    return say("ab.none", **said, amount=amount(possible, scale, say))


def choice_sentence(experiment: Experiment, say: Words) -> str:
    """Return which prompt did best on these tasks, what of its lead is luck, and what may still be better."""
    scale, choice = experiment.judge.scale, experiment.choice
    if choice is None:
        return ""
    digits, names = _digits(scale), {"prompt": choice.prompt, "control": choice.control}
    if choice.gain is None:
        parts = [say("ab.best_is_control", **names, count=choice.n)]
    else:
        bounds = f"{signed(choice.low, digits)} … {signed(choice.high, digits)}"
        gain = amount(choice.gain, scale, say, with_sign=True)
        parts = [say("ab.best", **names, count=choice.n, gain=gain, bounds=bounds)]
    if choice.cross_fitted is not None and choice.agreement is not None:
        parts.append(
            say(
                "ab.cross_fitted",
                **names,
                gain=amount(choice.cross_fitted, scale, say, with_sign=True),
                share=percent(choice.agreement),
            )
        )
    if choice.possible and experiment.winner is None:
        parts.append(say("ab.possible", amount=amount(choice.possible, scale, say)))
    return say("space").join(parts)


def resolution_sentence(experiment: Experiment, say: Words) -> str:
    """Return what the test could tell apart, given the spread that was measured."""
    plan, scale = experiment.plan, experiment.judge.scale
    if plan.minimum_detectable is None or plan.sd is None:
        return say("ab.unresolved")
    return say(
        "ab.resolution",
        count=plan.n,
        sd=amount(plan.sd, scale, say),
        amount=amount(plan.minimum_detectable, scale, say),
        power=percent(plan.power),
        needs=_needs(plan, scale, say),
    )


def declared_sentence(experiment: Experiment, say: Words) -> str:
    """Return which effects on single models are declared, since the average effect of their pair is shown."""
    opened = {(one.candidate, one.baseline) for one in experiment.by_model if one.is_declared}
    if not opened:
        return say("ab.secondary_exploratory")
    if len(opened) == len(experiment.effects):
        return say("ab.secondary_declared", count=experiment.n_secondary)
    pairs = [f"{candidate} − {baseline}" for candidate, baseline in sorted(opened)]
    return say("ab.secondary_partly", pairs=", ".join(pairs), count=experiment.n_secondary)


def _needs(plan: BoardPlan, scale: Scale, say: Words) -> str:
    return ", ".join(
        say("ab.need", amount=amount(gain.points, scale, say), tasks=f"{gain.tasks:,}")
        for gain in plan.gains
        if gain.tasks is not None
    )


def listed(names: Sequence[str], say: Words) -> str:
    """Return names as a list in words.

    >>> listed(["a", "b", "c"], words("en"))
    'a, b and c'
    """
    *first, last = names
    return say("ab.listed", names=", ".join(first), last=last) if first else last


def amount(value: float, scale: Scale, say: Words, *, with_sign: bool = False) -> str:
    """Return a difference with what it is counted in; a share of 0 to 1 needs no word."""
    shown = signed(value, _digits(scale)) if with_sign else number(value, _digits(scale))
    return say("ab.points" if scale.high - scale.low > 1 else "ab.share", value=shown)


def _digits(scale: Scale) -> int:
    return score_digits(scale.low, scale.high)


def means_table(experiment: Experiment, say: Words) -> Table:
    """Return the means: a row for each prompt, a column for each model, and their average."""
    digits = _digits(experiment.judge.scale)
    by_place = {(cell.model, cell.prompt): cell for cell in (*experiment.cells, *experiment.means)}
    names: list[str | None] = [*experiment.models, *([None] if len(experiment.models) > 1 else [])]
    prompts = Column(
        key="prompt",
        title=say("column.prompt"),
        cells=tuple(Cell(text=prompt, sort=prompt) for prompt in experiment.prompts),
        align="left",
        names_row=True,
    )
    return Table(
        columns=(
            prompts,
            *(
                Column(
                    key="mean",
                    title=say("ab.average") if name is None else name,
                    cells=tuple(
                        _mean_cell(by_place[name, prompt], digits, experiment.n_samples, say)
                        for prompt in experiment.prompts
                    ),
                )
                for name in names
            ),
        )
    )


def effects_table(contrasts: Sequence[Contrast], experiment: Experiment, say: Words) -> Table:
    """Return effects, one line each."""
    columns = [
        _texts("prompt", say("column.prompt"), [one.candidate for one in contrasts], names_row=True),
        _texts("baseline", say("ab.against"), [one.baseline for one in contrasts]),
    ]
    if any(one.model is not None for one in contrasts):
        columns.insert(0, _texts("model", say("column.model"), [one.model or "" for one in contrasts]))
    return Table(columns=(*columns, *_figures([one.result for one in contrasts], experiment, say)))


def interactions_table(experiment: Experiment, say: Words) -> Table:
    """Return how effects differ between models, one line each."""
    found = experiment.interactions
    others = [say("ab.others") if len(one.others) > 1 else one.others[0] for one in found]
    return Table(
        columns=(
            _texts("model", say("ab.effect_on"), [one.model or "" for one in found], names_row=True),
            _texts("model", say("ab.minus_effect_on"), others),
            _texts("prompt", say("ab.effect_of"), [f"{one.candidate} − {one.baseline}" for one in found]),
            *_figures([one.result for one in found], experiment, say),
        )
    )


def interactions_note(experiment: Experiment, say: Words) -> str:
    """Return whether models differ in the effect of the prompt, as far as that was declared."""
    declared = [row.result.p_adjusted for row in experiment.interactions if row.is_declared]
    found = sum(p is not None and p <= 1 - experiment.confidence for p in declared)
    if found:
        return say("ab.unlike", count=found, total=len(declared))
    return say("ab.alike" if declared else "ab.not_asked")


def contrast_cautions(experiment: Experiment, say: Words) -> list[tuple[str, str]]:
    """Return the cautions about effects: whom each is about, and the sentence."""
    about: dict[str, list[str]] = {}
    for contrast in (*experiment.effects, *experiment.by_model):
        who = say("ab.about", candidate=contrast.candidate, baseline=contrast.baseline)
        for caution in contrast.result.cautions:
            about.setdefault(caution, []).append(f"{who}, {contrast.model}" if contrast.model else who)
    return [("; ".join(who), say.sentence(said)) for said, who in about.items()]


def _texts(key: str, title: str, texts: Sequence[str], *, names_row: bool = False) -> Column:
    return Column(
        key=key,
        title=title,
        cells=tuple(Cell(text=text, sort=text) for text in texts),
        align="left",
        names_row=names_row,
    )


def _figures(results: Sequence[PairedComparison], experiment: Experiment, say: Words) -> list[Column]:
    digits, alpha = _digits(experiment.judge.scale), 1 - experiment.confidence
    cells: list[tuple[str, str, list[tuple[str, float | None]]]] = [
        (
            "difference_interval",
            "column.difference_interval",
            [(interval(one.difference, digits, with_sign=True), one.difference.low) for one in results],
        ),
        (
            "simultaneous",
            "column.simultaneous",
            [(interval(one.simultaneous, digits, with_sign=True), one.simultaneous.low) for one in results],
        ),
        ("p", "column.p", [(p_value(one.p_value), one.p_value) for one in results]),
        ("p_adjusted", "ab.p_adjusted", [(p_value(one.p_adjusted), one.p_adjusted) for one in results]),
        ("wins", "column.wins", [(wins(one), one.wins - one.losses) for one in results]),
        ("n", "ab.tasks", [(str(one.n_pairs), one.n_pairs) for one in results]),
    ]
    differences = tuple(
        Cell(
            text=signed(one.difference.value, digits),
            sort=one.difference.value,
            tone=tone(one.difference.value, one.p_adjusted, alpha),
        )
        for one in results
    )
    return [
        Column(key="difference", title=say("column.difference"), cells=differences),
        *(
            Column(key=key, title=say(title), cells=tuple(Cell(text=text, sort=sort) for text, sort in column))
            for key, title, column in cells
        ),
    ]


def _mean_cell(cell: CellMean, digits: int, n: int, say: Words) -> Cell:
    estimate = cell.estimate
    missing = "" if estimate.n == n else f", {say('ab.n', n=estimate.n, total=n)}"
    return Cell(text=f"{number(estimate.value, digits)} ({interval(estimate, digits)}{missing})", sort=estimate.value)
