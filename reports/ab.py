"""ab.md: which prompt is better, by how much, and whether that can be known."""

from collections.abc import Mapping, Sequence
from typing import Any

from tabulate import tabulate

from harness.analysis.prompt_cells import CellMean
from harness.analysis.prompt_choice import Choice
from harness.analysis.prompt_plan import ASSUMED_ALIKE, ASSUMED_SPREAD
from harness.analysis.prompt_test import Apart, Contrast, Experiment
from harness.stats import BoardPlan, PairedComparison
from harness.types import Declaration, Scale
from reports.board_text import estimand_sentence
from reports.board_view import wins
from reports.formatting import (
    interval,
    kind_key,
    markdown_cell,
    markdown_line,
    number,
    p_value,
    percent,
    printable,
    score_digits,
    signed,
)
from reports.wording import Language, Words, words

Answers = Mapping[tuple[str, str, str, str], str | None]
"""Answers by task, sample id, model and prompt."""

_LONGEST = 400  # characters of an answer beside others
_SIDE_BY_SIDE = 3  # prompts whose answers fit beside each other


def ab_markdown(
    run: str,
    experiments: Sequence[Experiment],
    answers: Answers,
    provenance: Mapping[str, Any],
    notices: Sequence[str] = (),
    *,
    language: Language = "en",
    declared: Declaration | None = None,
) -> str:
    """Return the whole document; ``notices`` are what the run's other reports note as well.

    A test that no judge of the run can answer says so.
    """
    say = words(language)
    title = f"# {say('ab.title', run=markdown_cell(run))}"
    if not experiments:
        return f"{title}\n\n{say('ab.no_judge')}\n"
    noted = "\n".join(f"- {markdown_line(say.sentence(notice))}" for notice in notices)
    parts = [
        title,
        _headline(experiments, provenance, say),
        estimand_sentence(declared or Declaration(), say),
        *(_section(experiment, answers, say) for experiment in experiments),
        *([f"## {say('title.notes')}\n\n{noted}"] if notices else []),
        f"## {say('ab.how')}\n\n{say('ab.reading')}",
        f"{say('title.rerun')}\n\n{_fenced(str(provenance.get('command', '')))}",
    ]
    return "\n\n".join(parts) + "\n"


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
            amount=_amount(plan.minimum_detectable, scale, say),
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
        "judge": markdown_cell(experiment.judge.name),
        "over": say("ab.over", count=count) if count > 1 else "",
    }
    if experiment.winner is not None:
        others = [prompt for prompt in experiment.prompts if prompt != experiment.winner]
        return say("ab.winner", **said, winner=markdown_cell(experiment.winner), others=_listed(others, say))
    if experiment.beats:
        pairs = [
            say("ab.pair", better=markdown_cell(better), worse=markdown_cell(worse))
            for better, worse in experiment.beats
        ]
        return say("ab.partly", **said, pairs=say("ab.and_pair").join(pairs))
    known = [contrast.result.simultaneous for contrast in experiment.effects if contrast.result.n_pairs]
    if not known:
        return say("ab.nothing", **said)
    ends = [abs(end) for bounds in known for end in (bounds.low, bounds.high) if end is not None]
    scale = experiment.judge.scale
    possible = max(ends) if len(ends) == 2 * len(known) else scale.high - scale.low
    return say("ab.none", **said, amount=_amount(possible, scale, say))


def _headline(experiments: Sequence[Experiment], provenance: Mapping[str, Any], say: Words) -> str:
    return say(
        "ab.headline",
        prompts=_listed(experiments[0].prompts, say),
        models=_listed(experiments[0].models, say),
        tasks=_listed(list(dict.fromkeys(one.task for one in experiments)), say),
        judges=_listed(list(dict.fromkeys(one.judge.name for one in experiments)), say),
        date=provenance.get("date", say("ab.undated")),
    )


def _section(experiment: Experiment, answers: Answers, say: Words) -> str:
    judge = experiment.judge
    measured = say.section("kind")[kind_key(judge.kind, judge.scored_by)]
    parts = [
        f"## {markdown_cell(say('title.board', task=experiment.task, judge=judge.name))}",
        say("board.scale", scale=judge.scale) + say("space") + measured,
        f"**{verdict_sentence(experiment, say)}**" if experiment.is_primary else say("ab.exploratory"),
        *([_choice(experiment, experiment.choice, say)] if experiment.choice is not None else []),
        _cells(experiment, say),
        _resolution(experiment, say),
        f"### {say('ab.effect_average' if len(experiment.models) > 1 else 'ab.effect')}",
        _effects(experiment.effects, experiment, say),
    ]
    if experiment.by_model:
        parts += [
            f"### {say('ab.effect_by_model')}",
            _declared(experiment, say),
            _effects(experiment.by_model, experiment, say),
        ]
    if experiment.interactions:
        parts += [f"### {say('ab.interactions')}", _interactions(experiment, say)]
    parts += [f"**{say('board.caution')}** {markdown_cell(say.sentence(said))}" for said in experiment.cautions]
    parts += _cautions((*experiment.effects, *experiment.by_model), say)
    if experiment.apart:
        parts += [f"### {say('ab.apart')}"]
        parts += (_side_by_side(experiment, apart, answers, say) for apart in experiment.apart)
    return "\n\n".join(parts)


