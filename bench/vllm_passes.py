"""What a decoding pass of vLLM takes on a GPU: the base alone, adapters beside it, and which kernels the time goes to.

    python bench/vllm_generate.py --folder /tmp/vg --adapters 19 build
    python bench/vllm_passes.py --folder /tmp/vg --adapters 19                     # as the harness starts it
    python bench/vllm_passes.py --folder /tmp/vg --adapters 19 --kernels vllm      # kernels for adapters cut by vLLM
    python bench/vllm_passes.py --folder /tmp/vg --adapters 2 --small --rows 40    # 22 GiB, weights stay 4-bit

Prints, for rows of the base, of one adapter, of two, and of all in turn: milliseconds of a pass and of reading the
prompts, and for two adapters the kernels by their share. Everything runs in this process.
"""

import argparse
import importlib
import itertools
import json
import os
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"

import torch
from vllm_parts import SMALL, asked, boards

from harness.models.vllm import shared
from harness.models.vllm.engine import start
from harness.models.vllm.plan import sampling_arguments

PASSES, PROFILED, SHOWN = 40, 6, 12


def settled() -> float:
    """Return the time once the GPU has nothing to do."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def in_turn(mix: str, adapters: list[Any]) -> Iterator[Any]:
    """Yield the adapter of each row, None for the base."""
    kinds = {"base": [None], "one": adapters[:1], "two": adapters[:2], "all": [None, *adapters]}
    return itertools.cycle(kinds[mix])


def profiled(passes: Callable[[int], None]) -> list[str]:
    """Return the kernels of a pass, longest first."""
    profiler = importlib.import_module("torch.profiler")
    activity = profiler.ProfilerActivity
    with profiler.profile(activities=[activity.CUDA if torch.cuda.is_available() else activity.CPU]) as found:
        passes(PROFILED)
    spent = sorted(
        ((one.self_device_time_total or one.self_cpu_time_total, one.count, one.key) for one in found.key_averages()),
        reverse=True,
    )
    return [
        f"{us / PROFILED / 1e3:8.3f} ms {count / PROFILED:6.1f} x  {name[:90]}" for us, count, name in spent[:SHOWN]
    ]


def main() -> None:
    """Start vLLM once and time it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--shape", default="13b")
    parser.add_argument("--adapters", type=int, default=19)
    parser.add_argument("--rows", type=int, default=128, help="at once; as many as the plan has at most")
    parser.add_argument("--new-tokens", type=int, default=256)
    parser.add_argument("--kernels", choices=("ours", "vllm"), default="ours")
    parser.add_argument("--small", action="store_true", help="at most 22 GiB, weights stay 4-bit")
    parser.add_argument("--mixes", nargs="*", default=["base", "one", "two", "all"])
    options = parser.parse_args()
    if options.small:
        shared.memory_share = lambda free, total: SMALL / total
    models = boards(options, "vllm")
    requests = asked(Namespace(**{**vars(options), "rows": 100, "uneven": False}), "base")
    engine = models["base"].engine
    prompts = [[token for token, _ in models["base"].tokens(one.rendered)] for one in requests]
    engine._context = 2048  # noqa: SLF001 - what it would find when asked
    engine._usual = sum(map(len, prompts)) / len(prompts) + options.new_tokens  # noqa: SLF001
    plan = engine._plan()  # noqa: SLF001
    plan = plan if options.kernels == "ours" else replace(plan, kernels=None)
    began = settled()
    started = start(plan)
    print(json.dumps({"start_s": round(settled() - began, 1), "sequences": plan.sequences, "kernels": options.kernels}))
    llm, vllm = started._llm, started._vllm  # noqa: SLF001
    sampling = dict(
        sampling_arguments(limit=512, end=frozenset(), stop=(), penalty=1.2, temperature=0.0, seed=0),
    )

    def passes(count: int) -> None:
        for _ in range(count):
            llm.llm_engine.step()
        settled()

    for mix in options.mixes:
        acting = in_turn(mix, [one.adapter for label, one in models.items() if label != "base"])
        lora = started._lora  # noqa: SLF001
        loras = [None if one is None else lora(one) for one in itertools.islice(acting, options.rows)]
        given = [vllm.TokensPrompt(prompt_token_ids=prompts[at % len(prompts)]) for at in range(options.rows)]
        names = llm.enqueue(given, [vllm.SamplingParams(**sampling)] * options.rows, lora_request=loras, use_tqdm=False)
        began = settled()
        scheduler = llm.llm_engine.engine_core.engine_core.scheduler
        passes(1)
        while scheduler.waiting and scheduler.get_num_unfinished_requests():
            passes(1)
        reading = settled() - began
        passes(5)
        began = settled()
        passes(PASSES)
        pace = (settled() - began) / PASSES
        told = {"rows": mix, "running": len(scheduler.running), "reading_s": round(reading, 2)}
        print(
            json.dumps(told | {"pass_ms": round(1e3 * pace, 2), "tokens_per_s": round(len(scheduler.running) / pace)})
        )
        if mix == "two":
            print("\n".join(profiled(passes)), flush=True)
        llm.llm_engine.abort_request([str(name).rpartition("-")[0] or str(name) for name in names])
        passes(2)


if __name__ == "__main__":
    main()
