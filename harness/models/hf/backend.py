"""The backend for models on this machine: a base, or an adapter on a base, answering requests in batches."""

import functools
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch

from harness.errors import HarnessError
from harness.locale import tr
from harness.models.child_process import end_unused
from harness.models.hf.adapter_checks import check_tokenizer
from harness.models.hf.adapter_switch import check_effect
from harness.models.hf.adapters import Adapter
from harness.models.hf.bases import BASE_MODELS, Base, sizes_of
from harness.models.hf.batching import BatchBudget, Batches, BatchLimits, BatchRow, describe, halves, plan_batches
from harness.models.hf.crew import Enlisted, crew_of, gpu_count
from harness.models.hf.decoding import Decoded, decode
from harness.models.hf.encoding import encode_requests, end_differs, failed
from harness.models.hf.forward_cuda_graph import CaptureError, GraphSteps, can_capture
from harness.models.hf.forward_eager import EagerSteps, Steps
from harness.models.hf.memory import available_bytes, check_fits, ran_out, release
from harness.models.hf.needs import most_seconds, step_seconds, this_device
from harness.models.hf.progress import TokenMeter, say
from harness.models.hf.refilling import Waiting
from harness.models.hf.resolved_base import ResolvedBase
from harness.models.hf.room import Peak, Room
from harness.models.hf.token_numbers import LocalNumbers
from harness.models.hf.trained_prompt import TrainedPrompt
from harness.models.hf.word_scores import WordScorer, most_tokens
from harness.models.places import gpu_places, process_places
from harness.notices import Notice, as_notice
from harness.protocols import EngineChoice, FreeText, MachineNeeds, ModelBackend, Sharing, WordScores
from harness.remote.pricing import rough_tokens
from harness.types import Generation, ModelSpec, PromptContract, RenderedPrompt, Request, Sampling

ENGINE = 2  # raised when the same weights and prompt would give another answer
_ROWS = {"cuda": 128, "cpu": 32}  # most rows of a batch: beyond them a token costs almost as much, and a crash more
# A base and its adapters ask the same tokenizer one after the other; reading one takes up to two seconds.
_encoder = functools.lru_cache(maxsize=1)(ResolvedBase.encoder)


@dataclass(frozen=True, slots=True, kw_only=True)
class Engines:
    """Which engine was ``wanted`` (auto, hf or vllm), and what chooses one for a board."""

    wanted: str
    choose: Callable[[Mapping[str, ModelBackend], Sequence[Request]], EngineChoice]


