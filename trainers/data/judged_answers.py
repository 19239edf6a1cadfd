"""The answers of a run with their scores, prompt by prompt: what preference pairs and best answers are made of."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean

from harness.runs.run import Run
from harness.types import Generation, Request, Sample

CUT = "length"
"""The finish reason of an answer that stopped at the length limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedAnswer:
    """An answer with its score, the mean of its verdicts; ``cut``: it stopped at the length limit, unfinished."""

    text: str
    score: float
    model: str
    cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedPrompt:
    """A prompt with its judged answers, no text twice; ``unscored`` counts answers that could not be judged."""

    task: str
    sample: Sample
    answers: tuple[JudgedAnswer, ...]
    unscored: int = 0

    @property
    def where(self) -> str:
        """What to call it."""
        return f"{self.task} {self.sample.id}"


def judged_prompts(run: Run, judge: str, models: Collection[str] = ()) -> list[JudgedPrompt]:
    """Return every prompt of a run with its answers by ``models`` (all if none is named) and their scores by ``judge``.

    An answer with a verdict that has no score is unscored, whatever the others say. Equal texts are one answer, by the
    first that gave it, whose score is the mean of theirs.
    """
    scores = _scores(run, judge)
    found: dict[tuple[str, str], list[Request]] = {}
    for request in run.requests:
        if not models or request.model in models:
            found.setdefault((request.task, request.sample_id), []).append(request)
    return [
        _judged(task.name, sample, found[task.name, sample.id], run.answers, scores)
        for task in run.tasks
        for sample in task.samples
        if (task.name, sample.id) in found
    ]


def _scores(run: Run, judge: str) -> dict[str, float]:
    """Return the mean score of each answer, by request key, of those that have one."""
    verdicts: dict[str, list[float | None]] = {}
    for item in run.items:
        if item.judge == judge:
            verdicts.setdefault(item.request.key, []).append(run.verdict(item).score)
    return {key: mean for key, given in verdicts.items() if (mean := _mean(given)) is not None}


def _mean(scores: Iterable[float | None]) -> float | None:
    known = list(scores)
    return fmean(score for score in known if score is not None) if known and None not in known else None


def _judged(
    task: str,
    sample: Sample,
    requests: Iterable[Request],
    answers: Mapping[str, Generation],
    scores: Mapping[str, float],
) -> JudgedPrompt:
    texts: dict[str, list[JudgedAnswer]] = {}
    unscored = 0
    for request in requests:
        generation, score = answers.get(request.key), scores.get(request.key)
        if generation is None or generation.text is None or score is None:
            unscored += 1
            continue
        answer = JudgedAnswer(
            text=generation.text, score=score, model=request.model, cut=generation.finish_reason == CUT
        )
        texts.setdefault(generation.text.strip(), []).append(answer)
    kept = tuple(
        JudgedAnswer(text=same[0].text, score=fmean(one.score for one in same), model=same[0].model, cut=same[0].cut)
        for same in texts.values()
    )
    return JudgedPrompt(task=task, sample=sample, answers=kept, unscored=unscored)
