"""What vLLM is started with: arguments for its class ``LLM``, from what is known before it is imported."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.models.hf.numerics import Numerics
from harness.models.vllm.slots import Slots
from harness.models.vllm_loader.nf4 import NF4_TURNED

WORKER = "harness.models.vllm_loader.worker.HarnessWorker"
SEQUENCES = 128  # answered at once, where nothing is known of the room
ADAPTERS = 8  # that act at once on a GPU, the others wait in the computer's memory: a place takes room from the rows
_CAPTURED = (1, 8, 16, 32, 64, 128)  # sizes of decoding batches: 7 instead of 51, 45 seconds of the start-up less
_SHORTEST = 2048  # tokens of context: so that a few longer prompts do not make another engine
_GIB = 1 << 30
_LEFT_FREE = 1.5 * _GIB  # for this process beside vLLM's, and what no profile of vLLM sees
_UNEVEN = 1.1  # rows at once for each that fits at its full length; 1.3 was 10 % slower than 1 where all grow to it
_FEWEST, _MOST = 8, 256  # sequences; it may still be that one at a time fits
_STEP = 16  # sequences by which more are answered at once; half of it up to 64
_PROMPT_TOKENS, _PROMPT_TOKENS_NF4 = 4096, 2048  # read in a pass: vLLM's own 16,384 take room from the rows
_MOST_SHARE = 0.92  # as vLLM's own default has it
_CPU_CACHE_GIB = 2  # of keys and values, on a CPU


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Which weights vLLM loads: a ``folder``, and the names of those that get the values of their nf4 form."""

    folder: str
    turned: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """An engine to be started. ``context``: the longest sequence; ``share``: of a GPU's memory, None on a CPU.

    ``kernels``: the folder of `harness.models.vllm.lora_kernels`, None where vLLM chooses for itself.
    """

    weights: Weights
    numerics: Numerics
    slots: Slots
    context: int
    share: float | None
    sequences: int = SEQUENCES
    trusted: bool = False
    kernels: str | None = None

    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments of ``vllm.LLM``."""
        numerics = self.numerics
        chosen: dict[str, Any] = {
            "model": self.weights.folder,
            "dtype": numerics.dtype_name,
            "max_model_len": self.context,
            "max_num_seqs": self.sequences,
            "trust_remote_code": self.trusted,
            "generation_config": "vllm",  # else the base's own temperature would be taken for a default
            "enable_prefix_caching": False,  # an answer must not depend on who asked before
            "seed": 0,
            "disable_log_stats": True,
            "worker_extension_cls": WORKER,
        }
        return chosen | self._adapters() | self._loading() | self._device()

    def _adapters(self) -> dict[str, Any]:
        count = self.slots.count
        if not count:
            return {}
        # On a CPU vLLM 0.32 answers for a base beside adapters with what is in the last slot: it has to be empty.
        places = count + 1 if self.share is None else min(count, ADAPTERS)
        return {
            "enable_lora": True,
            "max_lora_rank": self.slots.rank,
            "max_loras": places,
            "max_cpu_loras": max(count, places),
            "lora_target_modules": list(self.slots.modules),
        }

    def _loading(self) -> dict[str, Any]:
        numerics = self.numerics
        if self.weights.turned:
            told = {
                "names": sorted(self.weights.turned),
                "dtype": numerics.dtype_name,
                "double_quant": numerics.double_quant,
            }
            return {"load_format": NF4_TURNED, "model_loader_extra_config": told}
        if self.in_engine_nf4:
            told = {"double_quant": numerics.double_quant}
            return {"quantization": "bitsandbytes", "model_loader_extra_config": told}
        return {"load_format": "safetensors"}

    @property
    def in_engine_nf4(self) -> bool:
        """Whether weights stay 4-bit in the engine."""
        return self.numerics.quantization == "nf4" and self.numerics.route == "plain"

    def _captured(self) -> list[int]:
        return [*(size for size in _CAPTURED if size < self.sequences), self.sequences]

    def _device(self) -> dict[str, Any]:
        if self.share is None:
            cache = _CPU_CACHE_GIB * _GIB
            return {"enforce_eager": True, "kv_cache_memory_bytes": cache, "distributed_executor_backend": "uni"}
        # "mode" 0: without torch.compile, which takes longer (18 s of 110, H100) than the 2 % that it gains give back
        captured = {"mode": 0, "cudagraph_mode": "FULL_DECODE_ONLY", "cudagraph_capture_sizes": self._captured()}
        tokens = max(self.context, _PROMPT_TOKENS_NF4 if self.in_engine_nf4 else _PROMPT_TOKENS)
        return {
            "gpu_memory_utilization": self.share,
            "compilation_config": captured,
            "max_num_batched_tokens": tokens,
        }


def context_for(longest: int, most: int | None) -> int:
    """Return the context to start with for sequences of ``longest`` tokens; ``most`` is what the model takes.

    >>> context_for(700, 4096), context_for(3000, 4096), context_for(5000, None)
    (2048, 4096, 8192)
    """
    context = _SHORTEST
    while context < longest:
        context *= 2
    return context if most is None else min(context, most)


def sequences_for(room: float, row_bytes: float) -> int:
    """Return how many sequences to answer at once where keys and values have ``room`` bytes and a row takes so many.

    A few more than fit where all grow to their limits: vLLM then stops the last of them and answers it anew.

    >>> sequences_for(48e9, 5.5e8), sequences_for(48e9, 2e8), sequences_for(13e9, 3.2e8), sequences_for(1e9, 5.5e8)
    (96, 256, 40, 8)
    """
    rows = int(_UNEVEN * room / max(1.0, row_bytes))
    step = _STEP if rows >= 4 * _STEP else _STEP // 2
    return max(_FEWEST, min(_MOST, rows // step * step))


def memory_share(free: int, total: int) -> float:
    """Return the share of a GPU that vLLM may take, of what is free now.

    >>> memory_share(80 << 30, 80 << 30), memory_share(20 << 30, 80 << 30)
    (0.92, 0.231)
    """
    return max(0.01, min(_MOST_SHARE, int(1000 * (free - _LEFT_FREE) / total) / 1000))


def sampling_arguments(
    *, limit: int, end: frozenset[int], stop: tuple[str, ...], penalty: float, temperature: float, seed: int
) -> Mapping[str, Any]:
    """Return the keyword arguments of ``vllm.SamplingParams`` for one answer.

    The ids in ``end`` alone end it: what vLLM takes for the end of a sequence is passed over. ``seed`` counts where
    tokens are drawn.
    """
    chosen: dict[str, Any] = {
        "max_tokens": limit,
        "temperature": temperature,
        "repetition_penalty": penalty,
        "stop_token_ids": sorted(end),
        "ignore_eos": True,
        "detokenize": bool(stop),
    }
    if stop:
        chosen["stop"] = list(stop)
    if temperature > 0:
        chosen["seed"] = seed
    return chosen
