"""Processes that are going to answer, begun before anything is opened: they import libraries while this one does.

That takes each of them ten seconds and more. It is a guess from what files tell: a process that is not needed after all
is ended when those that are have been taken over, and one that was not begun is begun later.
"""

import contextlib
import os
from collections.abc import Collection
from importlib.util import find_spec
from typing import Literal

from harness.models.child_process import begin_ahead, command_of, end_unused
from harness.models.places import devices_seen, gpu_places, worth

ENGINE = command_of("harness.models.vllm.serve")
"""The process that vLLM runs in."""
WORKER = command_of("harness.models.hf.crew.worker")
"""One of several that answer, each on a GPU."""
_WORTH_VLLM = 50_000  # tokens below which its start takes longer than it saves, whatever the model


def begin_processes(engines: Collection[str], tokens: int, gpus: int | Literal["all"] | None = None) -> None:
    """Begin the processes that are likely to answer for models of this machine.

    ``engines``: those that the models may have, auto, hf or vllm; ``tokens``: how many are to be generated at most;
    ``gpus``: how many GPUs were asked for, None: as many as are worth it. Without a GPU, or a core beside this
    process's own, none is begun.
    """
    end_unused()
    seen = devices_seen()
    if not engines or not seen or gpus == 0 or (os.cpu_count() or 1) < 2:  # noqa: PLR2004 - its own, and another
        return
    count = worth(seen, tokens) if gpus is None else seen if gpus == "all" else min(gpus, seen)
    vllm = "vllm" in engines or ("auto" in engines and tokens >= _WORTH_VLLM)
    if vllm and find_spec("vllm") is not None:
        command = ENGINE
    elif count > 1:
        command = WORKER
    else:
        return
    with contextlib.suppress(OSError):  # no room for a process now: there may be when it is needed
        for environment in [place.environment for place in gpu_places(count)] if count > 1 else [{}]:
            begin_ahead(command, environment)
