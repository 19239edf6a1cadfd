"""What is said while an adapter is trained, the log of it, and the sums that a resumed run goes on with."""

import contextlib
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import psutil
import torch
from transformers import TrainerCallback

from harness.errors import HarnessError, TrainingError
from harness.locale import tr, trn
from harness.locale.system import system_said
from trainers.memory_plan import GIB
from trainers.training.best import BestAdapter
from trainers.training.event_file import EventFile
from trainers.training.processes import all_reduce_sum

_TALLY = "tally.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What a training has come to by some step, over all its sessions and devices.

    ``noted``: sums of what `Progress.note` was given since then, and under "" of how many things.
    ``seconds`` are those of training, without measuring the held-out loss; ``loss_sum`` is over the ``loss_steps``
    optimizer steps since the last row of the log.
    """

    tokens: int = 0
    seconds: float = 0.0
    loss_sum: float = 0.0
    loss_steps: int = 0
    first_loss: float | None = None
    last_loss: float | None = None
    heldout_loss_before: float | None = None
    heldout_margin_before: float | None = None
    peak_gib: float = 0.0
    noted: Mapping[str, float] = field(default_factory=dict)

    def save(self, checkpoint: Path) -> None:
        """Write it into a checkpoint's folder."""
        (checkpoint / _TALLY).write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def load(cls, checkpoint: Path) -> "Tally":
        """Return that of a checkpoint."""
        return cls(**json.loads((checkpoint / _TALLY).read_text(encoding="utf-8")))


class SavesState(Protocol):
    """What puts into a checkpoint's folder what a resumed run goes on with."""

    def save(self, checkpoint: Path) -> None:
        """Write it."""


