"""What the process that vLLM runs in and its parent say to one another (`harness.models.child_process`)."""

from dataclasses import dataclass

from harness.errors import HarnessError
from harness.models.vllm.engine import Ask, Said
from harness.models.vllm.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """To the process: start an engine."""

    plan: Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """To the process: work these off."""

    asks: tuple[Ask, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """To the process: nobody wants the rest of what it works off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """From the process: what came of the sequence at ``place``."""

    place: int
    said: Said


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """From the process: it has started, or worked off what it could; ``error``: what ended it."""

    error: HarnessError | None = None
