"""How many GPUs share the work."""

from typing import Literal

import torch

from harness.errors import UsageError
from harness.locale import tr
from harness.models.places import worth


def gpu_count(wanted: int | Literal["all"] | None, tokens: int) -> int:
    """Return how many GPUs are to share the work: those that are wanted, or as many as are worth it.

    ``tokens``: how many are to be generated at most.

    Raises:
        UsageError: more are wanted than there are.
    """
    visible = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if wanted is None:
        return worth(visible, tokens)
    if visible == 0 or (wanted != "all" and wanted > visible):
        raise UsageError(
            tr("--gpus {wanted}: {visible} GPUs can be seen here.", wanted=wanted, visible=visible),
            hint=tr("Leave --gpus out, or look at nvidia-smi and CUDA_VISIBLE_DEVICES."),
        )
    return visible if wanted == "all" else wanted
