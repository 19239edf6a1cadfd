"""What a judge or a model declares of itself, and what its tokens cost."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, get_args, runtime_checkable

from harness.types import Scale

Kind = Literal["quality", "checks", "similarity", "human"]
"""What scores mean: how good an answer is, constraints met, likeness to a reference, what people said."""

Source = Literal["model", "program", "file"]
"""Who gave scores of quality: a language model, a program, or a file that says nothing of people."""

KINDS: tuple[str, ...] = get_args(Kind)
SOURCES: tuple[str, ...] = get_args(Source)
_MODEL_JUDGES = ("gemini", "openai")


def older_source(judge: str) -> Source | None:
    """Return who gave the scores of a run that was made before judges declared it, by the name of its judge.

    >>> older_source("gemini:gemini-x (tv.v1)"), older_source("three-lines")
    ('model', None)
    """
    return "model" if re.match(rf"({'|'.join(_MODEL_JUDGES)})\b", judge) else None


@runtime_checkable
class Price(Protocol):
    """What tokens cost."""

    def cost(self, tokens_in: int | None, tokens_out: int | None) -> float | None:
        """Return the cost of a call in US dollars, or None if nobody counted its tokens."""


class _Free:
    def cost(self, tokens_in: int | None, tokens_out: int | None) -> float | None:  # noqa: ARG002 - the protocol's
        return 0.0

    def __repr__(self) -> str:
        return "FREE"


FREE: Price = _Free()
"""The price of what is not sold by the token. A price of None is one that nobody knows."""


def is_free(price: Price | None) -> bool:
    """Return whether calls of a price cost nothing, however many tokens they take."""
    return price is not None and price.cost(None, None) == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """What a model declares.

    ``fingerprint``: see `ModelBackend` · ``details``: what provenance says of it · ``price``: of its tokens, None where
    nobody knows it, so that no cost limit can be kept · ``in_flight``: how many calls it makes at once ·
    ``requests_per_minute``: the pace that it keeps, None for none.
    """

    fingerprint: str
    details: Mapping[str, Any] = field(default_factory=dict)
    price: Price | None = FREE
    in_flight: int = 1
    requests_per_minute: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeInfo:
    """What a judge declares.

    ``name``, ``scale``, ``fingerprint``: see `Judge` · ``kind`` and ``scored_by``: what the scores are, for every
    report; without ``scored_by`` no report says that a language model, a program or people gave them · ``metrics``: a
    judge that gives several scores an answer says their names with a scale each, and returns a mapping of names to
    scores; each is a judge of its own then, named NAME/METRIC, from one call an answer · ``in_flight``: how many calls
    may run at once, in threads: one that waits for a server says 32 · ``give_up_after``: how many failures in a row end
    the run for it · ``price``: of its tokens, None where nobody knows it, so that no cost limit can be kept ·
    ``requests_per_minute``: the pace that it keeps, None for none · ``variant``: what tells it from others of the same
    spec, as the name of its rubric · ``default_repeats``: verdicts on an answer unless it is said: 2 where the judge's
    own noise cannot be switched off, so that it is measured and averaged.
    """

    name: str
    scale: Scale
    fingerprint: str
    kind: Kind = "quality"
    scored_by: Source | None = None
    metrics: Mapping[str, Scale] = field(default_factory=dict)
    in_flight: int = 1
    give_up_after: int = 10
    price: Price | None = FREE
    requests_per_minute: float | None = None
    variant: str | None = None
    default_repeats: int = 1
