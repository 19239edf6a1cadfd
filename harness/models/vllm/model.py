"""A base, or an adapter on a base, that vLLM answers for: beside others on the same base, all in one call."""

import hashlib
import time
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from harness.errors import HarnessError
from harness.locale import tr
from harness.models.hf.adapter_checks import check_tokenizer
from harness.models.hf.adapters import Adapter
from harness.models.hf.backend import LocalModel
from harness.models.hf.batching import BatchRow
from harness.models.hf.crew import gpu_count
from harness.models.hf.decoding import cut
from harness.models.hf.encoding import encode_requests, end_differs
from harness.models.hf.progress import TokenMeter
from harness.models.hf.tokens import Encoder
from harness.models.places import gpu_places, process_places
from harness.models.vllm.engine import Ask, Said
from harness.models.vllm.numbers import EngineNumbers
from harness.models.vllm.plan import sampling_arguments
from harness.models.vllm.several import with_room
from harness.models.vllm.shared import SharedEngine, engines_at
from harness.notices import Notice
from harness.protocols import MachineNeeds, ModelBackend, ModelStopped, Sharing
from harness.types import Generation, PromptContract, RenderedPrompt, Request

ENGINE = 2  # raised when the same weights and prompt would give another answer
FASTER = 2.05  # than the other engine at generating, measured on an H100 (bench/README.md)


@dataclass(slots=True)
class _Asked:
    """A model on its way through one call: its rows, and the error that ends it."""

    label: str
    model: "VllmModel"
    rows: list[BatchRow] = field(default_factory=list)
    refusal: HarnessError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A model, by its label, that answers none of the requests that are left to it, and why."""

    label: str
    error: HarnessError

    @property
    def told(self) -> ModelStopped:
        """What the run is told of it."""
        error = self.error
        reason = error.message if error.hint is None else tr("{message} {hint}", message=error.message, hint=error.hint)
        return ModelStopped(model=self.label, reason=reason)


class VllmModel:
    """A model of `harness.models.hf` in vLLM; see `harness.protocols.ModelBackend`.

    ``hf`` is the same model on the other engine, not loaded: an engine and a base are never in memory together.
    """

    def __init__(self, label: str, hf: LocalModel, engine: "SharedEngine[VllmModel]") -> None:
        self.label = label
        self.hf = hf
        self.engine = engine
        engine.models[label] = self
        self._notices = list(hf.notices())

    @property
    def adapter(self) -> Adapter | None:
        """The adapter that acts, None for the base."""
        return self.hf.adapter

    @property
    def company(self) -> Hashable:
        """What is equal for models that are asked together."""
        return id(self.engine)

    @property
    def fingerprint(self) -> str:
        """The engine and its version, weights, adapter, quantisation, dtype, device and route."""
        adapter = self.adapter.digest[:16] if self.adapter else "none"
        base = self.engine.base
        name = f"vllm/{ENGINE} {self.engine.version}"
        chat = self.hf.trained.identity
        return f"{name} base={base.source.digest[:16]} adapter={adapter} {base.numerics}{chat}{self.engine.invariance}"

    @property
    def details(self) -> Mapping[str, str | None]:
        """What the fingerprint stands for, in words, for the report's provenance."""
        return {**self.hf.details, "engine": f"vllm {self.engine.version}"}

    def notices(self) -> Sequence[Notice]:
        """Return what the report must say of this model; complete once it has answered."""
        return tuple(self._notices)

    def tokens(self, prompt: RenderedPrompt) -> Sequence[tuple[int, str]]:
        """Return the tokens of a prompt; only the tokenizer is loaded.

        Raises:
            HarnessError: as on the other engine.
        """
        return self.hf.tokens(prompt)

    def training_prompt(self) -> PromptContract | None:
        """Return the contract in the adapter's folder, or None without an adapter or a contract.

        Raises:
            InputError: the contract is damaged.
        """
        return self.hf.training_prompt()

    def needs(self, requests: Sequence[Request]) -> MachineNeeds:
        """Return what answering takes on this machine; the start of the engine is not counted.

        Raises:
            OutOfMemoryError: the model does not fit into the memory that is free.
        """
        needs = self.hf.needs(requests)
        return MachineNeeds(
            device=needs.device, needed=needs.needed, available=needs.available, seconds=needs.seconds / FASTER
        )

    @contextmanager
    def spread(self, models: Mapping[str, ModelBackend], sharing: Sharing) -> Iterator[Mapping[str, ModelBackend]]:
        """Have an engine on each of several GPUs answer; see `harness.protocols.SpreadsOverGpus`.

        Raises:
            UsageError: there are not so many GPUs.
        """
        own = sharing.processes
        places = process_places(own) if own else gpu_places(gpu_count(sharing.gpus, sharing.tokens))
        if sharing.gpus is None:  # GPUs that others use are left to them, unless they were asked for
            places = with_room(places)
        engines = {id(one.engine): one.engine for one in models.values() if isinstance(one, VllmModel)}
        with engines_at(engines.values(), places):
            yield models

    def generate(self, requests: Sequence[Request]) -> Iterator[Generation]:
        """Yield a generation for each request as it ends.

        Raises:
            HarnessError: the engine cannot be started, the adapter has no effect in it, or a prompt wants a chat
                template that the tokenizer does not have (after all other prompts are answered).
        """
        refusal: HarnessError | None = None
        for one in answer_together({self.label: (self, requests)}, self.engine):
            if isinstance(one, Refusal):
                refusal = one.error
            else:
                yield one
        if refusal is not None:
            raise refusal

    def generate_together(self, asked: Mapping[str, Sequence[Request]]) -> Iterator[Generation | ModelStopped]:
        """Yield the answers of all models as they end, and who gives no more; one call of vLLM for all of them.

        Raises:
            HarnessError: the engine cannot be started, or ended.
        """
        models = {label: (self.engine.models[label], requests) for label, requests in asked.items()}
        for one in answer_together(models, self.engine):
            yield one.told if isinstance(one, Refusal) else one

    def numbers(self) -> EngineNumbers:
        """Return the numbers of this model in this engine; see `harness.protocols.ShowsNumbers`."""
        return EngineNumbers(self.engine, self.adapter, self.hf.trained.chat_template)

    def reference(self) -> LocalModel:
        """Return the same model on the HF path; nothing is loaded."""
        return self.hf

    def check_adapter(self, seen: HarnessError | Notice | None) -> None:
        """Take down what the engine showed of the adapter, and what its files say beside it.

        Raises:
            HarnessError: it has no effect, or was trained with tokens that the base does not have.
        """
        if isinstance(seen, HarnessError):
            raise seen
        if self.adapter is None:
            return
        size = len(self.engine.encoder.tokenizer)
        told = check_tokenizer(self.adapter, size, self.engine.base.config().get_text_config(decoder=True).vocab_size)
        self.note(told, seen, end_differs(self.training_prompt(), self.engine.end))

    def note(self, *notices: Notice | None) -> None:
        """Take down notices that are not there yet."""
        self._notices += [one for one in dict.fromkeys(notices) if one is not None and one not in self._notices]