def _cells(experiment: Experiment, say: Words) -> str:
    """Return the table of means: a row per prompt, a column per model, and their average."""
    digits = _digits(experiment.judge.scale)
    by_place = {(cell.model, cell.prompt): cell for cell in (*experiment.cells, *experiment.means)}
    columns: list[str | None] = [*experiment.models, *([None] if len(experiment.models) > 1 else [])]
    rows = [
        [
            markdown_cell(prompt),
            *(_mean(by_place[model, prompt], digits, experiment.n_samples, say) for model in columns),
        ]
        for prompt in experiment.prompts
    ]
    return _table(
        rows,
        [say("column.prompt"), *(say("ab.average") if name is None else markdown_cell(name) for name in columns)],
    )


def _mean(cell: CellMean, digits: int, n: int, say: Words) -> str:
    estimate = cell.estimate
    missing = "" if estimate.n == n else f", {say('ab.n', n=estimate.n, total=n)}"
    return f"{number(estimate.value, digits)} ({interval(estimate, digits)}{missing})"


def _resolution(experiment: Experiment, say: Words) -> str:
    plan, scale = experiment.plan, experiment.judge.scale
    if plan.minimum_detectable is None or plan.sd is None:
        return say("ab.unresolved")
    return say(
        "ab.resolution",
        count=plan.n,
        sd=_amount(plan.sd, scale, say),
        amount=_amount(plan.minimum_detectable, scale, say),
        power=percent(plan.power),
        needs=_needs(plan, scale, say),
    )


def _needs(plan: BoardPlan, scale: Scale, say: Words) -> str:
    return ", ".join(
        say("ab.need", amount=_amount(gain.points, scale, say), tasks=f"{gain.tasks:,}")
        for gain in plan.gains
        if gain.tasks is not None
    )


def _effects(contrasts: Sequence[Contrast], experiment: Experiment, say: Words) -> str:
    digits = _digits(experiment.judge.scale)
    with_model = any(contrast.model is not None for contrast in contrasts)
    rows = [
        [
            *([markdown_cell(contrast.model or "")] if with_model else []),
            markdown_cell(contrast.candidate),
            markdown_cell(contrast.baseline),
            *_figures(contrast.result, digits),
        ]
        for contrast in contrasts
    ]
    names = [*(["column.model"] if with_model else []), "column.prompt", "ab.against", *_FIGURES]
    return _table(rows, [say(name) for name in names])


def _interactions(experiment: Experiment, say: Words) -> str:
    digits = _digits(experiment.judge.scale)
    rows = [
        [
            markdown_cell(contrast.model or ""),
            say("ab.others") if len(contrast.others) > 1 else markdown_cell(contrast.others[0]),
            f"{markdown_cell(contrast.candidate)} − {markdown_cell(contrast.baseline)}",
            *_figures(contrast.result, digits),
        ]
        for contrast in experiment.interactions
    ]
    declared = [row.result.p_adjusted for row in experiment.interactions if row.is_declared]
    found = sum(p is not None and p <= 1 - experiment.confidence for p in declared)
    said = say("ab.alike" if declared else "ab.not_asked")
    if found:
        said = say("ab.unlike", count=found, total=len(declared))
    names = ["ab.effect_on", "ab.minus_effect_on", "ab.effect_of", *_FIGURES]
    return f"{said}\n\n" + _table(rows, [say(name) for name in names])


_FIGURES = ("column.difference", "column.difference_interval", "column.simultaneous", "column.p", "ab.p_adjusted",
            "column.wins", "ab.tasks")  # fmt: skip


def _figures(result: PairedComparison, digits: int) -> list[str]:
    return [
        signed(result.difference.value, digits),
        interval(result.difference, digits, with_sign=True),
        interval(result.simultaneous, digits, with_sign=True),
        p_value(result.p_value),
        p_value(result.p_adjusted),
        wins(result),
        str(result.n_pairs),
    ]


