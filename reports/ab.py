"""ab.md: which prompt is better, by how much, and whether that can be known."""

from collections.abc import Mapping, Sequence
from typing import Any

from tabulate import tabulate

from harness.analysis.prompt_test import Apart, Experiment
from harness.types import Declaration
from reports.ab_text import (
    choice_sentence,
    contrast_cautions,
    declared_sentence,
    effects_table,
    interactions_note,
    interactions_table,
    listed,
    means_table,
    resolution_sentence,
    verdict_sentence,
)
from reports.board_text import estimand_sentence
from reports.board_view import Table
from reports.formatting import kind_key, markdown_cell, markdown_line, number, printable, score_digits
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


def _headline(experiments: Sequence[Experiment], provenance: Mapping[str, Any], say: Words) -> str:
    def names(of: Sequence[str]) -> str:
        return markdown_cell(listed(of, say))

    return say(
        "ab.headline",
        prompts=names(experiments[0].prompts),
        models=names(experiments[0].models),
        tasks=names(list(dict.fromkeys(one.task for one in experiments))),
        judges=names(list(dict.fromkeys(one.judge.name for one in experiments))),
        date=provenance.get("date", say("ab.undated")),
    )


def _section(experiment: Experiment, answers: Answers, say: Words) -> str:
    judge = experiment.judge
    measured = say.section("kind")[kind_key(judge.kind, judge.scored_by)]
    verdict = f"**{markdown_cell(verdict_sentence(experiment, say))}**"
    choice = choice_sentence(experiment, say)
    parts = [
        f"## {markdown_cell(say('title.board', task=experiment.task, judge=judge.name))}",
        say("board.scale", scale=judge.scale) + say("space") + measured,
        verdict if experiment.is_primary else say("ab.exploratory"),
        *([markdown_cell(choice)] if choice else []),
        _shown(means_table(experiment, say)),
        resolution_sentence(experiment, say),
        f"### {say('ab.effect_average' if len(experiment.models) > 1 else 'ab.effect')}",
        _shown(effects_table(experiment.effects, experiment, say)),
    ]
    if experiment.by_model:
        parts += [
            f"### {say('ab.effect_by_model')}",
            markdown_cell(declared_sentence(experiment, say)),
            _shown(effects_table(experiment.by_model, experiment, say)),
        ]
    if experiment.interactions:
        parts += [f"### {say('ab.interactions')}", interactions_note(experiment, say)]
        parts.append(_shown(interactions_table(experiment, say)))
    parts += [f"**{say('board.caution')}** {markdown_cell(say.sentence(said))}" for said in experiment.cautions]
    parts += [
        f"**{say('ab.caution', names=markdown_cell(names))}** {markdown_cell(said)}"
        for names, said in contrast_cautions(experiment, say)
    ]
    if experiment.apart:
        parts += [f"### {say('ab.apart')}"]
        parts += (_side_by_side(experiment, apart, answers, say) for apart in experiment.apart)
    return "\n\n".join(parts)


def _side_by_side(experiment: Experiment, apart: Apart, answers: Answers, say: Words) -> str:
    scale = experiment.judge.scale
    digits = score_digits(scale.low, scale.high)
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


def _shown(table: Table) -> str:
    return _table(
        [[markdown_cell(cell.text) for cell in row] for row in table.rows],
        [markdown_cell(column.title) for column in table.columns],
    )


def _table(rows: Sequence[Sequence[str]], headers: Sequence[str]) -> str:
    return tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True)


def _fenced(command: str) -> str:
    command, fence = printable(command), "`" * 3
    while fence in command:
        fence += "`"
    return f"{fence}console\n$ {command}\n{fence}"
