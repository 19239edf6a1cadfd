"""From a request to the verdict on its answer, and to the figures made of verdicts."""

import math
from dataclasses import dataclass
from typing import Literal

from harness.types.asked import Sampling
from harness.types.prompts import RenderedPrompt
from harness.unscored import code_of

FinishReason = Literal["stop", "length", "error"]
Status = Literal["scored", "unscored", "error"]
_MOST_TOKENS = 2**63  # what a database column holds


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class RowKey:
    """A row of a board: a model under a prompt (None where its answers existed already)."""

    model: str
    prompt: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One answer to obtain. ``key`` covers content only (never labels), so equal work is done once.

    ``prompt`` is the template's name, or None where the answers exist already and no prompt was used.
    """

    key: str
    task: str
    sample_id: str
    model: str
    prompt: str | None
    repeat: int
    rendered: RenderedPrompt
    sampling: Sampling


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """What a model gave for one request. ``text`` None means there is no answer, and ``error`` says why.

    An empty string is an answer. ``finish_reason`` None means unknown (an answer file that does not say).
    ``seconds`` is wall time spent on this answer (a share of its batch's time).
    """

    request_key: str
    text: str | None
    finish_reason: FinishReason | None = "stop"
    tokens_in: int | None = None
    tokens_out: int | None = None
    seconds: float | None = None
    error: str | None = None

    def __post_init__(self) -> None:
        _check_texts(self, "text", "error")
        for name in ("tokens_in", "tokens_out"):
            count = getattr(self, name)
            if count is not None and (not isinstance(count, int) or not 0 <= count < _MOST_TOKENS):
                raise ValueError(f"{name} is a number of tokens or None, not {count!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a judge says of one answer: a score, or the reason why there is none.

    Use the three constructors; ``failed`` is for trouble on the judge's side (network, quota), ``unscored`` for an
    answer or a reply on which no score can be based. Neither ever becomes a number. ``reason`` is a text, or a
    `harness.unscored.Unscored`, which has a code; ``code`` is "other" for a text.

    >>> Verdict.scored(4, rationale="good").status, Verdict.unscored("too short").status
    ('scored', 'unscored')
    >>> from harness.unscored import Unscored
    >>> Verdict.unscored("too short").code, Verdict.unscored(Unscored("no_reference", "no reference")).code
    ('other', 'no_reference')
    """

    status: Status
    score: float | None = None
    reason: str | None = None
    rationale: str | None = None
    raw: str | None = None
    version: str | None = None
    cost: float | None = None

    def __post_init__(self) -> None:
        if (self.score is not None) != (self.status == "scored"):
            raise ValueError(f"a verdict has a score if and only if it is scored: {self}")
        if self.score is not None and not math.isfinite(self.score):
            raise ValueError(f"a score is a finite number, not {self.score}")
        if self.status != "scored" and not self.reason:
            raise ValueError(f"a verdict without a score says why: {self}")
        _check_texts(self, "reason", "rationale", "raw", "version")

    @property
    def code(self) -> str | None:
        """What kind of reason there is for having no score, None where there is one."""
        return None if self.reason is None else code_of(self.reason)

    @classmethod
    def scored(
        cls,
        score: float,
        *,
        rationale: str | None = None,
        raw: str | None = None,
        version: str | None = None,
        cost: float | None = None,
    ) -> "Verdict":
        """Return a verdict with a score; ``rationale`` is the judge's explanation of it."""
        return cls(status="scored", score=float(score), rationale=rationale, raw=raw, version=version, cost=cost)

    @classmethod
    def unscored(
        cls, reason: str, *, raw: str | None = None, version: str | None = None, cost: float | None = None
    ) -> "Verdict":
        """Return a verdict without a score, for an answer that cannot be scored."""
        return cls(status="unscored", reason=reason, raw=raw, version=version, cost=cost)

    @classmethod
    def failed(
        cls, reason: str, *, raw: str | None = None, version: str | None = None, cost: float | None = None
    ) -> "Verdict":
        """Return a verdict without a score because the judge itself failed."""
        return cls(status="error", reason=reason, raw=raw, version=version, cost=cost)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A verdict with its identity: which answer, which judge, under which content key."""

    key: str
    request_key: str
    judge: str
    judge_fingerprint: str
    repeat: int
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A value with its interval. ``value``, ``low`` and ``high`` are None where they cannot be computed; never NaN.

    ``n`` counts the tasks behind the value, ``n_unscored`` those left out; ``method`` names the interval.
    """

    value: float | None
    low: float | None
    high: float | None
    confidence: float
    n: int
    n_unscored: int
    method: str


def _check_texts(record: object, *names: str) -> None:
    """Refuse what a plugin may put into a text field by mistake: the store could not keep it."""
    for name in names:
        value = getattr(record, name)
        if value is not None and not isinstance(value, str):
            raise ValueError(f"{name} is text or None, not {value!r}")
