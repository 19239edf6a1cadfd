"""vLLM, started and asked: by a stand-in here, by the true one in test_true_vllm.py."""

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from harness.errors import ModelLoadError, OutOfMemoryError
from harness.models.hf.adapters import open_adapter
from harness.models.hf.numerics import Numerics
from harness.models.vllm.engine import Ask, start
from harness.models.vllm.gate import SCORING
from harness.models.vllm.plan import Plan, Weights, sampling_arguments
from harness.models.vllm.slots import Slots
from tests.models.vllm.fake_vllm import FakeVllm

PLAN = Plan(
    weights=Weights(folder="base"),
    numerics=Numerics(device="cuda", dtype=torch.bfloat16, quantization="none"),
    slots=Slots(rank=16, count=2),
    context=2048,
    share=0.5,
)
GREEDY = sampling_arguments(limit=3, end=frozenset({2}), stop=(), penalty=1.0, temperature=0.0, seed=0)


def test_each_comes_out_as_it_ends_with_its_place(fake: FakeVllm) -> None:
    """VLLM promises no order, and puts a random end to the names that it gives."""
    fake.answers = lambda ids, lora: [ids[0] + 10, 2]
    given = list(start(PLAN).run([Ask(ids=[number, 5], adapter=None, sampling=GREEDY) for number in range(4)]))
    assert [3, 2, 1, 0] == [place for place, _ in given]
    assert {place: (place + 10, 2) for place in range(4)} == {place: said.tokens for place, said in given}
    assert {"stop"} == {said.reason for _, said in given}


def test_an_adapter_keeps_its_number(fake: FakeVllm, two_adapters: Mapping[str, Path]) -> None:
    """VLLM knows adapters by number: two under one would be one."""
    small, large = (open_adapter(str(path)) for path in two_adapters.values())
    engine = start(PLAN)
    list(engine.run([Ask(ids=[1, 2], adapter=one, sampling=GREEDY) for one in (small, large, small, None)]))
    list(engine.run([Ask(ids=[1, 2], adapter=large, sampling=GREEDY)]))
    assert [1, 2, 1, None, 2] == [one.lora and one.lora.number for one in fake.asked]


def test_scores_of_a_prompt_begin_with_its_second_token(fake: FakeVllm) -> None:
    """The first has nothing before it."""
    [(_, said)] = start(PLAN).run([Ask(ids=[7, 8, 9], adapter=None, sampling=SCORING)])
    assert (-1.0, -1.1) == said.prompt_scores


@pytest.mark.parametrize(
    ("architecture", "looked_at"),
    [("LlamaForCausalLM", {"LlamaForCausalLM": "the class of a Llama"}), ("OnlyInTheFolderForCausalLM", {})],
)
def test_the_model_s_class_is_imported_where_it_will_run(
    fake: FakeVllm, tmp_path: Path, architecture: str, looked_at: dict[str, str]
) -> None:
    """VLLM would start another Python to look at it; what it does not know is left to it."""
    (tmp_path / "config.json").write_text(json.dumps({"architectures": [architecture]}))
    start(replace(PLAN, weights=Weights(folder=str(tmp_path))))
    assert looked_at == fake.looked_at
    assert 1 == len(fake.started)


@pytest.mark.parametrize(
    ("failure", "error", "message"),
    [
        (ValueError("Free memory on device cuda:0 (3.2/79 GiB) is less than"), OutOfMemoryError, "50% of the GPU"),
        (torch.OutOfMemoryError("CUDA out of memory"), OutOfMemoryError, "does not fit into memory"),
        (ImportError("libcudart.so.13: cannot open"), ModelLoadError, "could not be started: libcudart"),
    ],
)
def test_what_prevents_a_start_is_a_sentence(
    fake: FakeVllm, failure: Exception, error: type[Exception], message: str
) -> None:
    """With both ways out: other programs, or the other engine."""
    fake.failure = failure
    with pytest.raises(error, match=message) as found:
        start(PLAN)
    assert "--engine hf" in str(vars(found.value).get("hint") or found.value.hint)  # type: ignore[attr-defined]


def test_an_engine_that_ends_is_a_sentence_and_what_it_gave_is_kept(fake: FakeVllm) -> None:
    """Its process may be killed."""
    fake.fails_after = 2
    given = []
    with pytest.raises(ModelLoadError, match="The engine vLLM ended: EngineCore encountered an issue"):
        given.extend(start(PLAN).run([Ask(ids=[1, 2], adapter=None, sampling=GREEDY)] * 3))
    assert ["0", "2"] == sorted(fake.aborted) or given or fake.aborted


def test_whoever_stops_listening_stops_the_engine_s_work(fake: FakeVllm) -> None:
    """Ctrl-C: the rest must not be generated for nobody."""
    going = start(PLAN).run([Ask(ids=[1, 2], adapter=None, sampling=GREEDY)] * 3)
    next(going)
    going.close()  # type: ignore[attr-defined]
    assert ["0", "1"] == fake.aborted


def test_nothing_more_is_generated_once_it_is_said_that_nobody_wants_it(fake: FakeVllm) -> None:
    """By another process, between two steps."""
    words = iter([False, False, True])
    asks = [Ask(ids=[1, 2], adapter=None, sampling=GREEDY)] * 4
    assert [3, 2] == [place for place, _ in start(PLAN).run(asks, lambda: next(words))]
    assert ["0", "1"] == fake.aborted


def test_what_was_compiled_is_kept_with_the_other_caches(
    fake: FakeVllm, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """And what the user has set stands."""
    import os

    monkeypatch.delenv("VLLM_CACHE_ROOT", raising=False)
    monkeypatch.setenv("VLLM_LOGGING_LEVEL", "INFO")
    start(PLAN)
    assert str(tmp_path / "cache" / "vllm") == os.environ["VLLM_CACHE_ROOT"]
    assert "INFO" == os.environ["VLLM_LOGGING_LEVEL"]
    monkeypatch.delenv("VLLM_CACHE_ROOT")


def test_better_choices_for_kernels_are_named_unless_the_user_named_some(
    fake: FakeVllm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """VLLM reads the folder from its environment."""
    for before, plan, expected in (
        (None, PLAN, None),
        (None, replace(PLAN, kernels="ours"), "ours"),
        ("mine", replace(PLAN, kernels="ours"), "mine"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(os, "environ", {} if before is None else {"VLLM_TUNED_CONFIG_FOLDER": before})
            start(plan)
            assert os.environ.get("VLLM_TUNED_CONFIG_FOLDER") == expected