class LocalModel:
    """A base, or an adapter on a base; see `harness.protocols.ModelBackend`.

    ``spec``: what it was opened by, so that another process can open the same. ``batch_plan`` describes the batches of
    the last call of ``generate``, because their composition moves the last bits of reduced-precision scores.
    ``chat_template``: of a base, what writes messages in place of its own chat template.
    """

    def __init__(
        self,
        *,
        label: str,
        base: ResolvedBase,
        adapter: Adapter | None = None,
        limits: BatchLimits | None = None,
        notices: Sequence[Notice] = (),
        engines: Engines | None = None,
        spec: ModelSpec | None = None,
        chat_template: str | None = None,
    ) -> None:
        self.batch_plan = ""
        self.room: Room
        self.spec = spec
        self._engines = engines
        self._label = label
        self._resolved = base
        self._source = base.source
        self._numerics = base.numerics
        self._adapter = adapter
        self.trained = TrainedPrompt(adapter=adapter, given=chat_template)
        self._limits = limits or BatchLimits()
        self._notices = list(notices)
        self._is_checked = adapter is None
        self._eager = False

    @property
    def adapter(self) -> Adapter | None:
        """The adapter on the base, None for the base itself."""
        return self._adapter

    @property
    def base(self) -> ResolvedBase:
        """The base, identified."""
        return self._resolved

    @property
    def engine(self) -> str:
        """The engine that the user asked for: auto, hf or vllm."""
        return "hf" if self._engines is None else self._engines.wanted

    def choose_engine(self, board: Mapping[str, ModelBackend], requests: Sequence[Request]) -> EngineChoice:
        """Return a board's models on one engine; see `harness.protocols.ChoosesEngine`.

        Raises:
            MissingExtraError: the engine that was asked for is not installed.
        """
        if self._engines is None:
            return EngineChoice(models=board, notice=None)
        return self._engines.choose(board, requests)

    @property
    def fingerprint(self) -> str:
        """Weights, adapter, quantisation, dtype, device, route and version of the generation loop."""
        adapter = self._adapter.digest[:16] if self._adapter else "none"
        return (
            f"local/{ENGINE} base={self._source.digest[:16]} adapter={adapter} {self._numerics}{self.trained.identity}"
        )

    @property
    def details(self) -> Mapping[str, str | None]:
        """What the fingerprint stands for, in words, for the report's provenance."""
        return {
            "base": self._source.text,
            "base_revision": self._source.commit,
            "base_digest": self._source.digest,
            "adapter": self._adapter.name if self._adapter else None,
            "adapter_digest": self._adapter.digest if self._adapter else None,
            "training_prompt": self.trained.named,
            "device": torch.cuda.get_device_name() if self._numerics.device == "cuda" else "CPU",
            "dtype": self._numerics.dtype_name,
            "quantization": self._numerics.quantization,
            "route": self._numerics.route,
        }

    def notices(self) -> Sequence[Notice]:
        """Return what the report must say of this model; complete once ``generate`` has run."""
        return (*self._notices, *([as_notice(self.batch_plan)] if self.batch_plan else ()))

    def hear(self, notices: Sequence[Notice]) -> None:
        """Take over what another process has to say of the same model."""
        for notice in notices:
            self._note(notice)

    def spread(
        self, models: Mapping[str, ModelBackend], sharing: Sharing
    ) -> AbstractContextManager[Mapping[str, ModelBackend]]:
        """Have several processes answer for the models of this kind; see `harness.protocols.SpreadsOverGpus`.

        Raises:
            UsageError: there are not so many GPUs.
        """
        mine = {
            label: Enlisted(spec=one.spec, fingerprint=one.fingerprint, hear=one.hear)
            for label, one in models.items()
            if isinstance(one, LocalModel) and one.spec is not None
        }
        own = sharing.processes
        places = process_places(own) if own else gpu_places(gpu_count(sharing.gpus, sharing.tokens))
        if len(places) > 1:
            return crew_of(models, mine, places, stays=sharing.stays)
        end_unused()
        return nullcontext(models)

    def needs(self, requests: Sequence[Request]) -> MachineNeeds:
        """Return what answering takes on this machine, by count; no weight is loaded.

        Raises:
            OutOfMemoryError: the model does not fit into the memory that is free.
        """
        base, numerics = self._resolved, self._numerics
        config = base.config()
        sizes = sizes_of(base.source, config, trusted=base.trusted)
        available = available_bytes(numerics.device)
        loading = 0 if BASE_MODELS.holds(base.key) else sizes.loading_bytes(numerics)
        check_fits(base.source.text, loading, available, numerics, sizes)
        limits = [request.sampling.max_new_tokens for request in requests]
        prompt = max((rough_tokens(request.rendered.text) for request in requests), default=0)
        room = Room(sizes=sizes, numerics=numerics, buffers=numerics.device == "cuda").recalled()
        row = room.row_bytes(prompt, max(limits, default=0))
        most = room.share(available - loading) // max(1, row)
        rows = max(1, min(self._limits.rows or _ROWS[numerics.device], most, len(requests)))
        device = this_device(numerics)
        layers = config.get_text_config(decoder=True).num_hidden_layers
        step = step_seconds(sizes, layers, numerics, device, rows)
        return MachineNeeds(
            device=device.name,
            needed=loading + room.fixed + row * rows,
            available=available,
            seconds=most_seconds(step, rows, limits),
        )

    def generate(self, requests: Sequence[Request]) -> Iterator[Generation]:
        """Yield a generation for each request as it ends; a prompt that cannot be encoded gets its error last.

        Raises:
            HarnessError: the model cannot be loaded, the adapter does not fit or has no effect, or a prompt wants a
                chat template that the tokenizer does not have (after all other prompts are answered).
        """
        base = self._base()
        rows, refused, refusal = self._encode(base, requests)
        yield from refused
        if rows:
            self._check_adapter(base, rows[0])
            batches = plan_batches(rows, self._budget(base))
            self.batch_plan = describe(batches)
            meter = TokenMeter(self._label, len(rows), sum(row.limit for row in rows))
            del base  # should it have to be loaded anew, this one must not be held
            yield from self._run(deque(batches), meter)
        if refusal is not None:
            raise refusal

    def score_words(
        self, prompts: Sequence[RenderedPrompt], words: Sequence[str], lead: FreeText | None = None
    ) -> Iterator[WordScores]:
        """Yield how probable each word is as the next of each answer; see `harness.protocols.ScoresWords`.

        Raises:
            HarnessError: as for `generate`, or the tokenizer has no token for a word.
        """
        requests = [_scoring_request(str(index), prompt, most_tokens(lead)) for index, prompt in enumerate(prompts)]
        base = self._base()
        rows, refused, refusal = self._encode(base, requests)
        for lost in refused:
            yield WordScores(index=int(lost.request_key), probabilities=None, error=lost.error)
        if rows:
            self._check_adapter(base, rows[0])
            batches, scorer = deque(plan_batches(rows, self._budget(base))), WordScorer(words=words, lead=lead)
            del base
            while batches:
                yield from self._scored(batches, scorer)
        if refusal is not None:
            raise refusal

    def _scored(self, batches: Batches, scorer: WordScorer) -> Sequence[WordScores]:
        """Return what the next batch comes to; of one that does not fit, nothing: its halves are put back."""
        batch = batches.popleft()
        try:
            base = self._base()
            base.switch.use(self._adapter)
            return scorer.score(batch, base, self._source.text)
        except (RuntimeError, MemoryError) as error:
            if not ran_out(error):
                raise
        release()
        if len(batch) == 1:
            reason = tr("out of memory, alone in its batch")
            return [WordScores(index=int(batch[0].request.key), probabilities=None, error=reason)]
        batches.extendleft(reversed(halves(batch)))
        return []

    def tokens(self, prompt: RenderedPrompt) -> Sequence[tuple[int, str]]:
        """Return the tokens of a prompt; only the tokenizer is loaded.

        Raises:
            HarnessError: the tokenizer cannot be loaded, or the prompt wants a chat template that it does not have.
        """
        return _encoder(self._resolved).with_chat(self.trained.chat_template).tokens(prompt)

    def training_prompt(self) -> PromptContract | None:
        """Return the contract in the adapter's folder, or None without an adapter or a contract.

        Raises:
            InputError: the contract is damaged.
        """
        return self.trained.contract()

    def numbers(self) -> LocalNumbers:
        """Return this model's numbers token by token; see `harness.protocols.ShowsNumbers`."""
        return LocalNumbers(self._base, self._adapter, self._label)

    def _base(self) -> Base:
        """Return the base: as it was loaded, or with this very adapter attached to it.

        One that an adapter changed, or failed to be attached to, is given up and loaded anew.
        """
        base = self._resolved
        switch = BASE_MODELS.get(base.key, base.load).switch
        switch.make_way(self._adapter)
        if switch.in_doubt:
            say(
                tr(
                    "  {label}: loading {base} anew, because an adapter may have changed it",
                    label=self._label,
                    base=self._source.text,
                )
            )
            switch.discard()
            BASE_MODELS.clear()
        return BASE_MODELS.get(base.key, base.load).with_chat(self.trained.chat_template)

    def _encode(
        self, base: Base, requests: Sequence[Request]
    ) -> tuple[list[BatchRow], list[Generation], HarnessError | None]:
        encoded = encode_requests(base.encoder, requests, base.context)
        self.hear(encoded.notices)
        return encoded.rows, encoded.refused, encoded.refusal

    def _check_adapter(self, base: Base, first: BatchRow) -> None:
        if self._adapter is None or self._is_checked:
            return
        size, rows = len(base.encoder.tokenizer), base.model.get_input_embeddings().weight.shape[0]
        self._note(check_tokenizer(self._adapter, size, rows))
        for notice in check_effect(base.switch, self._adapter, first.ids):
            self._note(notice)
        self._note(end_differs(self.training_prompt(), base.end))
        self._is_checked = True

    def _budget(self, base: Base) -> BatchBudget:
        device = self._numerics.device
        if device == "cuda":
            release()
        self.room = Room(sizes=base.sizes, numerics=self._numerics, buffers=self._uses_graphs()).recalled()
        return BatchBudget(
            rows=self._limits.rows or _ROWS[device],
            tokens=self._limits.tokens,
            memory=self.room.share(available_bytes(device)),
            row_bytes=self.room.row_bytes,
        )

    def _run(self, batches: Batches, meter: TokenMeter) -> Iterator[Generation]:
        while batches:
            batch = batches.popleft()
            waiting = Waiting(batch, batches)
            exhausted = False
            planned = self.room.batch_bytes(len(batch), len(batch[0].ids), max(row.limit for row in batch))
            peak = Peak(self._numerics.device)
            try:
                for answer in self._decode(batch, meter, waiting):
                    del waiting.unanswered[answer.row.request.key]
                    yield self._generation(answer)
                self.room = self.room.after(planned, peak.taken)
            except CaptureError as error:
                self._eager = True
                self._note(Notice("graphs_unused", tr("CUDA graphs were not used: {error}", error=error)))
                batches.appendleft(waiting.begun())
            except (RuntimeError, MemoryError) as error:
                if not ran_out(error):
                    raise
                exhausted = True  # dealt with below, where the exception no longer holds the batch's tensors
            if exhausted:
                yield from self._halve(batch, waiting.begun(), batches)

    def _halve(self, batch: list[BatchRow], waiting: list[BatchRow], batches: Batches) -> Iterator[Generation]:
        """Put the rows of a batch that have no answer yet, ``waiting``, back as two batches.

        A row that was alone is tried once more without CUDA graphs, whose memory is apart from the rest, and has failed
        if that is not enough.
        """
        release()
        self.room = self.room.after_failure()
        if len(batch) > 1:
            self._note(Notice("batch_halved", tr("a batch of {n} rows ran out of memory and was halved", n=len(batch))))
            say(tr("  {label}: out of memory with {n} rows; going on with halves", label=self._label, n=len(batch)))
            batches.extendleft(reversed(halves(waiting)))
        elif self._uses_graphs():
            self._eager = True
            self._note(Notice("graphs_given_up", tr("CUDA graphs were given up: out of memory with one row")))
            batches.appendleft(waiting)
        else:
            yield failed(waiting[0].request, tr("out of memory, alone in its batch"))

    def _uses_graphs(self) -> bool:
        return not self._eager and can_capture(self._base().model)

    def _decode(self, batch: list[BatchRow], meter: TokenMeter, waiting: Waiting) -> Iterator[Decoded]:
        base = self._base()
        base.switch.use(self._adapter)
        steps: Steps = EagerSteps(base.model, base.pad)
        if self._uses_graphs():
            steps = GraphSteps(base.model, base.pad, max(row.limit for row in batch))
        return decode(batch, steps, base.encoder, base.end, meter, waiting=waiting)

    def _generation(self, answer: Decoded) -> Generation:
        request = answer.row.request
        if answer.text is None:
            name = self._numerics.dtype_name
            return failed(
                request, tr("the model's scores are not numbers in {name}; try --dtype float32 or bfloat16", name=name)
            )
        return Generation(
            request_key=request.key,
            text=answer.text,
            finish_reason=answer.finish,
            tokens_in=len(answer.row.ids),
            tokens_out=len(answer.tokens),
            seconds=answer.seconds,
        )

    def _note(self, notice: Notice | None) -> None:
        if notice and notice not in self._notices:
            self._notices.append(notice)


def _scoring_request(key: str, prompt: RenderedPrompt, most: int) -> Request:
    """Return a request whose answer is of no interest: what is asked is how probable its beginnings are."""
    sampling = Sampling(max_new_tokens=most)
    return Request(key=key, task="", sample_id=key, model="", prompt=None, repeat=0, rendered=prompt, sampling=sampling)
