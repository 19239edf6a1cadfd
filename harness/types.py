"""The records that flow through the harness, in flow order: samples, requests, generations, judgements, estimates.

All are frozen, slotted and keyword-only. None knows how it is stored or shown.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from harness.unscored import code_of

Role = Literal["system", "user", "assistant"]
FinishReason = Literal["stop", "length", "error"]
Status = Literal["scored", "unscored", "error"]
_MOST_TOKENS = 2**63  # what a database column holds
_STRICT = {"extra": "forbid"}  # for records that are read from files: a misspelt key is an error
PromptFormat = Literal["text", "chat"]
BosPolicy = Literal["once", "never", "template"]
"""How often BOS stands at a prompt's front; "template": as the chat template writes it, once before a text form."""
TokenPolicy = Literal["once", "never", "template", "after every answer"]
Estimand = Literal["new", "these"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """The values a judge may give: ``low`` to ``high``, in whole ``step``s, or any value between if ``step`` is None.

    >>> LIKERT_5.allows(4), LIKERT_5.allows(4.5), LIKERT_5.allows(6), UNIT.allows(0.37)
    (True, False, False, True)
    >>> Scale(low=0, high=1, step=0.1).allows(0.3)
    True
    """

    low: float
    high: float
    step: float | None = None

    def covers(self, value: float) -> bool:
        """Return whether ``value`` lies between the ends (a mean of several raters need not be on a step)."""
        return self.low <= value <= self.high

    def allows(self, value: float) -> bool:
        """Return whether one verdict may have this value: between the ends and on a step."""
        if not self.covers(value):
            return False
        if self.step is None:
            return True
        steps = (value - self.low) / self.step
        return math.isclose(steps, round(steps), abs_tol=1e-9)  # a step of 0.1 is no binary fraction

    @property
    def is_pass_fail(self) -> bool:
        """Whether only the two ends can occur, so that a mean is a pass rate."""
        return self.step is not None and self.high - self.low == self.step

    def __str__(self) -> str:
        return f"{self.low:g}-{self.high:g}"


LIKERT_5 = Scale(low=1, high=5, step=1)
UNIT = Scale(low=0, high=1)
PASS_FAIL = Scale(low=0, high=1, step=1)
PERCENT = Scale(low=0, high=100)


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


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class RowKey:
    """A row of a board: a model under a prompt (None where its answers existed already)."""

    model: str
    prompt: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedPrompt:
    """A template filled with one sample: what a backend turns into token ids or an API call.

    ``format="text"``: ``messages`` is one user message whose content is the whole prompt, to be tokenised as it stands.
    ``format="chat"``: the tokenizer's or the server's own chat template is applied to ``messages``.
    ``bos`` says how often the beginning-of-sequence token stands at the front, whatever the tokenizer's default is.
    ``stop``: strings that end the answer (they are not part of it).
    ``text_form``: what a tokenizer without a chat template gets instead of ``messages``; None if there is no such form.
    """

    messages: tuple[Message, ...]
    format: PromptFormat = "text"
    bos: BosPolicy = "once"
    stop: tuple[str, ...] = ()
    text_form: str | None = None

    @property
    def text(self) -> str:
        """The contents of all messages, one after the other, for backends and checks that want plain text."""
        return "\n".join(message.content for message in self.messages)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecialToken:
    """Where training put a special token. ``token`` and ``id`` are None where the tokenizer has none."""

    __pydantic_config__ = _STRICT
    policy: TokenPolicy
    token: str | None
    id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One made-up sample as training encoded it: the prompt's ids with their texts, and an answer's with EOS last.

    A further probe of a contract has no answer.
    """

    __pydantic_config__ = _STRICT
    inputs: Mapping[str, str]
    rendered: RenderedPrompt
    prompt_ids: tuple[int, ...]
    prompt_tokens: tuple[str, ...]
    answer: str = ""
    answer_ids: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.prompt_ids or len(self.prompt_ids) != len(self.prompt_tokens):
            raise ValueError(f"{len(self.prompt_ids)} prompt_ids with {len(self.prompt_tokens)} prompt_tokens")


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptContract:
    """What prompt an adapter was trained with: its template as it was then, and the tokens that it made of probes.

    ``further`` probes hold instructions of other kinds, which a template may treat otherwise (none in schema 1).
    ``template`` is its name or path as typed, ``template_sha256`` covers ``template_text`` and what it includes.
    """

    __pydantic_config__ = _STRICT
    schema: Literal[1, 2]
    template: str
    template_sha256: str
    template_text: str
    bos: SpecialToken
    eos: SpecialToken
    probe: Probe
    further: tuple[Probe, ...] = ()

    def __post_init__(self) -> None:
        if self.eos.id is None or self.probe.answer_ids[-1:] != (self.eos.id,):
            raise ValueError(f"answer_ids do not end with the EOS token, {self.eos.id}")

    @property
    def format(self) -> PromptFormat:
        """Whether training's prompt was one text or messages with roles."""
        return self.probe.rendered.format


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How tokens are drawn. ``temperature`` 0 is greedy; ``seed`` then has no effect and is left out of every key."""

    max_new_tokens: int = 512
    temperature: float = 0.0
    repetition_penalty: float = 1.2
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """A model as asked for: ``text`` is the spec without its label, ``label`` its name in every report.

    ``adapter`` of the backend ``base`` is the adapter whose base it is, if nobody chose one. Else it and ``revision``
    are read by nobody: a target says both. They stay: keys and run names hold them.
    """

    text: str
    label: str
    backend: str
    target: str | None = None
    base: str | None = None
    revision: str | None = None
    adapter: str | None = None
    quantization: str | None = None
    dtype: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_labelled(self) -> bool:
        """Whether the user chose the label."""
        return self.label != self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSpec:
    """A task as asked for: ``name``, the file it comes from if one was given, and the names of that file's columns."""

    name: str
    source: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeSpec:
    """A judge as asked for: ``NAME[:OPTION]``. ``settings`` is its ``[judges.NAME]`` table."""

    text: str
    name: str
    option: str | None = None
    rubric: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalSpec:
    """Everything an evaluation is: equal specs are the same run."""

    models: tuple[ModelSpec, ...]
    prompts: tuple[str, ...]
    tasks: tuple[TaskSpec, ...]
    judges: tuple[JudgeSpec, ...]
    sampling: Sampling = field(default_factory=Sampling)
    repeats: int = 1
    judge_repeats: int = 1
    limit: int | None = None
    baseline: str | None = None
    seed: int = 0
    confidence: float = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What the claims of a run rest on, said before anybody looks; None is the default.

    ``primary``: the judge that verdicts come from, of ``primary_task`` alone if that is named · ``margin``: within how
    many points two rows count as equal · ``estimand``: intervals are about new tasks like these, or about these.
    ``late``: what was declared only after the run had figures, by field, with what held before.
    """

    primary: str | None = None
    primary_task: str | None = None
    margin: float | None = None
    estimand: Estimand | None = None
    late: Mapping[str, Any] = field(default_factory=dict)


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
            raise ValueError(f"a score is a number: {self}")
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
