"""What batches take beside the weights: by count, corrected by what they took on this machine before.

On a GPU the peak of every batch that is large enough to tell is compared with what was planned for it. The largest
ratio is kept in the cache, by the shape of the model, so that the next run plans with it; a batch that ran out of
memory all the same is planned larger from then on.
"""

import contextlib
import hashlib
import json
import logging
import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from harness.installation import cache_folder
from harness.models.hf.forward_cuda_graph import rounded
from harness.models.hf.memory import GIB, Footprint, release
from harness.models.hf.numerics import Numerics

log = logging.getLogger(__name__)

_SHARE = {"cuda": 0.92, "cpu": 0.5}  # of the available memory that batches may plan with
_WORKSPACES = int(0.25 * GIB)  # of the matrix library, for each stream; what a captured pass needs for a moment
_TOLD = 1 * GIB  # planned bytes from which on a batch says how good the plan is
_NOTED, _MOST = 1.02, 4.0  # corrections that are kept
_AFTER_FAILURE = 1.15


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What rows of one base take in a batch. ``buffers``: keys and values lie in blocks, for captured passes.

    ``correction`` multiplies what is counted.
    """

    sizes: Footprint
    numerics: Numerics
    buffers: bool
    correction: float = 1.0

    @property
    def fixed(self) -> int:
        """Bytes that any batch takes: on a GPU workspaces, and the largest 4-bit layer dequantized, twice."""
        if self.numerics.device != "cuda":
            return 0
        dequantized = self.numerics.quantization == "nf4" and self.numerics.route == "plain"
        return _WORKSPACES + (2 * self.sizes.largest * self.numerics.dtype.itemsize if dequantized else 0)

    def row_bytes(self, prompt: int, new: int) -> int:
        """Return the bytes that a row takes which is padded to so many tokens."""
        end = rounded(prompt + new) if self.buffers else prompt + new
        return int(self.sizes.row_bytes(prompt, end - prompt, self.numerics.dtype) * self.correction)

    def batch_bytes(self, rows: int, prompt: int, new: int) -> int:
        """Return the bytes that a batch takes."""
        return self.fixed + rows * self.row_bytes(prompt, new)

    def share(self, available: int) -> int:
        """Return the bytes that rows may plan with, of those that are available."""
        return int(available * _SHARE[self.numerics.device]) - self.fixed

    def after(self, planned: int, taken: int) -> "Room":
        """Return what is known once a batch took so many bytes; it is kept for later runs where it tells something."""
        log.info("a batch took %.2f GiB of %.2f planned", taken / GIB, planned / GIB)
        counted = (planned - self.fixed) / self.correction
        if counted < _TOLD:
            return self
        return self._corrected(max(self.correction, (taken - self.fixed) / counted))

    def after_failure(self) -> "Room":
        """Return what is known once a batch ran out of memory that should have had enough."""
        return self._corrected(self.correction * _AFTER_FAILURE)

    def recalled(self) -> "Room":
        """Return this with the correction that earlier runs on this machine found."""
        try:
            correction = float(json.loads(self._entry().read_text(encoding="utf-8"))["correction"])
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return self
        return replace(self, correction=correction) if 1 <= correction <= _MOST else self

    def _corrected(self, correction: float) -> "Room":
        correction = min(correction, _MOST)
        if self.numerics.device != "cuda" or correction <= max(self.correction, _NOTED):
            return self
        entry = self._entry()
        with contextlib.suppress(OSError):  # it is then found again next time
            entry.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=entry.parent, suffix=".new")
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump({"correction": round(correction, 3), "shape": self._shape()}, file)
            Path(name).replace(entry)
        return replace(self, correction=correction)

    def _shape(self) -> str:
        """Return all that decides how right a count is."""
        device = torch.cuda.get_device_name() if self.numerics.device == "cuda" else "CPU"
        return f"{self.sizes} {self.numerics} buffers={self.buffers} {device} torch {torch.__version__}"

    def _entry(self) -> Path:
        return cache_folder() / "memory" / f"{hashlib.sha256(self._shape().encode()).hexdigest()[:32]}.json"


class Peak:
    """How many bytes a GPU held at most beside those that it held when this was made.

    What is not held any more is given back first: in the pieces that the batch before left, little would fit.
    """

    def __init__(self, device: str) -> None:
        self._is_told = device == "cuda"
        self._before = 0
        if self._is_told:
            release()
            torch.cuda.reset_peak_memory_stats()
            self._before = torch.cuda.memory_allocated()

    @property
    def taken(self) -> int:
        """The bytes so far; 0 on a CPU, which does not count them."""
        return torch.cuda.max_memory_allocated() - self._before if self._is_told else 0
