"""Where the processes of a crew run: each sees one GPU, or, to try it without any, a share of the cores."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import torch

from harness.errors import UsageError
from harness.locale import Text, tr

WORTH_A_PROCESS = 16_384
"""Tokens that a GPU should have to generate at most: a process takes about ten seconds to begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a process runs: its name for people, and what is different in its environment.

    ``gpu``: the number that its GPU has in this process, None without one.
    """

    name: Text
    environment: Mapping[str, str] = field(default_factory=dict)
    gpu: int | None = None


def gpu_count(wanted: int | Literal["all"] | None, tokens: int) -> int:
    """Return how many GPUs are to share the work: those that are wanted, or as many as are worth it.

    ``tokens``: how many are to be generated at most.

    Raises:
        UsageError: more are wanted than there are.
    """
    visible = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if wanted is None:
        return max(1, min(visible, tokens // WORTH_A_PROCESS))
    if visible == 0 or (wanted != "all" and wanted > visible):
        raise UsageError(
            tr("--gpus {wanted}: {visible} GPUs can be seen here.", wanted=wanted, visible=visible),
            hint=tr("Leave --gpus out, or look at nvidia-smi and CUDA_VISIBLE_DEVICES."),
        )
    return visible if wanted == "all" else wanted


def gpu_places(count: int) -> list[Place]:
    """Return a place for each of the first ``count`` GPUs that this process sees.

    >>> [place.environment["CUDA_VISIBLE_DEVICES"] for place in gpu_places(2)]
    ['0', '1']
    """
    seen = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    names = seen if len(seen) >= count else [str(index) for index in range(count)]
    return [
        Place(
            name=tr("GPU {index}", index=index), environment={"CUDA_VISIBLE_DEVICES": names[index].strip()}, gpu=index
        )
        for index in range(count)
    ]


def process_places(count: int) -> list[Place]:
    """Return places for ``count`` processes that share this machine's cores.

    >>> [str(place.name) for place in process_places(2)]
    ['process 0', 'process 1']
    """
    cores = max(1, (os.cpu_count() or 1) // count)
    threads = {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(cores))}
    return [Place(name=tr("process {index}", index=index), environment=threads) for index in range(count)]
