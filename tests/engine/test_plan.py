"""Keys: what must change them, and what must not."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from harness.codec import sample_digest
from harness.engine.plan import (
    PlannedJudge,
    PlannedModel,
    SampleKey,
    judgement_items,
    plan_requests,
    task_hash,
)
from harness.templates import Template, load_template
from harness.types import UNIT, Generation, PlannedTask, Sample, Sampling

SAMPLE = Sample(id="1", inputs={"input": "問"}, reference="答", criteria="基準", rules=({"type": "json"},), tags=("t",))
TASK = PlannedTask(name="task", samples=(SAMPLE,))
MODEL = PlannedModel(label="label", fingerprint="weights")
COURSE, PLAIN = load_template("course.v1"), load_template("plain.v1")
GREEDY = Sampling()


def key(
    task: PlannedTask = TASK, model: PlannedModel = MODEL, template: Template = COURSE, sampling: Sampling = GREEDY
) -> str:
    return plan_requests([task], [model], [template], sampling=sampling)[0].key


def test_a_request_key_ignores_labels_and_follows_content() -> None:
    """Task names, labels, ids and the seed of greedy decoding are no content; prompt, model and sampling are."""
    renamed = PlannedTask(name="other", samples=(replace(SAMPLE, id="9", tags=(), reference="別"),))
    same = [key(task=renamed), key(model=replace(MODEL, label="x")), key(sampling=replace(GREEDY, seed=9))]
    assert {key()} == set(same)
    others = [
        key(model=replace(MODEL, fingerprint="other weights")),
        key(template=PLAIN),
        key(template=load_template("course-nobos.v1")),
        key(sampling=replace(GREEDY, max_new_tokens=9)),
        key(sampling=replace(GREEDY, repetition_penalty=1.0)),
        key(sampling=replace(GREEDY, temperature=0.5)),
        key(sampling=replace(GREEDY, temperature=0.5, seed=1)),
        key(task=PlannedTask(name="task", samples=(replace(SAMPLE, inputs={"input": "別の問"}),))),
    ]
    assert len(others) + 1 == len({key(), *others})


def judgement_key(sample: Sample = SAMPLE, text: str = "答え", fingerprint: str = "judge", **more: bool) -> str:
    request = plan_requests([TASK], [MODEL], [COURSE], sampling=GREEDY)[0]
    judge = PlannedJudge(name="j", fingerprint=fingerprint, scale=UNIT, **more)
    generation = Generation(request_key=request.key, text=text)
    key_of = SampleKey(sample=sample, digest=sample_digest(sample))
    [item] = judgement_items(request, generation, key_of, [judge])
    return item.key


def test_a_judgement_key_covers_judge_task_and_answer() -> None:
    """A changed answer, question, reference, criterion, rule or judge can never hit a stale score."""
    changed = [
        judgement_key(text="別の答え"),
        judgement_key(fingerprint="other judge"),
        judgement_key(replace(SAMPLE, inputs={"input": "別の問"})),
        judgement_key(replace(SAMPLE, reference="別")),
        judgement_key(replace(SAMPLE, criteria="別")),
        judgement_key(replace(SAMPLE, rules=())),
    ]
    assert len(changed) + 1 == len({judgement_key(), *changed})
    assert judgement_key() == judgement_key(replace(SAMPLE, tags=("other",), cluster="c"))


def test_a_rating_belongs_to_model_and_task_whatever_the_text() -> None:
    """A human rating is found by label and id: the answer's text is no part of its key."""
    assert judgement_key(rates_models=True) == judgement_key(text="別の答え", rates_models=True)


def test_a_rating_is_told_apart_by_task() -> None:
    """Two tasks that share ids and texts do not share ratings."""
    judge = PlannedJudge(name="j", fingerprint="f", scale=UNIT, rates_models=True)
    keys = set()
    for task in ("one", "two"):
        request = plan_requests([replace(TASK, name=task)], [MODEL], [COURSE], sampling=GREEDY)[0]
        sample = SampleKey(sample=SAMPLE, digest=sample_digest(SAMPLE))
        [item] = judgement_items(request, Generation(request_key=request.key, text="同じ"), sample, [judge])
        keys.add(item.key)
    assert 2 == len(keys)


def test_answers_that_exist_need_no_prompt_and_no_repeats() -> None:
    """An answer file's rows exist once, whatever --prompt and --repeats say."""
    model = replace(MODEL, answers_exist=True)
    requests = plan_requests([TASK], [model], [COURSE, PLAIN], sampling=GREEDY, repeats=3)
    assert [(None, 0)] == [(request.prompt, request.repeat) for request in requests]


def test_failed_answers_are_unscored_with_the_reason() -> None:
    """No judge is asked about an answer that does not exist."""
    request = plan_requests([TASK], [MODEL], [COURSE], sampling=GREEDY)[0]
    judge = PlannedJudge(name="j", fingerprint="f", scale=UNIT)
    failed = Generation(request_key=request.key, text=None, finish_reason="error", error="no memory")
    key_of = SampleKey(sample=SAMPLE, digest=sample_digest(SAMPLE))
    [item] = judgement_items(request, failed, key_of, [judge])
    assert item.verdict is not None
    assert ("unscored", "generation failed: no memory") == (item.verdict.status, item.verdict.reason)


@given(st.permutations(range(5)))
def test_the_task_hash_follows_content_and_order(order: list[int]) -> None:
    """The same samples in the same order hash alike; another order is another task."""
    samples = [Sample(id=str(number), inputs={"input": f"問{number}"}) for number in range(5)]
    shuffled = [samples[place] for place in order]
    assert (task_hash(samples) == task_hash(shuffled)) == (order == sorted(order))
