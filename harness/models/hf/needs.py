"""How long a model on this machine takes, roughly and at most, before anything is loaded."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from harness.models.hf.memory import Footprint
from harness.models.hf.numerics import Numerics

# Bytes a second that the memory of a GPU gives, by a part of its name: what bounds a token.
_BANDWIDTHS = {
    "H200": 4.8e12, "H100": 3.35e12, "A100": 1.55e12, "L40": 0.86e12, "L4": 0.3e12, "A10": 0.6e12, "T4": 0.32e12,
    "V100": 0.9e12, "P100": 0.73e12, "5090": 1.79e12, "4090": 1.0e12, "3090": 0.94e12,
}  # fmt: skip
_OTHER_GPU = 0.4e12
_LAYER = 0.8e-3  # seconds a layer on a GPU, whatever its size: kernels are started one after the other
_DEQUANTIZING = 10  # times the traffic of dense weights: nf4 is turned into them for every step of several rows
_CPU_BANDWIDTH, _CPU_FLOPS = 14e9, 12e9  # bytes a second; operations a second and core, in float32
_CPU_SLOWER = {"nf4": 4.0, "half": 7.0}  # a CPU without units for them


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """What bounds the speed of a device: its ``name`` (a GPU's own, or CPU) and how many ``cores`` compute."""

    name: str
    cores: int = 1


def this_device(numerics: Numerics) -> Device:
    """Return the device that a model runs on."""
    if numerics.device == "cuda":
        return Device(name=torch.cuda.get_device_name())
    return Device(name="CPU", cores=torch.get_num_threads())


def step_seconds(sizes: Footprint, layers: int, numerics: Numerics, device: Device, rows: int) -> float:
    """Return about how long one token for each of ``rows`` rows takes.

    Fitted to measurements of the 13.7 B shape on an H100 and an H200 and of Gemma 3 270M on two cores; within a factor
    of two there.
    """
    weights = sizes.weight_bytes(numerics)
    parameters = sizes.linear + sizes.other
    if numerics.device == "cuda":
        bandwidth = next((speed for name, speed in _BANDWIDTHS.items() if name in device.name), _OTHER_GPU)
        plain_nf4 = numerics.quantization == "nf4" and numerics.route == "plain" and rows > 1
        dequantizing = _DEQUANTIZING * sizes.linear * numerics.dtype.itemsize if plain_nf4 else 0
        return layers * _LAYER + (weights + dequantizing) / bandwidth
    slower = 1.0
    if numerics.quantization == "nf4":
        slower = _CPU_SLOWER["nf4"]
    elif numerics.dtype is torch.float16:
        slower = _CPU_SLOWER["half"]
    return slower * (weights / _CPU_BANDWIDTH + 2 * parameters * rows / (_CPU_FLOPS * device.cores))


def most_seconds(step: float, rows: int, limits: Sequence[int]) -> float:
    """Return how long answers take that are all as long as they may be, ``rows`` at a time, each after the other.

    >>> most_seconds(0.1, 2, [10, 20, 30])
    3.0
    """
    places = [0] * rows
    for limit in sorted(limits, reverse=True):
        heapq.heapreplace(places, places[0] + limit)
    return step * max(places)
