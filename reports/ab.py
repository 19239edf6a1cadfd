"""ab.md and the "ab" part of results.json: which prompt is better, by how much, and whether that can be known."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from tabulate import tabulate

from harness.analysis.prompt_test import ASSUMED_SPREAD, Apart, CellMean, Contrast, Experiment, Selection
from harness.stats import BoardPlan, PairedComparison
from harness.types import Scale
from reports.formatting import (
    interval,
    kind_key,
    markdown_cell,
    markdown_line,
    number,
    p_value,
    printable,
    score_digits,
    signed,
)
from reports.wording import words

Answers = Mapping[tuple[str, str, str, str], str | None]
"""Answers by task, sample id, model and prompt."""

_READING = (
    "The task is the unit: per task the score under one prompt minus the score under the other, averaged over models "
    "where there are several, is one number, and everything rests on the mean of these. Differences have paired-t "
    "intervals and sign-flip p-values; Holm's correction and the simultaneous intervals hold over all comparisons of "
    "one table. Scores of different judges are never averaged. A prompt is called better only where its simultaneous "
    "interval excludes zero and Holm's p agrees. leaderboard.md beside this file has every cell with its unscored and "
    "cut answers."
)
_LONGEST = 400  # characters of an answer beside others
_SIDE_BY_SIDE = 3  # prompts whose answers fit beside each other


def ab_markdown(
    run: str,
    experiments: Sequence[Experiment],
    answers: Answers,
    provenance: Mapping[str, Any],
    notices: Sequence[str] = (),
) -> str:
    """Return the whole document; ``notices`` are what the run's other reports note as well."""
    first = experiments[0]
    tasks = list(dict.fromkeys(one.task for one in experiments))
    judges = list(dict.fromkeys(one.judge.name for one in experiments))
    parts = [
        f"# A/B test: {markdown_cell(run)}",
        _headline(first, tasks, judges, provenance),
        *(_section(experiment, answers) for experiment in experiments),
        *(["## Notes\n\n" + "\n".join(f"- {markdown_line(notice)}" for notice in notices)] if notices else []),
        f"## How to read this\n\n{_READING}",
        f"Run it again:\n\n{_fenced(str(provenance.get('command', '')))}",
    ]
    return "\n\n".join(parts) + "\n"


def ab_document(experiments: Sequence[Experiment]) -> list[dict[str, Any]]:
    """Return every experiment as plain values, unrounded."""
    return [_document(experiment) for experiment in experiments]


def plan_sentence(plan: BoardPlan, *, judge: str, scale: Scale, task: str) -> str:
    """Return what is to be expected of an experiment before it is made."""
    digits, unit = score_digits(scale.low, scale.high), _unit(scale)
    if plan.minimum_detectable is None:
        return f"Plan, {judge} on {task}: {plan.n} tasks can show nothing."
    needs = ", ".join(
        f"{number(gain.points, digits)}{unit} {gain.tasks:,}" for gain in plan.gains if gain.tasks is not None
    )
    return (
        f"Plan, {judge} on {task}: two prompts on {plan.n} tasks are told apart {plan.power:.0%} of the time if "
        f"they truly differ by {number(plan.minimum_detectable, digits)}{unit}. Tasks needed to see a difference of "
        f"{needs}. (Assumed: differences spread by {ASSUMED_SPREAD:.0%} of the scale; the report has the measured one.)"
    )


def verdict_sentence(experiment: Experiment) -> str:
    """Return which prompt is better, if any is."""
    over = f", averaged over {len(experiment.models)} models" if len(experiment.models) > 1 else ""
    by = f"By {markdown_cell(experiment.judge.name)}"
    if experiment.winner is not None:
        others = [prompt for prompt in experiment.prompts if prompt != experiment.winner]
        return f"**{by}, {markdown_cell(experiment.winner)} is better than {_listed(others)}{over}.**"
    if not experiment.beats:
        known = [contrast for contrast in experiment.effects if contrast.result.n_pairs]
        if not known:
            return f"**{by}, nothing can be said: no task has scores under both prompts.**"
        return f"**{by}, no winner: no prompt is better than another beyond what chance explains{over}.**"
    pairs = "; ".join(
        f"{markdown_cell(better)} is better than {markdown_cell(worse)}" for better, worse in experiment.beats
    )
    return f"**{by}, no single winner: {pairs}{over}; the other comparisons are open.**"


