"""Models in vLLM: one call for a board, the same tokens asked and the same texts given as on the other engine."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.errors import AdapterMismatchError, ModelLoadError, UsageError
from harness.models.hf import BASE_MODELS, open_local
from harness.models.vllm import shared
from harness.models.vllm.model import VllmModel, draw_seed
from harness.protocols import AnswersTogether, ModelStopped, SecondEngine, Sharing, SpreadsOverGpus
from harness.types import Generation, Request
from tests.models.vllm.fake_vllm import FakeVllm

Ask = Callable[..., Request]
TEXTS = ("日本の首都は？", "hello")


def requests_for(board: Mapping[str, Any], ask: Ask, **more: Any) -> dict[str, list[Request]]:
    return {
        label: [replace(ask(text, key=f"{label} {text}", **more), model=label) for text in TEXTS] for label in board
    }


def test_a_board_is_asked_in_one_call_each_with_its_adapter(
    board: Mapping[str, Any], fake: FakeVllm, ask: Ask, two_adapters: Mapping[str, Path]
) -> None:
    """After one call in which the effect of the adapters was seen."""
    assert all(isinstance(one, AnswersTogether) and isinstance(one, SecondEngine) for one in board.values())
    assert 1 == len({one.company for one in board.values()})
    asked = requests_for(board, ask)
    given = list(board["base"].generate_together(asked))
    assert {one.key for several in asked.values() for one in several} == {one.request_key for one in given}
    assert 3 == fake.calls
    assert 1 == len(fake.started)
    paths = [one.lora and one.lora.path for one in fake.asked[-6:]]
    small, large = (str(two_adapters[name].resolve()) for name in ("small", "large"))
    assert [None, None, small, small, large, large] == paths
    assert 1 == BASE_MODELS.loads or BASE_MODELS.loads


def test_tokens_and_sampling_are_those_of_the_other_engine(board: Mapping[str, Any], fake: FakeVllm, ask: Ask) -> None:
    """The ids of our own rendering, its penalty and its ends; nothing that vLLM would add by itself."""
    request = ask("日本の首都は？", new=7, penalty=1.3, stop=("###",))
    list(board["base"].generate([request]))
    one = fake.asked[-1]
    assert [token for token, _ in board["base"].tokens(request.rendered)] == one.ids
    told = {
        "max_tokens": 7,
        "temperature": 0.0,
        "repetition_penalty": 1.3,
        "stop_token_ids": [2],
        "ignore_eos": True,
        "detokenize": True,
        "stop": ["###"],
    }
    assert told == vars(one.params)


def test_texts_end_as_on_the_other_engine(board: Mapping[str, Any], fake: FakeVllm, ask: Ask) -> None:
    """Without the token that ended them, up to a stop text, or at their limit."""
    ids = board["base"].engine.encoder.tokenizer("東京です。###指示", add_special_tokens=False)["input_ids"]
    fake.answers = lambda given, lora: [*ids, 2]
    [ended] = board["base"].generate([ask("x", new=60)])
    assert ("東京です。###指示", "stop", len(ids) + 1) == (ended.text, ended.finish_reason, ended.tokens_out)
    [cut] = board["base"].generate([ask("x", new=60, stop=("###",))])
    assert "東京です。" == cut.text
    [long] = board["base"].generate([ask("x", new=3)])
    assert ("length", 3) == (long.finish_reason, long.tokens_out)


def test_drawn_answers_have_seeds_of_their_own(board: Mapping[str, Any], fake: FakeVllm, ask: Ask) -> None:
    """By request, seed and repeat, within what vLLM takes."""
    list(board["base"].generate([ask("x", temperature=0.7, repeat=one, seed=3) for one in range(3)]))
    seeds = [one.params.seed for one in fake.asked[-3:]]
    assert 3 == len(set(seeds))
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert draw_seed(ask("x", seed=1)) != draw_seed(ask("x", seed=2))


def test_an_adapter_without_effect_is_refused_and_the_others_go_on(
    board: Mapping[str, Any], fake: FakeVllm, ask: Ask
) -> None:
    """VLLM takes some adapters and passes them over in silence."""
    fake.scores = lambda ids, lora: [-1.0 - (0.5 if lora == 2 else 0.0) - 0.1 * place for place in range(len(ids) - 1)]
    given = list(board["base"].generate_together(requests_for(board, ask)))
    [stopped] = [one for one in given if isinstance(one, ModelStopped)]
    assert "small" == stopped.model
    assert "has no effect in vLLM" in stopped.reason
    assert "--engine hf" in stopped.reason
    answered = {one.request_key.split()[0] for one in given if isinstance(one, Generation)}
    assert {"base", "large"} == answered
    with pytest.raises(AdapterMismatchError, match="no effect"):
        list(board["small"].generate([ask("x")]))


def test_scores_that_are_no_numbers_are_no_answers(board: Mapping[str, Any], fake: FakeVllm, ask: Ask) -> None:
    """float16 that overflowed: vLLM would go on with some token."""
    fake.scores = lambda ids, lora: [float("nan")] * (len(ids) - 1)
    with pytest.raises(ModelLoadError, match="not numbers"):
        list(board["small"].generate([ask("x")]))


def test_engine_and_version_are_in_the_fingerprint(
    board: Mapping[str, Any], tiny: Path, spec_of: Callable[..., Any]
) -> None:
    """Answers of two engines, or of two versions of one, are never taken for each other's."""
    base: VllmModel = board["base"]
    assert base.fingerprint.startswith("vllm/2 0.27.1 base=")
    assert open_local(spec_of("base", base=str(tiny))).fingerprint != base.fingerprint
    assert "vllm 0.27.1" == base.details["engine"]
    assert base.reference().fingerprint.startswith("local/")
    assert base.fingerprint != board["small"].fingerprint


def test_a_base_on_the_other_engine_takes_its_memory(
    board: Mapping[str, Any], fake: FakeVllm, ask: Ask, tiny: Path, spec_of: Callable[..., Any]
) -> None:
    """Two engines are never in memory together."""
    list(board["base"].generate([ask("x")]))
    assert 0 == fake.released
    list(board["base"].reference().generate([ask("x", new=1)]))
    assert 1 == fake.released
    list(board["base"].generate([ask("x")]))
    assert 2 == len(fake.started)


def test_a_prompt_that_is_too_long_fails_alone(board: Mapping[str, Any], ask: Ask) -> None:
    """As on the other engine, and in the same words."""
    long, short = ask("あ" * 300, key="long"), ask("x", key="short")
    given = {one.request_key: one for one in board["base"].generate([long, short])}
    assert "the model takes 256 with the answer" in str(given["long"].error)
    assert given["short"].text is not None


def test_a_board_is_answered_for_by_an_engine_on_each_gpu(
    board: Mapping[str, Any], fake: FakeVllm, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as the block; the models, and what they are asked, stay the same."""
    places: list[list[str]] = []
    own = shared.start_engines

    def started(plan: Any, where: Any) -> Any:
        places.append([str(one.name) for one in where])
        return own(plan, where)

    monkeypatch.setattr(shared, "start_engines", started)
    assert all(isinstance(one, SpreadsOverGpus) for one in board.values())
    with board["base"].spread(board, Sharing(processes=2, tokens=9, stays=True)) as models:
        assert models == board
        given = list(models["small"].generate_together(requests_for(models, ask)))
    assert 6 == len(given)
    assert [["process 0", "process 1"]] == places
    with (
        pytest.raises(UsageError, match="--gpus 3: 0 GPUs"),
        board["base"].spread(board, Sharing(gpus=3, tokens=9, stays=True)),
    ):
        pass
