"""From rows that meet to verdicts on pairs of answers, by content."""

import pytest

from harness.engine.execute import execute
from harness.engine.job import Progress
from harness.engine.pairing import Answered, PairItem, answered, pair_items, pairs_job
from harness.engine.plan import PlannedModel, plan_requests
from harness.pairs.answer_pair import PAIR_SCALE, AnswerPair
from harness.pairs.planned import PairOfRows, PairRating, PlannedPairs
from harness.plugins import identity
from harness.store.store import Store
from harness.types import Generation, PlannedTask, RowKey, Sample, Sampling, Verdict

A, B = (RowKey(model=name, prompt=None) for name in "ab")
TASK = PlannedTask(name="t", samples=tuple(Sample(id=str(n), inputs={"input": f"問{n}"}) for n in range(3)))


def found(*, repeats: int = 1, missing: str | None = None) -> Answered:
    models = [PlannedModel(label=name, fingerprint=name, answers_exist=True, repeats=repeats) for name in "ab"]
    requests = plan_requests([TASK], models, (), sampling=Sampling())
    answers = {
        one.key: Generation(request_key=one.key, text=None if f"{one.model}{one.sample_id}" == missing
                            else f"{one.model}{one.sample_id}{one.repeat}", error="x")
        for one in requests
    }  # fmt: skip
    return answered(requests, answers)


def planned(fingerprint: str = "j", **given: object) -> PlannedPairs:
    pairs = (PairOfRows(candidate=B, opponent=A),)
    return PlannedPairs(judge="pairwise:x", fingerprint=fingerprint, pairs=pairs, **given)


def items(plan: PlannedPairs, answers: Answered, task: PlannedTask = TASK) -> list[PairItem]:
    return list(pair_items([task], plan, answers))


class Longer:
    """A judge that prefers the longer answer, else the first; it keeps what it was shown."""

    name, scale, fingerprint, judges_pairs = "pairwise:x", PAIR_SCALE, "j", True

    def __init__(self) -> None:
        self.shown: list[AnswerPair] = []

    def judge(self, sample: Sample, generation: Generation) -> Verdict:
        pair = AnswerPair.of(generation.text or "")
        self.shown.append(pair)
        return Verdict.scored(float(len(pair.first) >= len(pair.second)))


def test_every_pair_is_judged_in_both_orders() -> None:
    """Two verdicts a task, each under a key of its own."""
    made = items(planned(), found())
    assert [(one.sample_id, one.first, one.second) for one in made[:2]] == [("0", B, A), ("0", A, B)]
    assert len(made) == len({one.key for one in made}) == 6
    assert {one.characters for one in made} == {(3, 3)}


def test_the_key_covers_both_answers_their_order_the_judge_and_the_sample() -> None:
    """And nothing else: not whose they are, and not what the pair is asked against."""
    base = items(planned(), found())[0].key
    other_row = RowKey(model="z", prompt="p")
    texts = {("t", "0", B, 0): "b00", ("t", "0", A, 0): "a00", ("t", "0", other_row, 0): "b00"}
    renamed = PlannedPairs(judge="y", fingerprint="j", pairs=(PairOfRows(candidate=other_row, opponent=A),))
    assert items(renamed, Answered(texts=texts, repeats={}))[0].key == base
    assert items(planned("k"), found())[0].key != base
    for place in (A, B):
        changed = Answered(texts={**texts, ("t", "0", place, 0): "c"}, repeats={})
        assert items(planned(), changed)[0].key != base
    sample = Sample(id="0", inputs={"input": "別の問"})
    assert items(planned(), found(), PlannedTask(name="t", samples=(sample,)))[0].key != base


def test_repeats_meet_their_like() -> None:
    """The first answer the first, the second the second."""
    made = items(planned(), found(repeats=2))
    assert len(made) == 12
    assert {one.repeat for one in made} == {0, 1}


def test_a_missing_answer_is_no_verdict_and_no_call() -> None:
    """In both orders, with the reason."""
    answers = found(missing="a1")
    missing = [one for one in items(planned(), answers) if one.sample_id == "1"]
    assert [one.verdict.code for one in missing if one.verdict] == ["no_answer", "no_answer"]
    assert len(pairs_job([TASK], planned(), Longer(), answers).requests) == 4


def test_the_engine_judges_pairs_and_resumes(tmp_path: object) -> None:
    """A second time nothing is asked; with a changed answer only its own pairs are."""
    judge = Longer()
    plan = planned(identity(judge))
    with Store(f"{tmp_path}/s.sqlite") as store:
        job = pairs_job([TASK], plan, judge, found())
        first = execute(job, store, Progress())
        assert (first.judged, first.generated, len(judge.shown)) == (6, 0, 6)
        assert {pair.swapped for pair in judge.shown} == set(judge.shown)
        again = execute(job, store, Progress())
        assert (again.judged, again.verdicts) == (0, first.verdicts)
        answers = found()
        changed = Answered(texts={**answers.texts, ("t", "2", A, 0): "新しい"}, repeats=answers.repeats)
        assert execute(pairs_job([TASK], plan, judge, changed), store, Progress()).judged == 2
        keys = {one.key for one in items(plan, answers)}
        assert set(store.judgements(list(keys))) == keys
        assert store.generations([request.key for request in job.requests]) == {}  # no answer is kept twice


@pytest.mark.parametrize(("share", "skip", "code"), [(1.0, None, None), (None, "unsure", "rating_skipped")])
def test_peoples_verdicts_are_taken_as_they_are(share: float | None, skip: str | None, code: str | None) -> None:
    """One item for each, in the order in which it was shown; a skip has its reason."""
    rating = PairRating(task="t", task_id="1", first=A, second=B, share=share, rater="1", skip=skip)
    (item,) = items(planned(kind="human", ratings=(rating,)), found())
    assert item.verdict is not None
    assert (item.first, item.rater, item.verdict.score, item.verdict.code) == (A, "1", share, code)