def _headline(
    experiment: Experiment, tasks: Sequence[str], judges: Sequence[str], provenance: Mapping[str, Any]
) -> str:
    what = f"{_listed(experiment.prompts)} with {_listed(experiment.models)} on {_listed(tasks)}"
    return f"{what}, scored by {_listed(judges)}, {provenance.get('date', 'undated')}."


def _section(experiment: Experiment, answers: Answers) -> str:
    judge = experiment.judge
    parts = [
        f"## {markdown_cell(experiment.task)} by {markdown_cell(judge.name)}",
        f"Scale {judge.scale}. {words('en').section('kind')[kind_key(judge.kind, judge.scored_by)]}",
        verdict_sentence(experiment),
        _cells(experiment),
        _resolution(experiment),
        "### Effect of the prompt" + (", averaged over models" if len(experiment.models) > 1 else ""),
        _effects(experiment.effects, experiment),
    ]
    if experiment.by_model:
        parts += ["### Effect of the prompt on each model", _effects(experiment.by_model, experiment)]
    if experiment.interactions:
        parts += ["### Does the effect depend on the model?", _interactions(experiment)]
    contrasts = (*experiment.effects, *experiment.by_model)
    parts += _cautions(contrasts)
    if experiment.selection is not None:
        parts += ["### Selected on one half, measured on the other", _selection(experiment.selection, judge.scale)]
    if experiment.apart:
        parts += ["### Tasks on which the prompts differ most"]
        parts += (_side_by_side(experiment, apart, answers) for apart in experiment.apart)
    return "\n\n".join(parts)


def _cells(experiment: Experiment) -> str:
    """Return the table of means: a row per prompt, a column per model, and their average."""
    digits = score_digits(experiment.judge.scale.low, experiment.judge.scale.high)
    by_place = {(cell.model, cell.prompt): cell for cell in (*experiment.cells, *experiment.means)}
    columns: list[str | None] = [*experiment.models, *([None] if len(experiment.models) > 1 else [])]
    rows = [
        [markdown_cell(prompt), *(_mean(by_place[model, prompt], digits, experiment.n_samples) for model in columns)]
        for prompt in experiment.prompts
    ]
    return _table(
        rows, ["prompt", *("average over models" if name is None else markdown_cell(name) for name in columns)]
    )


def _mean(cell: CellMean, digits: int, n: int) -> str:
    estimate = cell.estimate
    missing = "" if estimate.n == n else f", n = {estimate.n} of {n}"
    return f"{number(estimate.value, digits)} ({interval(estimate, digits)}{missing})"


def _resolution(experiment: Experiment) -> str:
    plan, scale = experiment.plan, experiment.judge.scale
    digits, unit = score_digits(scale.low, scale.high), _unit(scale)
    if plan.minimum_detectable is None:
        return "No differences were measured, so what this test could have told apart is not known."
    needs = ", ".join(
        f"{number(gain.points, digits)}{unit} {gain.tasks:,}" for gain in plan.gains if gain.tasks is not None
    )
    return (
        f"With {plan.n} tasks and the spread that was measured ({number(plan.sd, digits)}{unit}), a true difference of "
        f"{number(plan.minimum_detectable, digits)}{unit} is found {plan.power:.0%} of the time by one comparison; a "
        f"smaller one less often. Tasks needed: for {needs}."
    )


