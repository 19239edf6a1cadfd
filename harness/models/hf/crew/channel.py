"""What a crew's processes and their parent say to one another, over pipes (`harness.models.child_process`)."""

from dataclasses import dataclass

from harness.models.child_process import Gone
from harness.notices import Notice
from harness.types import Generation, ModelSpec, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """To a process: answer these requests. ``fingerprint``: what the model's must be there, too."""

    label: str
    spec: ModelSpec
    fingerprint: str
    requests: tuple[Request, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """From a process: an answer."""

    generation: Generation


@dataclass(frozen=True, slots=True, kw_only=True)
class AtWork:
    """From a process: how far it is, as `harness.models.live.Live` says it; ``tokens`` since it began."""

    label: str
    tokens: int
    most_left: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """From a process: a line for the user."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """From a process: an order is done, as far as it could be. ``stopped``: why the model can do no more, None if not.

    ``notices``: what the report must say of the model.
    """

    notices: tuple[Notice, ...]
    stopped: str | None = None


Message = Answered | AtWork | Told | Finished | Gone
