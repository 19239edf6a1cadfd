"""The tasks of a set."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LATER: Mapping[str, bool] = {"later": True}
"""Of a field that records did not always have: no hash holds it where it has its default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One task item. ``inputs`` always has ``input`` (the instruction); other columns of the task file ride along."""

    id: str
    inputs: Mapping[str, Any]
    reference: str | None = None
    criteria: str | None = None
    rules: tuple[Mapping[str, Any], ...] = ()
    tags: tuple[str, ...] = ()
    cluster: str | None = None
    stratum: str | None = field(default=None, metadata=LATER)

    @property
    def input(self) -> str:
        """The instruction as text."""
        return str(self.inputs["input"])


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTask:
    """A task's name with the samples to run, in order."""

    name: str
    samples: tuple[Sample, ...]