class TrainingProgress(TrainerCallback):  # type: ignore[misc]  # transformers is untyped
    """Writes a row of the log, and a line for people, every ``logging_steps``; measures the held-out loss on the way.

    ``heldout`` measures the held-out loss (None: nothing is held out), ``heldout_metrics`` says what else is known of
    that measurement, ``best`` takes what it comes to; ``parts`` are what else goes on with a resumed run. Only the
    process that ``writes`` writes. Sums are kept on ``device``, so that no step waits for them.
    """

    def __init__(
        self,
        log: Path,
        *,
        best: BestAdapter,
        writes: bool,
        say: Callable[[str], None],
        eval_steps: int,
        device: torch.device,
    ) -> None:
        self.best = best
        self.parts: list[SavesState] = []
        self.heldout: Callable[[], float] | None = None
        self.heldout_metrics: Callable[[], Mapping[str, float]] = dict
        self.reports: EventFile | None = None  # takes every row of the log, too
        self._log = log
        self._writes = writes
        self._failing = False
        self.say = say
        self._eval_steps = eval_steps
        self._measured: set[int] = set()
        self._last: tuple[int, float] | None = None  # the last measurement's step and loss
        self._then = Tally()  # what it had come to at the moment ``_since``
        self._began = self._since = time.monotonic()
        self._first_step = 0
        self._sums = torch.zeros(
            2, dtype=torch.float64, device=device
        )  # of losses and tokens since then, on this device
        self._loss_steps = 0
        self._notes: tuple[str, ...] = ()
        self._noted = torch.zeros(0, dtype=torch.float64, device=device)  # sums of the notes, and their number

    def go_on(self, tally: Tally, rows: Sequence[Mapping[str, Any]]) -> None:
        """Go on from a checkpoint's tally and from the rows that the log has by then."""
        self._then = tally
        self._measured = {row["step"] for row in rows if "heldout_loss" in row}

    @property
    def measured(self) -> int:
        """How often the held-out loss was measured after the start, over all sessions."""
        return len(self._measured - {0})

    def count(self, loss: torch.Tensor, tokens: int) -> None:
        """Take one optimizer step's loss and tokens, as this device has them."""
        self._sums[0] += loss
        self._sums[1] += tokens
        self._loss_steps += 1

    def note(self, names: tuple[str, ...], sums: torch.Tensor) -> None:
        """Take what one optimizer step says beside its loss: sums of shape (names + 1,), the last of how many."""
        self._notes = names
        self._noted = sums.clone() if self._noted.numel() == 0 else self._noted + sums

    def tally(self, step: int) -> Tally:
        """Return what the training has come to after ``step`` steps; every process must ask.

        Raises:
            HarnessError: the loss is no number any more.
        """
        loss, tokens, processes = all_reduce_sum(torch.cat([self._sums, torch.ones_like(self._sums[:1])])).tolist()
        loss_sum = self._then.loss_sum + loss / processes
        noted = all_reduce_sum(self._noted.clone()).tolist()
        names = (*self._notes, "") if noted else ()
        if not math.isfinite(loss_sum):
            raise diverged(tr("the loss by step {step} is {loss}", step=step, loss=loss_sum))
        return replace(
            self._then,
            tokens=self._then.tokens + int(tokens),
            seconds=self._then.seconds + time.monotonic() - self._since,
            loss_sum=loss_sum,
            loss_steps=self._then.loss_steps + self._loss_steps,
            peak_gib=max(self._then.peak_gib, memory_gib()),
            noted={name: self._then.noted.get(name, 0.0) + value for name, value in zip(names, noted, strict=True)}
            or self._then.noted,
        )

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401
        """Start the clocks."""
        del args, control
        self._began = self._since = time.monotonic()
        self._first_step = state.global_step

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:  # noqa: ANN401
        """Write what some steps came to; the trainer says when.

        Raises:
            HarnessError: the loss is no number any more.
        """
        del args, control
        if not logs or "loss" not in logs:
            return
        before, tally = self._then, self.tally(state.global_step)
        loss = tally.loss_sum / tally.loss_steps
        now = time.monotonic()
        rate = (tally.tokens - before.tokens) / max(now - self._since, 1e-9)
        row = {
            "step": state.global_step,
            "loss": round(loss, 6),
            "learning_rate": logs.get("learning_rate"),
            "grad_norm": _finite(logs.get("grad_norm")),
            "tokens": tally.tokens,
            "tokens_per_second": round(rate, 1),
            "memory_gib": round(memory_gib(), 2),
            "seconds": round(tally.seconds, 1),
        }
        row |= {name: round(value / tally.noted[""], 6) for name, value in tally.noted.items() if name}
        self.write(row)
        each = (now - self._began) / (state.global_step - self._first_step)
        left = _duration((state.max_steps - state.global_step) * each)
        self.say(
            tr(
                "  step {step}/{steps}  loss {loss:.4f}  learning rate {rate:.2e}  {pairs}{pace:,.0f} tokens/s  "
                "{memory:.1f} GiB  {left} left",
                step=state.global_step,
                steps=state.max_steps,
                loss=loss,
                rate=row["learning_rate"],
                pairs=_shown(row),
                pace=rate,
                memory=row["memory_gib"],
                left=left,
            )
        )
        first = loss if tally.first_loss is None else tally.first_loss
        self._then = replace(tally, loss_sum=0.0, loss_steps=0, first_loss=first, last_loss=loss, noted={})
        self._since = now
        self._sums.zero_()
        self._noted.zero_()
        self._loss_steps = 0

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:  # noqa: ANN401
        """Measure the held-out loss where it is due (the last step's is measured after training); log the last step."""
        del args
        if state.global_step >= state.max_steps:
            control.should_log = True
        elif self._eval_steps and state.global_step % self._eval_steps == 0:
            self.measure_heldout(state.global_step)
            if self.best.state.stopped:
                control.should_training_stop = control.should_log = control.should_save = True
                self.event(
                    state.global_step,
                    trn(
                        "{n} measurement without a lower held-out loss than that of step {step}: training stops",
                        "{n} measurements without a lower held-out loss than that of step {step}: training stops",
                        self.best.state.misses,
                        step=self.best.state.step,
                    ),
                )
        return control

    def measure_heldout(self, step: int) -> float | None:
        """Return the held-out loss and log it; None if nothing is held out.

        Raises:
            HarnessError: it is no number.
        """
        if self.heldout is None:
            return None
        if self._last is not None and self._last[0] == step:
            return self._last[1]
        with self.clocks_stopped():
            loss = self.heldout()
        if not math.isfinite(loss):
            raise diverged(tr("the held-out loss at step {step} is {loss}", step=step, loss=loss))
        if step not in self._measured:  # else a resumed run measures again what it had measured
            more = {name: round(value, 6) for name, value in self.heldout_metrics().items()}
            self.write({"step": step, "heldout_loss": round(loss, 6), **more})
            self._measured.add(step)
        if step == 0:
            margin = self.heldout_metrics().get("heldout_margin")
            self._then = replace(self._then, heldout_loss_before=loss, heldout_margin_before=margin)
        else:
            self.best.see(step, loss)
        self._last = step, loss
        metrics = self.heldout_metrics()
        if "heldout_margin" in metrics:
            self.say(
                tr(
                    "  step {step}  held-out loss {loss:.4f}, margin {margin:.3f}, {right:.0%} the right way round",
                    step=step,
                    loss=loss,
                    margin=metrics["heldout_margin"],
                    right=metrics["heldout_accuracy"],
                )
            )
        else:
            self.say(tr("  step {step}  held-out loss {loss:.4f}", step=step, loss=loss))
        return loss

    @contextlib.contextmanager
    def clocks_stopped(self) -> Iterator[None]:
        """Count none of the time within as time of training."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()  # what the GPU has still to do of the steps before is training
        start = time.monotonic()
        yield
        passed = time.monotonic() - start
        self._since += passed
        self._began += passed

    def event(self, step: int, text: str) -> None:
        """Log and say something that happened."""
        self.write({"step": step, "event": text})
        self.say(tr("  step {step}: {text}", step=step, text=text))

    def write(self, row: dict[str, Any]) -> None:
        """Append one row, whole or not at all; a full disk costs the row, not the training."""
        if not self._writes:
            return
        if self.reports is not None:
            self.reports.write(row)
        line = (json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n").encode()
        try:
            _append(self._log, line)
            self._failing = False
        except OSError as error:
            if not self._failing:
                self.say(
                    tr(
                        "  {name} cannot be written: {reason}; training goes on",
                        name=self._log.name,
                        reason=system_said(error),
                    )
                )
            self._failing = True


def diverged(what: str) -> HarnessError:
    """Return the error of a training whose numbers are no numbers any more."""
    return TrainingError(
        tr("Training has diverged: {what}.", what=what),
        hint=tr("Lower the learning rate (--set learning_rate=1e-4) or add warmup."),
    )


def memory_gib() -> float:
    """Return the most memory taken so far, in GiB: of the GPU what was allocated, on a CPU what the process held."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / GIB
    return highest_resident_bytes() / GIB


