"""The answers of a run with their scores: what is one answer, what is its score, and what has none."""

from dataclasses import dataclass, replace

from harness.engine.plan import JudgementItem
from harness.types import Generation, PlannedTask, RenderedPrompt, Request, Sample, Sampling, Verdict
from trainers.data.judged_answers import JudgedAnswer, judged_prompts


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeRun:
    """As much of a run as is asked for."""

    tasks: tuple[PlannedTask, ...]
    requests: tuple[Request, ...]
    answers: dict[str, Generation]
    items: tuple[JudgementItem, ...]
    given: dict[tuple[str, int], float | None]

    def verdict(self, item: JudgementItem) -> Verdict:
        """Return the verdict."""
        score = self.given[item.request.key, item.judge_repeat]
        return Verdict.unscored("unclear") if score is None else Verdict.scored(score)


def run_of(*answers: tuple[str | None, str, list[float | None]]) -> FakeRun:
    """A run of one task whose answers are (text, model, scores by judge repeat)."""
    sample = Sample(id="s", inputs={"input": "問い"})
    requests, generations, items, given = [], {}, [], {}
    for number, (text, model, scores) in enumerate(answers):
        request = Request(
            key=str(number), task="t", sample_id="s", model=model, prompt="p", repeat=number,
            rendered=RenderedPrompt(messages=()), sampling=Sampling(),
        )  # fmt: skip
        requests.append(request)
        generations[request.key] = Generation(
            request_key=request.key, text=text, finish_reason="length" if text == "cut" else "stop"
        )
        for repeat, score in enumerate(scores):
            items.append(JudgementItem(key=f"{number}-{repeat}", judge="j", request=request, judge_repeat=repeat))
            given[request.key, repeat] = score
    return FakeRun(
        tasks=(PlannedTask(name="t", samples=(sample, replace(sample, id="unasked"))),),
        requests=tuple(requests),
        answers=generations,
        items=tuple(items),
        given=given,
    )


def test_the_score_is_the_mean_of_the_verdicts() -> None:
    """Of two verdicts; a prompt that nothing was asked of is left out."""
    [prompt] = judged_prompts(run_of(("a", "m", [5, 2])), "j")
    assert ("t s", (JudgedAnswer(text="a", score=3.5, model="m"),), 0) == (
        prompt.where,
        prompt.answers,
        prompt.unscored,
    )


def test_equal_texts_are_one_answer() -> None:
    """By the first that gave it, with the mean of their scores; blanks around it do not count."""
    [prompt] = judged_prompts(run_of(("a", "m", [5]), ("b", "m", [1]), (" a\n", "n", [2])), "j")
    assert [("a", 3.5, "m"), ("b", 1, "m")] == [(one.text, one.score, one.model) for one in prompt.answers]


def test_what_has_no_score_is_counted() -> None:
    """No answer, no verdict, a verdict without a score among others; another judge's verdicts do not count."""
    run = run_of((None, "m", []), ("a", "m", []), ("b", "m", [4, None]), ("cut", "m", [3]))
    [prompt] = judged_prompts(run, "j")
    assert ([JudgedAnswer(text="cut", score=3, model="m", cut=True)], 3) == (list(prompt.answers), prompt.unscored)
    [prompt] = judged_prompts(run, "other")
    assert ((), 4) == (prompt.answers, prompt.unscored)


def test_only_the_models_that_are_named() -> None:
    """None named: all."""
    run = run_of(("a", "m", [5]), ("b", "n", [1]))
    assert [["b"], ["a", "b"]] == [
        [one.text for one in judged_prompts(run, "j", models)[0].answers] for models in (["n"], [])
    ]
    assert [] == judged_prompts(run, "j", ["x"])
