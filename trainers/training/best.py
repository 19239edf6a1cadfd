"""The adapter as it was when its held-out loss was lowest, and when to stop waiting for a lower one."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file


@dataclass(frozen=True, slots=True, kw_only=True)
class BestState:
    """What the measurements of the held-out loss came to: the lowest loss and its step, None before the first.

    ``misses`` counts the measurements since then; ``stopped``: as many as the recipe's patience.
    """

    step: int | None = None
    loss: float = math.inf
    misses: int = 0
    stopped: bool = False


class BestAdapter:
    """Watches the held-out loss of an adapter while it is trained.

    The weights of the lowest loss are held in the memory of the CPU if ``keep``, and put into every checkpoint, so that
    a resumed run has those of its own past. ``patience`` is the number of measurements in a row without a new lowest
    loss after which training stops (0: never). Of equal losses the first counts.
    """

    def __init__(self, model: torch.nn.Module, *, keep: bool, patience: int, name: str = "best") -> None:
        """``name``: of its files in a checkpoint."""
        self.state = BestState()
        self._state_file, self._weights_file = f"{name}.json", f"{name}.safetensors"
        self._model = model
        self._keep = keep
        self._patience = patience
        self._weights: Mapping[str, torch.Tensor] = {}

    def see(self, step: int, loss: float) -> None:
        """Take the held-out loss that was measured after a step."""
        if step == self.state.step:
            return
        if loss < self.state.loss:
            self.state = BestState(step=step, loss=loss)
            if self._keep:
                self._weights = {name: tensor.detach().to("cpu", copy=True) for name, tensor in self._trained()}
            return
        misses = self.state.misses + 1
        self.state = replace(self.state, misses=misses, stopped=0 < self._patience <= misses)

    def put_back(self) -> int | None:
        """Give the model the weights of the lowest loss if they were kept, and return their step."""
        if not self._weights:
            return None
        with torch.no_grad():
            for name, tensor in self._trained():
                tensor.copy_(self._weights[name])
        return self.state.step

    def save(self, checkpoint: Path) -> None:
        """Write what a resumed run needs into a checkpoint's folder; nothing before the first measurement."""
        if self.state.step is None:
            return
        (checkpoint / self._state_file).write_text(json.dumps(asdict(self.state)), encoding="utf-8")
        if self._weights:
            save_file(dict(self._weights), checkpoint / self._weights_file)

    def load(self, checkpoint: Path) -> None:
        """Go on from what a checkpoint holds, which is checked to be as it was written."""
        if (checkpoint / self._state_file).is_file():
            self.state = BestState(**json.loads((checkpoint / self._state_file).read_text(encoding="utf-8")))
        if (checkpoint / self._weights_file).is_file():
            self._weights = load_file(checkpoint / self._weights_file)

    def _trained(self) -> list[tuple[str, Any]]:
        return [(name, tensor) for name, tensor in self._model.named_parameters() if tensor.requires_grad]