def highest_resident_bytes() -> int:
    """Return the most bytes that this process has held in memory at once; where no system says so, those it holds."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:  # not Linux
        memory = psutil.Process().memory_info()
        return int(getattr(memory, "peak_wset", memory.rss))
    highest = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(highest.split()[1]) * 1024


def forget_peak() -> None:
    """Let the most memory so far be what the process holds now: what came before a training is not of it (Linux)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _append(path: Path, line: bytes) -> None:
    with path.open("ab", buffering=0) as file:
        size = file.tell()
        written = 0
        try:
            while written < len(line):
                written += file.write(line[written:])
        except OSError:
            with contextlib.suppress(OSError):
                file.truncate(size)  # the next row must not be glued to half of this one
            raise


def _finite(value: float | None) -> float | None:
    """Return a number that JSON can hold: float16's first gradients overflow, and their steps are left out."""
    return value if value is not None and math.isfinite(value) else None


def _shown(row: Mapping[str, Any]) -> str:
    """Return what a row of pairs says beside its loss, for people; nothing of single answers.

    >>> _shown({"margin": 0.5, "accuracy": 0.75}), _shown({"loss": 1.0})
    ('margin 0.500  75% right  ', '')
    """
    if "margin" not in row:
        return ""
    return tr("margin {margin:.3f}  {right:.0%} right  ", margin=row["margin"], right=row["accuracy"])


def _duration(seconds: float) -> str:
    """Return a duration as people say it.

    >>> _duration(42.4), _duration(150), _duration(7300)
    ('42 s', '2 min', '2 h 1 min')
    """
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:  # noqa: PLR2004 - minutes of an hour
        return tr("{hours} h {minutes} min", hours=minutes // 60, minutes=minutes % 60)
    return tr("{minutes} min", minutes=minutes) if minutes else tr("{seconds} s", seconds=rest)
