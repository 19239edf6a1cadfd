"""From pairs of rows to verdicts on pairs of answers: each pair of answers in both orders, each by its content. Pure.

A pair is judged as if it were one answer: its text is an `AnswerPair`'s, so that the key of its verdict covers both
answers, their order, the sample and the judge, and the engine keeps, leases, pays and resumes it like any other.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from harness.codec import digest
from harness.engine.job import Job
from harness.engine.plan import SampleKey, judgement_key, sample_keys
from harness.locale import tr
from harness.pairs.answer_pair import AnswerPair
from harness.pairs.planned import PairOfRows, PlannedPairs
from harness.protocols import Judge
from harness.types import Generation, PlannedTask, RenderedPrompt, Request, RowKey, Sample, Sampling, Verdict
from harness.unscored import Unscored

_NO_PROMPT = RenderedPrompt(messages=())
_SAMPLING = Sampling()


@dataclass(frozen=True, slots=True, kw_only=True)
class PairItem:
    """One verdict on two answers, ``first`` shown as A and ``second`` as B.

    ``characters``: how long they are, None where there is no answer · ``verdict``: set where none is to be asked for ·
    ``rater``: the person who gave it.
    """

    task: str
    sample_id: str
    repeat: int
    first: RowKey
    second: RowKey
    key: str
    characters: tuple[int, int] | None
    verdict: Verdict | None = None
    rater: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchors:
    """Frozen answers that rows are compared with: kept in the store by their content, whatever becomes of their run.

    ``plan`` is the digest under which ``samples`` and ``requests`` are stored, ``answers`` are by request key.
    """

    plan: str
    samples: Mapping[str, tuple[Sample, ...]]
    requests: tuple[Request, ...]
    answers: Mapping[str, Generation]

    @property
    def rows(self) -> tuple[RowKey, ...]:
        """The rows that they are, in order."""
        return tuple(dict.fromkeys(RowKey(model=one.model, prompt=one.prompt) for one in self.requests))


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedPairs:
    """The pairs of one judge with its verdicts by key, and the anchors where rows are compared with some."""

    plan: PlannedPairs
    items: tuple[PairItem, ...]
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    anchors: Anchors | None = None

    def verdict(self, item: PairItem) -> Verdict:
        """Return the verdict on one item, or why there is none."""
        if item.verdict is not None:
            return item.verdict
        return self.verdicts.get(item.key) or Verdict.unscored(Unscored("not_judged", tr("not judged")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The answers of rows by task, sample id, row and repeat: a run's, and those of anchors."""

    texts: Mapping[tuple[str, str, RowKey, int], str]
    repeats: Mapping[RowKey, int]


def answered(
    requests: Sequence[Request], answers: Mapping[str, Generation], anchors: Anchors | None = None
) -> Answered:
    """Return what there is to compare, with what ``anchors`` hold; failed answers are left out."""
    if anchors is not None:
        requests, answers = (*requests, *anchors.requests), {**answers, **anchors.answers}
    texts: dict[tuple[str, str, RowKey, int], str] = {}
    repeats: dict[RowKey, int] = {}
    for request in requests:
        row = RowKey(model=request.model, prompt=request.prompt)
        repeats[row] = max(repeats.get(row, 0), request.repeat + 1)
        generation = answers.get(request.key)
        if generation is not None and generation.text is not None:
            texts[request.task, request.sample_id, row, request.repeat] = generation.text
    return Answered(texts=texts, repeats=repeats)


def pair_items(tasks: Sequence[PlannedTask], planned: PlannedPairs, found: Answered) -> Iterator[PairItem]:
    """Yield the verdicts to obtain: every pair on every task, in both orders; people's as they were given.

    Of several answers of a row the first meets the other's first, and so on, as far as both go.
    """
    if planned.kind == "human":
        yield from _rated(planned, found)
        return
    for sample, task, pair, repeat in _places(tasks, planned, found):
        texts = [found.texts.get((task, sample.sample.id, row, repeat)) for row in (pair.candidate, pair.opponent)]
        for rows, (one, other) in (
            ((pair.candidate, pair.opponent), texts),
            ((pair.opponent, pair.candidate), reversed(texts)),
        ):
            both = None if one is None or other is None else AnswerPair(first=one, second=other)
            yield PairItem(
                task=task,
                sample_id=sample.sample.id,
                repeat=repeat,
                first=rows[0],
                second=rows[1],
                key="" if both is None else pair_key(planned.fingerprint, sample, both, repeat),
                characters=None if both is None else (len(both.first), len(both.second)),
                verdict=_no_answer() if both is None else None,
            )


def _places(
    tasks: Sequence[PlannedTask], planned: PlannedPairs, found: Answered
) -> Iterator[tuple[SampleKey, str, PairOfRows, int]]:
    keys = sample_keys(tasks)
    for task in tasks:
        for pair in planned.pairs:
            most = min(found.repeats.get(pair.candidate, 1), found.repeats.get(pair.opponent, 1))
            for sample in task.samples:
                for repeat in range(most):
                    yield keys[task.name, sample.id], task.name, pair, repeat


def _rated(planned: PlannedPairs, found: Answered) -> Iterator[PairItem]:
    for number, rating in enumerate(planned.ratings):
        rows = (rating.first, rating.second)
        texts = [found.texts.get((rating.task, rating.task_id, row, 0)) for row in rows]
        skipped = Verdict.unscored(Unscored("rating_skipped", tr("skipped: {reason}", reason=rating.skip or "")))
        yield PairItem(
            task=rating.task,
            sample_id=rating.task_id,
            repeat=0,
            first=rating.first,
            second=rating.second,
            key=digest(["pair rating", planned.fingerprint, number]),
            characters=None if None in texts else (len(texts[0] or ""), len(texts[1] or "")),
            verdict=skipped if rating.share is None else Verdict.scored(rating.share, rationale=rating.comment),
            rater=rating.rater,
        )


def pair_key(fingerprint: str, sample: SampleKey, pair: AnswerPair, repeat: int) -> str:
    """Return the content key of a verdict on two answers: the judge, the sample, both texts and their order."""
    return judgement_key(fingerprint, sample.digest, pair.text, repeat=repeat, judge_repeat=0)


def pairs_job(tasks: Sequence[PlannedTask], planned: PlannedPairs, judge: Judge, found: Answered) -> Job:
    """Return the job that judges pairs, each as one answer that is there already."""
    requests: list[Request] = []
    given: dict[str, Generation] = {}
    for item in pair_items(tasks, planned, found):
        if item.verdict is not None:
            continue
        one, other = (found.texts[item.task, item.sample_id, row, item.repeat] for row in (item.first, item.second))
        key = digest(["pair", item.key])
        given[key] = Generation(request_key=key, text=AnswerPair(first=one, second=other).text)
        requests.append(
            Request(
                key=key,
                task=item.task,
                sample_id=item.sample_id,
                model=f"{item.first.model} / {item.second.model}",
                prompt=None,
                repeat=item.repeat,
                rendered=_NO_PROMPT,
                sampling=_SAMPLING,
            )
        )
    return Job(tasks=tuple(tasks), requests=tuple(requests), models={}, judges=(judge,), given=given)


def _no_answer() -> Verdict:
    return Verdict.unscored(Unscored("no_answer", tr("one of the two has no answer")))