def answer_together(
    asked: "Mapping[str, tuple[VllmModel, Sequence[Request]]]", shared: "SharedEngine[VllmModel]"
) -> "Iterator[Generation | Refusal]":
    """Yield the answers of models on one engine as they end, and who is refused; one call of vLLM for all of them.

    Raises:
        HarnessError: the engine cannot be started, or ended.
    """
    models: list[_Asked] = []
    for label, (model, requests) in asked.items():
        encoder = shared.encoder.with_chat(model.hf.trained.chat_template)
        encoded = encode_requests(encoder, requests, shared.context)
        yield from encoded.refused
        model.note(*encoded.notices)
        models.append(_Asked(label, model, encoded.rows, encoded.refusal))
    rows = [row for one in models for row in one.rows]
    if rows:
        longest = max(len(row.ids) + row.limit for row in rows)
        usual = sum(len(row.ids) + row.limit for row in rows) / len(rows)
        shared.engine(longest, usual)  # before anything is looked at in it, so that it is started once
        yield from _gated(models, shared, rows[0].ids)
        yield from _answered([(one, row) for one in models for row in one.rows], shared, longest)
    yield from (Refusal(label=one.label, error=one.refusal) for one in models if one.refusal is not None)


def _gated(models: Sequence[_Asked], shared: "SharedEngine[VllmModel]", ids: Sequence[int]) -> Iterator[Refusal]:
    """Yield who is refused because its adapter does not act in the engine; it has no rows any more."""
    acting = [one.model.adapter for one in models if one.model.adapter is not None and one.rows]
    seen = shared.checked(acting, ids)
    for one in models:
        adapter = one.model.adapter
        try:
            one.model.check_adapter(None if adapter is None else seen.get(adapter.digest))
        except HarnessError as error:
            one.rows, one.refusal = [], None
            yield Refusal(label=one.label, error=error)


def _answered(
    rows: Sequence[tuple[_Asked, BatchRow]], shared: "SharedEngine[VllmModel]", longest: int
) -> Iterator[Generation]:
    """Yield the answers of all rows, from one call; ``seconds`` is the time since the answer before it."""
    if not rows:
        return
    label = " · ".join(dict.fromkeys(one.label for one, _ in rows if one.label))
    meter = TokenMeter(label or "vLLM", len(rows), sum(row.limit for _, row in rows))
    asks = [Ask(ids=row.ids, adapter=one.model.adapter, sampling=_sampling(row, shared.end)) for one, row in rows]
    before = time.perf_counter()
    for place, said in shared.engine(longest).run(asks):
        now = time.perf_counter()
        row = rows[place][1]
        meter.passed(len(said.tokens))
        meter.ended(row.limit - len(said.tokens))
        yield generation(row, said, shared.encoder, shared.end, now - before)
        before = now


def _sampling(row: BatchRow, end: frozenset[int]) -> Mapping[str, object]:
    asked = row.request.sampling
    return sampling_arguments(
        limit=row.limit,
        end=end,
        stop=tuple(row.request.rendered.stop),
        penalty=asked.repetition_penalty,
        temperature=asked.temperature,
        seed=draw_seed(row.request),
    )


def draw_seed(request: Request) -> int:
    """Return what the drawing of one answer's tokens is seeded by: the request, its seed and the repeat; 63 bits."""
    text = f"{request.key}:{request.sampling.seed}:{request.repeat}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generation(row: BatchRow, said: Said, encoder: Encoder, end: frozenset[int], seconds: float) -> Generation:
    """Return the answer that tokens are: as on the other engine, without the token that ended it, up to a stop text."""
    tokens = list(said.tokens)
    ended = bool(tokens) and tokens[-1] in end
    text = cut(encoder.decode(tokens[:-1] if ended else tokens), row.request.rendered.stop)
    return Generation(
        request_key=row.request.key,
        text=text,
        finish_reason="stop" if ended or said.reason == "stop" else "length",
        tokens_in=len(row.ids),
        tokens_out=len(tokens),
        seconds=seconds,
    )
