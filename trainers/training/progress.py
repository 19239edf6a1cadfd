"""What is said while an adapter is trained, and the log of it."""

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import torch
from transformers import TrainerCallback

from harness.errors import HarnessError
from trainers.memory import GIB
from trainers.record import read_log


class Progress(TrainerCallback):  # type: ignore[misc]  # transformers is untyped
    """Writes a row of the log, and a line for people, every ``logging_steps``; measures the held-out loss on the way.

    ``tokens`` returns how many tokens this device has seen, ``heldout`` measures the held-out loss (None: nothing is
    held out); both are set once there is a trainer. Only the process that ``writes`` writes.
    """

    def __init__(self, log: Path, *, writes: bool, say: Callable[[str], None], eval_steps: int) -> None:
        self.tokens: Callable[[], int] = int
        self.heldout: Callable[[], float] | None = None
        self._tokens_before = 0
        self._log = log
        self._writes = writes
        self._say = say
        self._eval_steps = eval_steps
        self._began = self._last = time.monotonic()
        self._first_step = self._last_step = 0
        self._last_tokens = 0

    def go_on(self) -> None:
        """Count tokens from what the log of the run so far says."""
        rows = [row for row in read_log(self._log.parent) if "tokens" in row]
        self._tokens_before = int(rows[-1]["tokens"]) if rows else 0

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401
        """Start the clocks."""
        del args, control
        self._began = self._last = time.monotonic()
        self._first_step = self._last_step = state.global_step

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:  # noqa: ANN401
        """Write what the trainer reports after some steps.

        Raises:
            HarnessError: the loss is no number any more.
        """
        del control
        if not logs or "loss" not in logs or state.global_step == self._last_step:
            return
        loss = float(logs["loss"])
        if not math.isfinite(loss):
            raise HarnessError(
                f"The loss at step {state.global_step} is {loss}: training has diverged.",
                hint="Lower the learning rate (--set learning_rate=1e-4) or add warmup.",
            )
        now, tokens = time.monotonic(), self.tokens()
        world = args.world_size
        rate = (tokens - self._last_tokens) * world / max(now - self._last, 1e-9)
        row = {
            "step": state.global_step,
            "loss": round(loss, 6),
            "learning_rate": logs.get("learning_rate"),
            "grad_norm": logs.get("grad_norm"),
            "tokens": self._tokens_before + tokens * world,
            "tokens_per_second": round(rate, 1),
            "memory_gib": round(memory_gib(), 2),
            "seconds": round(now - self._began, 1),
        }
        self.write(row)
        each = (now - self._began) / (state.global_step - self._first_step)
        left = _duration((state.max_steps - state.global_step) * each)
        self._say(
            f"  step {state.global_step}/{state.max_steps}  loss {loss:.4f}  learning rate {row['learning_rate']:.2e}  "
            f"{rate:,.0f} tokens/s  {row['memory_gib']:.1f} GiB  {left} left"
        )
        self._last, self._last_tokens, self._last_step = now, tokens, state.global_step

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401
        """Measure the held-out loss where it is due; the last step's is measured after training."""
        del args, control
        if self._eval_steps and state.global_step % self._eval_steps == 0 and state.global_step < state.max_steps:
            self.measure_heldout(state.global_step)

    def measure_heldout(self, step: int) -> float | None:
        """Return the held-out loss and log it; None if nothing is held out."""
        if self.heldout is None:
            return None
        loss = self.heldout()
        self.write({"step": step, "heldout_loss": round(loss, 6)})
        self._say(f"  step {step}  held-out loss {loss:.4f}")
        return loss

    def event(self, step: int, text: str) -> None:
        """Log and say something that happened."""
        self.write({"step": step, "event": text})
        self._say(f"  step {step}: {text}")

    def write(self, row: dict[str, Any]) -> None:
        """Append one row; a full disk costs the row, not the training."""
        if not self._writes:
            return
        try:
            with self._log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")
        except OSError as error:
            self._say(f"  {self._log.name} cannot be written: {error.strerror or error}; training goes on")


def memory_gib() -> float:
    """Return the most memory taken so far: of the GPU, or what this process holds on a CPU."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / GIB
    return float(psutil.Process().memory_info().rss) / GIB


def _duration(seconds: float) -> str:
    """Return a duration as people say it.

    >>> _duration(42.4), _duration(150), _duration(7300)
    ('42 s', '2 min', '2 h 1 min')
    """
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:  # noqa: PLR2004 - minutes of an hour
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min" if minutes else f"{rest} s"
