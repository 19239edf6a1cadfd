"""What vLLM is started with."""

from dataclasses import replace

import pytest
import torch

from harness.models.hf.numerics import Numerics
from harness.models.vllm.plan import ADAPTERS, Plan, Weights, memory_share, sampling_arguments
from harness.models.vllm.slots import Slots

ON_A_GPU = Numerics(device="cuda", dtype=torch.bfloat16, quantization="nf4", route="dequantised")


def plan(numerics: Numerics = ON_A_GPU, weights: Weights | None = None, count: int = 4) -> Plan:
    return Plan(
        weights=weights or Weights(folder="base", turned=frozenset({"b.weight", "a.weight"})),
        numerics=numerics,
        slots=Slots(rank=16, count=count, modules=("q_proj", "v_proj")) if count else Slots(rank=0, count=0),
        context=2048,
        share=0.9 if numerics.device == "cuda" else None,
    )


def test_a_gpu_gets_values_of_nf4_graphs_of_few_sizes_and_room_for_adapters() -> None:
    """A few sizes up to what is answered at once, for decoding alone; torch compiles nothing."""
    told = plan().arguments()
    assert {
        "mode": 0,
        "cudagraph_mode": "FULL_DECODE_ONLY",
        "cudagraph_capture_sizes": [1, 8, 16, 32, 64, 128],
    } == told["compilation_config"]
    assert (True, 16, 4) == (told["enable_lora"], told["max_lora_rank"], told["max_loras"])
    assert ["q_proj", "v_proj"] == told["lora_target_modules"]
    assert "harness-nf4" == told["load_format"]
    extra = {"names": ["a.weight", "b.weight"], "dtype": "bfloat16", "double_quant": False}
    assert extra == told["model_loader_extra_config"]
    assert ("bfloat16", 0.9, "vllm", False) == (
        told["dtype"],
        told["gpu_memory_utilization"],
        told["generation_config"],
        told["enable_prefix_caching"],
    )


@pytest.mark.parametrize(("sequences", "sizes"), [(96, [1, 8, 16, 32, 64, 96]), (8, [1, 8]), (208, 7)])
def test_the_largest_size_captured_is_what_is_answered_at_once(sequences: int, sizes: list[int] | int) -> None:
    """Sizes above it would be captured for nothing, and passes without a graph are slow."""
    told = replace(plan(), sequences=sequences).arguments()
    found = told["compilation_config"]["cudagraph_capture_sizes"]
    assert (sequences, sequences) == (told["max_num_seqs"], found[-1])
    assert sizes in (found, len(found))


@pytest.mark.parametrize(("count", "device", "at_once"), [(40, "cuda", ADAPTERS), (3, "cuda", 3), (40, "cpu", 41)])
def test_many_adapters_take_turns_on_a_gpu_and_none_is_forgotten(count: int, device: str, at_once: int) -> None:
    """A place on a GPU takes room from the rows; on a CPU one more is kept empty."""
    numerics = ON_A_GPU if device == "cuda" else Numerics(device="cpu", dtype=torch.float32, quantization="none")
    told = plan(numerics, count=count).arguments()
    assert (at_once, max(count, at_once)) == (told["max_loras"], told["max_cpu_loras"])


def test_a_pass_reads_no_more_of_prompts_than_keeps_room_for_rows() -> None:
    """But always a whole prompt, which some models cannot be read in parts."""
    small = Numerics(device="cuda", dtype=torch.bfloat16, quantization="nf4")
    told = [plan().arguments(), plan(small).arguments(), replace(plan(small), context=8192).arguments()]
    assert [4096, 2048, 8192] == [one["max_num_batched_tokens"] for one in told]


def test_a_small_card_keeps_weights_in_4_bits_with_the_scales_of_training() -> None:
    """VLLM's own loader would round the scales, too, whatever training did."""
    small = Numerics(device="cuda", dtype=torch.bfloat16, quantization="nf4")
    told = plan(small, Weights(folder="base")).arguments()
    assert ("bitsandbytes", {"double_quant": False}) == (told["quantization"], told["model_loader_extra_config"])


def test_a_base_alone_has_no_adapters_and_a_cpu_no_graphs() -> None:
    """Nothing is set aside that is not used."""
    told = plan(Numerics(device="cpu", dtype=torch.float32, quantization="none"), Weights(folder="base"), 0).arguments()
    assert not {
        "enable_lora",
        "max_loras",
        "lora_target_modules",
        "gpu_memory_utilization",
        "compilation_config",
    } & set(told)
    assert (True, "safetensors", "float32") == (told["enforce_eager"], told["load_format"], told["dtype"])


def test_memory_is_what_is_free_and_never_more() -> None:
    """VLLM refuses to start where less is free than it was given."""
    total = 24 << 30
    for free in (total, 20 << 30, 6 << 30):
        assert memory_share(free, total) * total < free
    assert 0.01 == memory_share(1 << 30, total)


def test_sampling_names_every_end_and_leaves_out_what_does_not_count() -> None:
    """A seed only where tokens are drawn, texts only where one ends an answer."""
    told = sampling_arguments(limit=5, end=frozenset({9, 2}), stop=(), penalty=1.2, temperature=0.0, seed=7)
    assert ([2, 9], True, False) == (told["stop_token_ids"], told["ignore_eos"], told["detokenize"])
    assert not {"seed", "stop"} & set(told)
    drawn = sampling_arguments(limit=5, end=frozenset(), stop=("#",), penalty=1.0, temperature=0.5, seed=7)
    assert (7, ["#"], True) == (drawn["seed"], drawn["stop"], drawn["detokenize"])