def _effects(contrasts: Sequence[Contrast], experiment: Experiment) -> str:
    digits = score_digits(experiment.judge.scale.low, experiment.judge.scale.high)
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
    return _table(rows, [*(["model"] if with_model else []), "prompt", "against", *_FIGURES])


def _interactions(experiment: Experiment) -> str:
    digits = score_digits(experiment.judge.scale.low, experiment.judge.scale.high)
    rows = [
        [
            markdown_cell(contrast.model or ""),
            "average of the others" if len(contrast.others) > 1 else markdown_cell(contrast.others[0]),
            f"{markdown_cell(contrast.candidate)} − {markdown_cell(contrast.baseline)}",
            *_figures(contrast.result, digits),
        ]
        for contrast in experiment.interactions
    ]
    found = [row for row in experiment.interactions if (row.result.p_adjusted or 1.0) <= 1 - experiment.confidence]
    said = (
        "The effect of the prompt is not the same on every model, so the average above describes none of them well."
        if found
        else "No difference between models in the effect of the prompt was found; a small one may be there."
    )
    return f"{said}\n\n" + _table(rows, ["effect on", "minus effect on", "effect", *_FIGURES])


_FIGURES = ("difference", "its interval", "simultaneous interval", "p", "p (Holm)", "W/T/L", "tasks")


def _figures(result: PairedComparison, digits: int) -> list[str]:
    return [
        signed(result.difference.value, digits),
        interval(result.difference, digits, with_sign=True),
        interval(result.simultaneous, digits, with_sign=True),
        p_value(result.p_value),
        p_value(result.p_adjusted),
        f"{result.wins}/{result.ties}/{result.losses}",
        str(result.n_pairs),
    ]


def _cautions(contrasts: Sequence[Contrast]) -> list[str]:
    about: dict[str, list[str]] = {}
    for contrast in contrasts:
        who = f"{contrast.candidate} against {contrast.baseline}" + (f", {contrast.model}" if contrast.model else "")
        for caution in contrast.result.cautions:
            about.setdefault(caution, []).append(who)
    return [f"**Caution** ({markdown_cell('; '.join(who))}): {markdown_cell(said)}" for said, who in about.items()]


def _selection(selection: Selection, scale: Scale) -> str:
    digits, unit = score_digits(scale.low, scale.high), _unit(scale)
    parts = [
        (
            f"{markdown_cell(selection.prompt)} did best on a random half ({selection.n_select} tasks, seed "
            f"{selection.seed}). On the other {selection.n_report} tasks, which had no say in the choice, its mean is "
            f"{number(selection.estimate.value, digits)} ({interval(selection.estimate, digits)})"
        )
    ]
    control = markdown_cell(selection.control)
    if selection.result is None:
        parts.append(f". It is the control itself, {control}, so there is no gain to report.")
    else:
        gain = selection.result
        parts.append(
            f", {signed(gain.difference.value, digits)} against {control} "
            f"({interval(gain.difference, digits, with_sign=True)}, p {p_value(gain.p_value)})."
        )
    if selection.naive_gain is not None:
        parts.append(
            f" The best prompt on all tasks is {signed(selection.naive_gain, digits)}{unit} above {control}: picked "
            f"for being high, that figure is too high on average."
        )
    return "".join(parts)


def _side_by_side(experiment: Experiment, apart: Apart, answers: Answers) -> str:
    digits = score_digits(experiment.judge.scale.low, experiment.judge.scale.high)
    scores = dict(apart.scores)
    prompts = list(experiment.prompts)
    if len(prompts) > _SIDE_BY_SIDE:  # of many, the one that did best and the one that did worst here
        prompts = [max(scores, key=scores.__getitem__), min(scores, key=scores.__getitem__)]
    headers = ["model", *(f"{markdown_cell(prompt)}: {number(scores[prompt], digits)}" for prompt in prompts)]
    rows = [
        [
            markdown_cell(model),
            *(_answer(answers.get((experiment.task, apart.sample.id, model, prompt))) for prompt in prompts),
        ]
        for model in experiment.models
    ]
    question = _cut(" ".join(printable(apart.sample.input).split()))
    return f"**Task {markdown_cell(apart.sample.id)}**: {markdown_cell(question)}\n\n{_table(rows, headers)}"


