"""Where processes that answer run: each sees one GPU, or, to try it without any, a share of the cores.

Told without torch, which takes seconds to import: processes are begun before that is done (`harness.models.ahead`).
"""

import itertools
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.locale import Text, tr

WORTH_A_PROCESS = 16_384
"""Tokens that a GPU should have to generate at most: a process takes about ten seconds to begin."""

_DEVICES = Path("/dev")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a process runs: its name for people, and what is different in its environment.

    ``gpu``: the number that its GPU has in this process, None without one.
    """

    name: Text
    environment: Mapping[str, str] = field(default_factory=dict)
    gpu: int | None = None


def worth(visible: int, tokens: int) -> int:
    """Return how many of the GPUs that are seen are worth a process, one at least, for so many tokens at most.

    >>> worth(4, 100), worth(4, 51_200), worth(2, 10_000_000), worth(0, 10_000_000)
    (1, 3, 2, 1)
    """
    return max(1, min(visible, tokens // WORTH_A_PROCESS))


def devices_seen() -> int:
    """Return how many NVIDIA GPUs the system shows this process, as far as files tell; torch may see fewer."""
    there = sum(path.name.removeprefix("nvidia").isdecimal() for path in _DEVICES.glob("nvidia[0-9]*"))
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is None:
        return there
    valid = itertools.takewhile(lambda name: not name.startswith("-"), _names(chosen))  # -1 ends the list
    return min(there, len(list(valid)))


def gpu_places(count: int) -> list[Place]:
    """Return a place for each of the first ``count`` GPUs that this process sees.

    >>> [place.environment["CUDA_VISIBLE_DEVICES"] for place in gpu_places(2)]
    ['0', '1']
    """
    seen = _names(os.environ.get("CUDA_VISIBLE_DEVICES", ""))
    names = seen if len(seen) >= count else [str(index) for index in range(count)]
    return [
        Place(name=tr("GPU {index}", index=index), environment={"CUDA_VISIBLE_DEVICES": names[index]}, gpu=index)
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


def _names(chosen: str) -> list[str]:
    return [name.strip() for name in chosen.split(",") if name.strip()]
