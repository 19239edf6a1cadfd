"""Two engines asked the same: what is asked of which, in which order, and on whose texts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from harness.engine.parity import Questions, measure_engine, measure_reference
from harness.protocols import ForcedAnswer
from harness.types import Generation, Message, RenderedPrompt, Request, Sampling

PROMPTS = tuple(RenderedPrompt(messages=(Message(role="user", content=text),), stop=("\n",)) for text in "ab")
LOG: list[str] = []


@dataclass
class Fake:
    """A model that answers with its own number, and writes down what it is asked."""

    number: int
    has_adapter: bool = False
    resolution: float = 0.5
    asked: list[tuple[RenderedPrompt, ...]] = field(default_factory=list)
    fingerprint: str = "fake"

    def generate(self, requests: Sequence[Request]) -> Iterator[Generation]:
        return iter(())

    def numbers(self) -> "Fake":
        return self

    def without_adapter(self) -> "Fake":
        return Fake(0)

    def greedy_answers(self, prompts: Sequence[RenderedPrompt], sampling: Sampling) -> list[tuple[int, ...]]:
        assert sampling.temperature == 0
        assert all(not prompt.stop for prompt in prompts)
        return [(self.number,)] * len(prompts)

    def forced_answers(self, prompts: Sequence[RenderedPrompt], answers: Sequence[Sequence[int]]) -> list[ForcedAnswer]:
        LOG.append(f"forced {self.number}")
        return [ForcedAnswer(prompt=(1,), values=(float(answer[0]),)) for answer in answers]

    forced_alone = forced_answers

    def leaders(
        self, prompts: Sequence[RenderedPrompt], answers: Sequence[Sequence[int]], sampling: Sampling
    ) -> list[list[list[tuple[int, float]]]]:
        return [[[(answer[0], 1.0)]] for answer in answers]

    def release(self) -> None:
        LOG.append("release")


def test_all_models_are_given_the_bases_own_texts_whatever_the_order() -> None:
    """Answers are greedy, and no stop string ends them."""
    questions = Questions(prompts=PROMPTS, sampling=Sampling(temperature=0.7))
    LOG.clear()
    reference = measure_reference({"tuned": Fake(5, has_adapter=True), "base": Fake(3)}, questions)
    assert ["base", "tuned"] == list(reference.models)
    assert ((3,), (3,)) == reference.texts
    assert [3.0, 3.0] == [one.values[0] for one in reference.models["tuned"].numbers.forced]
    assert ((5,), (5,)) == reference.models["tuned"].numbers.greedy
    assert (((5, 1.0),),) == reference.models["tuned"].leaders[0]
    assert 0.5 == reference.resolution
    assert "release" in LOG
    found = measure_engine({"tuned": Fake(9)}, questions, reference)
    assert ((9,), (9,)) == found["tuned"].greedy
    assert LOG.index("release") < LOG.index("forced 9")
    assert [3.0, 3.0] == [one.values[0] for one in found["tuned"].forced]


def test_the_base_and_as_many_adapters_as_are_asked_for_answer_whole_and_the_others_begin_two() -> None:
    """By the other engine for the same models; texts are given to all of them."""
    asked: list[tuple[int, int]] = []

    class Counted(Fake):
        def greedy_answers(self, prompts: Sequence[RenderedPrompt], sampling: Sampling) -> list[tuple[int, ...]]:
            asked.append((len(prompts), sampling.max_new_tokens))
            return super().greedy_answers(prompts, sampling)

    models = {"one": Counted(1, has_adapter=True), "base": Counted(3), "two": Counted(2, has_adapter=True)}
    questions = Questions(prompts=PROMPTS * 2, sampling=Sampling(max_new_tokens=48), adapters=1)
    reference = measure_reference(models, questions)
    assert asked == [(4, 48), (4, 48), (2, 12)]
    asked.clear()
    found = measure_engine(models, questions, reference)
    assert asked == [(4, 48), (4, 48), (2, 12)]
    for numbers in ({label: one.numbers for label, one in reference.models.items()}, found):
        assert {"base": 4, "one": 4, "two": 2} == {label: len(one.greedy) for label, one in numbers.items()}
        assert [4, 4, 4] == [len(one.forced) for one in numbers.values()]
    assert {"base": 4, "one": 4, "two": 2} == {label: len(one.leaders) for label, one in reference.models.items()}


def test_adapters_without_their_base_are_measured_against_it_all_the_same() -> None:
    """It stands first, without a label."""
    questions = Questions(prompts=PROMPTS, sampling=Sampling())
    reference = measure_reference({"one": Fake(1, has_adapter=True)}, questions)
    assert ["", "one"] == list(reference.models)
    assert ((0,), (0,)) == reference.texts


def test_a_short_text_goes_on_with_the_beginning_of_its_prompt() -> None:
    """Without the token in front; a long one stays as it is."""

    class Talkative(Fake):
        def greedy_answers(self, prompts: Sequence[RenderedPrompt], sampling: Sampling) -> list[tuple[int, ...]]:
            return [(7,), (7,) * 20]

        def forced_answers(
            self, prompts: Sequence[RenderedPrompt], answers: Sequence[Sequence[int]]
        ) -> list[ForcedAnswer]:
            return [ForcedAnswer(prompt=tuple(range(100)), values=(0.0,) * len(answer)) for answer in answers]

        forced_alone = forced_answers

    reference = measure_reference({"base": Talkative(1)}, Questions(prompts=PROMPTS, sampling=Sampling()))
    assert ((7, *range(1, 25)), (7,) * 20) == reference.texts
    assert ((7,), (7,) * 20) == reference.models["base"].numbers.greedy