def _answer(text: str | None) -> str:
    if text is None:
        return "(no answer)"
    lines = [markdown_cell(line) for line in _cut(text).splitlines()]
    return "<br>".join(line for line in lines if line) or "(empty)"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _listed(names: Sequence[str]) -> str:
    """Return names as a list in words.

    >>> _listed(["a", "b", "c"])
    'a, b and c'
    """
    shown = [markdown_cell(name) for name in names]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _unit(scale: Scale) -> str:
    """Return what a difference is counted in; a share of 0 to 1 needs no word."""
    return " points" if scale.high - scale.low > 1 else ""


def _table(rows: Sequence[Sequence[str]], headers: Sequence[str]) -> str:
    return tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True)


def _fenced(command: str) -> str:
    command, fence = printable(command), "`" * 3
    while fence in command:
        fence += "`"
    return f"{fence}console\n$ {command}\n{fence}"


def _document(experiment: Experiment) -> dict[str, Any]:
    scale = experiment.judge.scale
    selection = experiment.selection
    return {
        "task": experiment.task,
        "judge": experiment.judge.name,
        "kind": experiment.judge.kind,
        "scored_by": experiment.judge.scored_by,
        "scale": [scale.low, scale.high],
        "models": list(experiment.models),
        "prompts": list(experiment.prompts),
        "control": experiment.control,
        "confidence": experiment.confidence,
        "n_tasks": experiment.n_samples,
        "winner": experiment.winner,
        "better": [{"prompt": better, "than": worse} for better, worse in experiment.beats],
        "cells": [_mean_document(cell) for cell in experiment.cells],
        "means": [_mean_document(cell) for cell in experiment.means],
        "effects": [_contrast_document(contrast) for contrast in experiment.effects],
        "effects_by_model": [_contrast_document(contrast) for contrast in experiment.by_model],
        "interactions": [_contrast_document(contrast) for contrast in experiment.interactions],
        "plan": asdict(experiment.plan),
        "selection": None
        if selection is None
        else asdict(selection) | {"result": None if selection.result is None else _figures_document(selection.result)},
        "differ_most": [
            {"task_id": apart.sample.id, "spread": apart.spread, "scores": dict(apart.scores)}
            for apart in experiment.apart
        ],
    }


def _mean_document(cell: CellMean) -> dict[str, Any]:
    estimate = cell.estimate
    return {
        "model": cell.model,
        "prompt": cell.prompt,
        "mean": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "n": estimate.n,
        "method": estimate.method,
    }


def _contrast_document(contrast: Contrast) -> dict[str, Any]:
    about: dict[str, Any] = {"model": contrast.model, "candidate": contrast.candidate, "baseline": contrast.baseline}
    if contrast.others:
        about["minus_average_effect_on"] = list(contrast.others)
    return about | _figures_document(contrast.result)


def _figures_document(result: PairedComparison) -> dict[str, Any]:
    return {
        "difference": result.difference.value,
        "low": result.difference.low,
        "high": result.difference.high,
        "simultaneous_low": result.simultaneous.low,
        "simultaneous_high": result.simultaneous.high,
        "method": result.difference.method,
        "p_value": result.p_value,
        "p_adjusted": result.p_adjusted,
        "p_method": result.p_method,
        "wins": result.wins,
        "ties": result.ties,
        "losses": result.losses,
        "n_pairs": result.n_pairs,
        "n_missing": result.n_missing,
        "worst_case": result.worst_case,
        "best_case": result.best_case,
        "worst_case_low": result.worst_case_low,
        "best_case_high": result.best_case_high,
        "minimum_detectable": result.minimum_detectable,
        "cautions": list(result.cautions),
    }