def _cautions(contrasts: Sequence[Contrast], say: Words) -> list[str]:
    about: dict[str, list[str]] = {}
    for contrast in contrasts:
        who = say("ab.about", candidate=contrast.candidate, baseline=contrast.baseline)
        for caution in contrast.result.cautions:
            about.setdefault(caution, []).append(f"{who}, {contrast.model}" if contrast.model else who)
    return [
        f"**{say('ab.caution', names=markdown_cell('; '.join(who)))}** {markdown_cell(say.sentence(said))}"
        for said, who in about.items()
    ]


def _choice(experiment: Experiment, choice: Choice, say: Words) -> str:
    """Return which prompt did best on these tasks, what of its lead is luck, and what may still be better."""
    scale = experiment.judge.scale
    digits, names = _digits(scale), {"prompt": markdown_cell(choice.prompt), "control": markdown_cell(choice.control)}
    if choice.gain is None:
        parts = [say("ab.best_is_control", **names, count=choice.n)]
    else:
        bounds = f"{signed(choice.low, digits)} … {signed(choice.high, digits)}"
        gain = _amount(choice.gain, scale, say, with_sign=True)
        parts = [say("ab.best", **names, count=choice.n, gain=gain, bounds=bounds)]
    if choice.cross_fitted is not None and choice.agreement is not None:
        parts.append(
            say(
                "ab.cross_fitted",
                **names,
                gain=_amount(choice.cross_fitted, scale, say, with_sign=True),
                share=percent(choice.agreement),
            )
        )
    if choice.possible and experiment.winner is None:
        parts.append(say("ab.possible", amount=_amount(choice.possible, scale, say)))
    return say("space").join(parts)


def _declared(experiment: Experiment, say: Words) -> str:
    """Return which effects on single models are declared, since the average effect of their pair is shown."""
    opened = {(one.candidate, one.baseline) for one in experiment.by_model if one.is_declared}
    if not opened:
        return say("ab.secondary_exploratory")
    if len(opened) == len(experiment.effects):
        return say("ab.secondary_declared", count=experiment.n_secondary)
    pairs = [f"{markdown_cell(candidate)} − {markdown_cell(baseline)}" for candidate, baseline in sorted(opened)]
    return say("ab.secondary_partly", pairs=", ".join(pairs), count=experiment.n_secondary)


def _side_by_side(experiment: Experiment, apart: Apart, answers: Answers, say: Words) -> str:
    digits = _digits(experiment.judge.scale)
    scores = dict(apart.scores)
    prompts = list(experiment.prompts)
    if len(prompts) > _SIDE_BY_SIDE:  # of many, the one that did best and the one that did worst here
        prompts = [max(scores, key=scores.__getitem__), min(scores, key=scores.__getitem__)]
    headers = [
        say("column.model"),
        *(f"{markdown_cell(prompt)}: {number(scores[prompt], digits)}" for prompt in prompts),
    ]
    rows = [
        [
            markdown_cell(model),
            *(_answer(answers.get((experiment.task, apart.sample.id, model, prompt)), say) for prompt in prompts),
        ]
        for model in experiment.models
    ]
    question = markdown_cell(_cut(" ".join(printable(apart.sample.input).split())))
    return f"**{say('ab.task', id=markdown_cell(apart.sample.id))}** {question}\n\n{_table(rows, headers)}"


def _answer(text: str | None, say: Words) -> str:
    if text is None:
        return say("ab.no_answer")
    lines = [markdown_cell(line) for line in _cut(text).splitlines()]
    return "<br>".join(line for line in lines if line) or say("ab.empty")


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _listed(names: Sequence[str], say: Words) -> str:
    """Return names as a list in words.

    >>> _listed(["a", "b", "c"], words("en"))
    'a, b and c'
    """
    shown = [markdown_cell(name) for name in names]
    return shown[0] if len(shown) == 1 else say("ab.listed", names=", ".join(shown[:-1]), last=shown[-1])


def _amount(value: float, scale: Scale, say: Words, *, with_sign: bool = False) -> str:
    """Return a difference with what it is counted in; a share of 0 to 1 needs no word."""
    shown = signed(value, _digits(scale)) if with_sign else number(value, _digits(scale))
    return say("ab.points" if scale.high - scale.low > 1 else "ab.share", value=shown)


def _digits(scale: Scale) -> int:
    return score_digits(scale.low, scale.high)


def _table(rows: Sequence[Sequence[str]], headers: Sequence[str]) -> str:
    return tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True)


def _fenced(command: str) -> str:
    command, fence = printable(command), "`" * 3
    while fence in command:
        fence += "`"
    return f"{fence}console\n$ {command}\n{fence}"
