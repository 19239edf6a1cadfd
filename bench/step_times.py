"""Where a training step's time goes, by events on the GPU: for gpu_scale.py."""

import itertools
import statistics
import time
from typing import Any

import torch

import trainers.training.trainer as training

CUDA = torch.cuda.is_available()


def timed() -> dict[str, list[Any]]:
    """Have a step's parts noted by events on the GPU."""
    spans: dict[str, list[Any]] = {"step": [], "exchange": []}

    if not CUDA:
        return spans

    def watch(name: str, function: Any) -> Any:
        def run(*arguments: Any, **named: Any) -> Any:
            first, last = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            first.record()
            began = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                last.record()
                spans[name].append((first, last, began, time.perf_counter()))

        return run

    training.AdapterTrainer.training_step = watch("step", training.AdapterTrainer.training_step)  # type: ignore[method-assign]
    training.average_gradients = watch("exchange", training.average_gradients)
    return spans


def told(spans: dict[str, list[Any]]) -> str:
    """Return the medians of a step's parts in milliseconds, the first step left out."""
    if CUDA:
        torch.cuda.synchronize()
    steps, exchanges = spans["step"][1:], spans["exchange"][1:]
    whole = [one[0].elapsed_time(two[0]) for one, two in itertools.pairwise(steps)]
    inside = [first.elapsed_time(last) for first, last, *_ in steps]
    exchange = [first.elapsed_time(last) for first, last, *_ in exchanges]
    python = [1000 * (end - begin) for _, _, begin, end in steps]
    parts = {
        "step to step": whole,
        "forward and backward": inside,
        "of it exchange": exchange,
        "by the CPU's clock": python,
    }
    return "ms, median: " + ", ".join(
        f"{name} {statistics.median(found):.0f}" for name, found in parts.items() if found
    )
