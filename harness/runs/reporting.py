"""From a run's rows to a report, whether they are in memory (`eval`) or were read from a store (`report`)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.analysis.leaderboard import Leaderboard
from harness.analysis.scores import ScoreTable
from harness.engine.plan import JudgementItem
from harness.types import Generation, Request, RowKey, Verdict
from reports.run_view import Answer, PromptExample, Report


def build_report(
    *,
    leaderboard: Leaderboard,
    tables: Sequence[ScoreTable],
    requests: Sequence[Request],
    generations: Mapping[str, Generation],
    items: Sequence[JudgementItem],
    verdict_of: Callable[[JudgementItem], Verdict],
    provenance: Mapping[str, Any],
    notices: Sequence[str],
) -> Report:
    """Return the report of a run: its figures, and every answer with its verdicts."""
    verdicts: dict[int, dict[str, list[Verdict]]] = {}
    for item in items:
        verdicts.setdefault(id(item.request), {}).setdefault(item.judge, []).append(verdict_of(item))
    answers = tuple(
        Answer(
            task=request.task,
            sample_id=request.sample_id,
            row=RowKey(model=request.model, prompt=request.prompt),
            repeat=request.repeat,
            generation=generations.get(request.key),
            sampling=None if request.prompt is None else request.sampling,
            verdicts={judge: tuple(given) for judge, given in verdicts.get(id(request), {}).items()},
        )
        for request in requests
    )
    return Report(
        leaderboard=leaderboard,
        tables=tuple(tables),
        answers=answers,
        prompts=_prompt_examples(requests, provenance.get("templates", {})),
        provenance=provenance,
        notices=tuple(notices),
    )


def _prompt_examples(requests: Sequence[Request], templates: Mapping[str, Any]) -> tuple[PromptExample, ...]:
    """Return, for each template and task, what it makes of the first sample."""
    first: dict[tuple[str, str], Request] = {}
    for request in requests:
        if request.prompt is not None:
            first.setdefault((request.prompt, request.task), request)
    return tuple(
        PromptExample(
            name=prompt,
            sha256=templates.get(prompt, {}).get("sha256"),
            task=task,
            sample_id=request.sample_id,
            rendered=request.rendered,
        )
        for (prompt, task), request in first.items()
    )
