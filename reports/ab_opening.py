"""How the report of an A/B run opens: which prompt is better, in words, two numbers and one picture. Pure."""

from collections.abc import Sequence

from harness.analysis.prompt_choice import Choice
from harness.analysis.prompt_test import Contrast, Experiment
from harness.types import Declaration, RowKey, Scale
from reports.ab_text import choice_sentence, resolution_sentence, verdict_sentence
from reports.board_text import estimand_sentence
from reports.board_view import tone
from reports.formatting import interval, percent, score_digits, signed
from reports.next_steps import Step, task_score
from reports.opening import Number, Opening, Picture, judged_by
from reports.svg import Bar
from reports.wording import Words


def ab_openings(experiments: Sequence[Experiment], declared: Declaration, say: Words) -> list[Opening]:
    """Return how the tests that claims come from open, one for each task set; ``declared`` is the run's."""
    return [_opening(one, declared, say) for one in experiments if one.is_primary]


def _opening(one: Experiment, declared: Declaration, say: Words) -> Opening:
    choice = choice_sentence(one, say)
    unknown = [resolution_sentence(one, say), estimand_sentence(declared, say), judged_by(one.judge, say)]
    unknown += map(say.sentence, one.cautions)
    return Opening(
        task=one.task,
        judge=one.judge.name,
        verdict=verdict_sentence(one, say),
        details=(choice,) if choice else (),
        numbers=_numbers(one, say),
        picture=_picture(one, say),
        unknown=tuple(filter(None, unknown)),
        steps=_steps(one, say),
        read=_read(one),
    )


def _numbers(one: Experiment, say: Words) -> tuple[Number, ...]:
    """Return the effect of the prompt that did best, and what it is worth without the luck of having been chosen."""
    scale, choice = one.judge.scale, one.choice
    effect = one.effects[0] if choice is None else _effect_of(one, choice)
    digits = score_digits(scale.low, scale.high)
    result = effect.result
    first = Number(
        value=signed(result.difference.value, digits),
        about=say(
            "opening.ab_effect",
            candidate=effect.candidate,
            baseline=effect.baseline,
            unit=_unit(scale, say),
            bounds=interval(result.simultaneous, digits, with_sign=True),
        ),
    )
    if choice is None or choice.cross_fitted is None:
        return (first,)
    about = say("opening.ab_chosen", control=choice.control, unit=_unit(scale, say))
    return first, Number(value=signed(choice.cross_fitted, digits), about=about)


def _effect_of(one: Experiment, choice: Choice) -> Contrast:
    """Return the comparison of the chosen prompt with the one it is measured against, else the first."""
    pair = {choice.prompt, choice.control}
    return next((effect for effect in one.effects if {effect.candidate, effect.baseline} == pair), one.effects[0])


def _picture(one: Experiment, say: Words) -> Picture:
    scale = one.judge.scale
    digits = score_digits(scale.low, scale.high)
    bars = tuple(
        Bar(
            name=f"{effect.candidate} − {effect.baseline}",
            value=effect.result.difference.value,
            low=effect.result.simultaneous.low,
            high=effect.result.simultaneous.high,
            tone=tone(effect.result.difference.value, effect.result.p_adjusted, 1 - one.confidence) or "muted",
        )
        for effect in one.effects
    )
    return Picture(
        title=say("opening.ab_picture", confidence=percent(one.confidence)),
        axis=say("opening.ab_axis"),
        bars=bars,
        texts=tuple(signed(bar.value, digits) for bar in bars),
        zero=0.0,
        margin=None,
        more="",
    )


def _steps(one: Experiment, say: Words) -> tuple[Step, ...]:
    """Return the tasks on which prompts differ most, and how many tasks would tell a given effect."""
    steps = []
    if one.apart:
        tasks = tuple((apart.sample.id, task_score(apart.spread, one.judge.scale)) for apart in one.apart)
        steps.append(Step(text=say("next.apart"), tasks=tasks))
    if one.winner is None:
        steps.append(Step(text=say("next.more_tasks")))
    return tuple(steps)


def _read(one: Experiment) -> tuple[RowKey, ...]:
    baseline = one.prompts[0] if one.control is None else one.control
    best = one.prompts[-1] if one.choice is None else one.choice.prompt
    candidate = best if best != baseline else next(prompt for prompt in one.prompts if prompt != baseline)
    return tuple(RowKey(model=one.models[0], prompt=prompt) for prompt in (baseline, candidate))


def _unit(scale: Scale, say: Words) -> str:
    return say("board.points" if scale.high - scale.low > 1 else "board.share")
