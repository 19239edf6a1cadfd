"""The A/B tab of report.html: what a test of prompts shows, in tables with bars. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.prompt_test import Contrast, Experiment
from reports.ab_text import (
    choice_sentence,
    contrast_cautions,
    declared_sentence,
    effects_table,
    interactions_note,
    interactions_table,
    means_table,
    resolution_sentence,
    verdict_sentence,
)
from reports.board_view import Table, tone
from reports.formatting import kind_key
from reports.page_table import PageTable, page_table
from reports.svg import Bar
from reports.wording import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """A table of effects under its title; ``note`` is what is said of all of them."""

    title: str
    note: str
    table: PageTable


@dataclass(frozen=True, slots=True, kw_only=True)
class AbPage:
    """One judge's test on one task set, in words and tables; all plain text. ``said``: further sentences."""

    task: str
    judge: str
    title: str
    scale: str
    verdict: str
    said: tuple[str, ...]
    means: PageTable
    effects: tuple[Effects, ...]
    cautions: tuple[tuple[str, str], ...]


def ab_pages(experiments: Sequence[Experiment], say: Words) -> list[AbPage]:
    """Return every test as the page shows it."""
    return [_page(one, say) for one in experiments]


def _page(one: Experiment, say: Words) -> AbPage:
    judge = one.judge
    choice = choice_sentence(one, say)
    return AbPage(
        task=one.task,
        judge=judge.name,
        title=say("title.board", task=one.task, judge=judge.name),
        scale=say("board.scale", scale=judge.scale)
        + say("space")
        + say.section("kind")[kind_key(judge.kind, judge.scored_by)],
        verdict=verdict_sentence(one, say) if one.is_primary else say("ab.exploratory"),
        said=tuple(filter(None, (choice, resolution_sentence(one, say)))),
        means=page_table(means_table(one, say), say),
        effects=tuple(_effects(one, say)),
        cautions=(
            *((say("board.caution"), say.sentence(said)) for said in one.cautions),
            *((say("ab.caution", names=names), said) for names, said in contrast_cautions(one, say)),
        ),
    )


def _effects(one: Experiment, say: Words) -> list[Effects]:
    average = say("ab.effect_average" if len(one.models) > 1 else "ab.effect")
    found = [
        Effects(title=average, note="", table=_with_bars(effects_table(one.effects, one, say), one.effects, one, say))
    ]
    if one.by_model:
        table = _with_bars(effects_table(one.by_model, one, say), one.by_model, one, say)
        found.append(Effects(title=say("ab.effect_by_model"), note=declared_sentence(one, say), table=table))
    if one.interactions:
        table = _with_bars(interactions_table(one, say), one.interactions, one, say)
        found.append(Effects(title=say("ab.interactions"), note=interactions_note(one, say), table=table))
    return found


def _with_bars(table: Table, contrasts: Sequence[Contrast], one: Experiment, say: Words) -> PageTable:
    results = [contrast.result for contrast in contrasts]
    bars = [
        Bar(
            name="",
            value=result.difference.value,
            low=result.simultaneous.low,
            high=result.simultaneous.high,
            tone=tone(result.difference.value, result.p_adjusted, 1 - one.confidence) or "muted",
        )
        for result in results
    ]
    return page_table(table, say, {"simultaneous": bars})
