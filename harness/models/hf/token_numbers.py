"""The HF path's numbers, token by token: what other engines are compared with."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from harness.errors import HarnessError, InputError, OutOfMemoryError
from harness.locale import tr
from harness.models.hf.adapters import Adapter
from harness.models.hf.bases import BASE_MODELS, Base
from harness.models.hf.batching import BatchRow
from harness.models.hf.decoding import decode
from harness.models.hf.forward_eager import EagerSteps, last_scores_only, pad_left
from harness.models.hf.progress import TokenMeter
from harness.models.hf.sampling import penalised
from harness.protocols import ForcedAnswer
from harness.types import RenderedPrompt, Request, Sampling

_LEADERS = 20  # a token that another engine prefers and that is not among them is far from the best


class LocalNumbers:
    """The numbers of a base, or of an adapter on it; see `harness.protocols.ReferenceNumbers`.

    ``load`` returns the base as `harness.models.hf.backend.LocalModel` has it.
    """

    def __init__(self, load: Callable[[], Base], adapter: Adapter | None, name: str) -> None:
        self.resolution = 0.0
        self._load = load
        self._adapter = adapter
        self._name = name

    @property
    def has_adapter(self) -> bool:
        """See `harness.protocols.ReferenceNumbers`."""
        return self._adapter is not None

    def without_adapter(self) -> "LocalNumbers":
        """See `harness.protocols.ReferenceNumbers`."""
        return LocalNumbers(self._load, None, self._name)

    def greedy_answers(self, prompts: Sequence[RenderedPrompt], sampling: Sampling) -> list[tuple[int, ...]]:
        """See `harness.protocols.TokenNumbers`; all prompts are one batch."""
        base = self._ready()
        encoded = self._encoded(base, prompts)
        rows = [
            BatchRow(request=_request(index, sampling), ids=ids, limit=_room(base, ids, sampling.max_new_tokens))
            for index, ids in enumerate(encoded)
        ]
        meter = TokenMeter(self._name, len(rows), sum(row.limit for row in rows))
        found = {
            int(answer.row.request.key): tuple(token for token in answer.tokens if token >= 0)
            for answer in decode(rows, EagerSteps(base.model, base.pad), base.encoder, base.end, meter)
        }
        return [found[index] for index in range(len(rows))]

    def forced_answers(self, prompts: Sequence[RenderedPrompt], answers: Sequence[Sequence[int]]) -> list[ForcedAnswer]:
        """See `harness.protocols.TokenNumbers`; all answers are one batch, padded to the longest."""
        return self._forced(prompts, answers, rows=len(prompts))

    def forced_alone(self, prompts: Sequence[RenderedPrompt], answers: Sequence[Sequence[int]]) -> list[ForcedAnswer]:
        """See `harness.protocols.ReferenceNumbers`."""
        with _other_attention(self._ready().model):
            return self._forced(prompts, answers, rows=1)

    def leaders(
        self, prompts: Sequence[RenderedPrompt], answers: Sequence[Sequence[int]], sampling: Sampling
    ) -> list[list[list[tuple[int, float]]]]:
        """See `harness.protocols.ReferenceNumbers`."""
        base = self._ready()
        found = []
        for ids, answer in zip(self._encoded(base, prompts), answers, strict=True):
            scores = _scores(base, [ids], [answer])[0]
            found.append(
                [
                    _best(penalised(scores[place], [*ids, *answer[:place]], sampling.repetition_penalty))
                    for place in range(len(answer))
                ]
            )
        return found

    def release(self) -> None:
        """See `harness.protocols.ReferenceNumbers`."""
        BASE_MODELS.clear()

    def _ready(self) -> Base:
        base = self._load()
        base.switch.use(self._adapter)
        return base

    def _forced(
        self, prompts: Sequence[RenderedPrompt], answers: Sequence[Sequence[int]], *, rows: int
    ) -> list[ForcedAnswer]:
        base = self._ready()
        encoded = self._encoded(base, prompts)
        found = []
        for start in range(0, len(encoded), rows):
            ids, given = encoded[start : start + rows], answers[start : start + rows]
            try:
                every = _scores(base, ids, given)
            except torch.OutOfMemoryError as error:
                if rows == 1:
                    raise OutOfMemoryError(
                        tr("Memory does not suffice to score a prompt of {n} tokens.", n=len(ids[0])),
                        hint=tr("Close other programs on the GPU, or compare on shorter prompts."),
                    ) from error
                every = None  # tried again below, where the exception no longer holds the batch's tensors
            if every is None:
                torch.cuda.empty_cache()
                return self._forced(prompts, answers, rows=(rows + 1) // 2)
            for prompt, answer, scores in zip(ids, given, every, strict=True):
                chosen = torch.tensor(list(answer), dtype=torch.long, device=scores.device)
                values = scores.double().log_softmax(dim=-1).gather(1, chosen[:, None]).squeeze(1)
                self._note_rounding(scores, base.numerics.dtype)
                found.append(ForcedAnswer(prompt=tuple(prompt), values=tuple(values.tolist())))
        return found

    def _note_rounding(self, scores: torch.Tensor, dtype: torch.dtype) -> None:
        largest = float(scores.abs().max()) if scores.numel() else 0.0
        self.resolution = max(self.resolution, torch.finfo(dtype).eps * largest)

    def _encoded(self, base: Base, prompts: Sequence[RenderedPrompt]) -> list[list[int]]:
        encoded = []
        for ids in base.encoder.encode_all(prompts):
            if isinstance(ids, HarnessError):
                raise ids
            if not ids:
                raise InputError(tr("the prompt has no tokens"))
            encoded.append(ids)
        return encoded


@contextmanager
def _other_attention(model: Any) -> Iterator[None]:  # noqa: ANN401 - transformers is untyped
    """Compute attention by other kernels meanwhile, where the model has them: another order of the same roundings.

    On a CPU a smaller batch alone gives most scores bit for bit again, which says nothing of another engine's rounding.
    """
    own = model.config._attn_implementation  # noqa: SLF001 - transformers has no public name for it
    try:
        model.set_attn_implementation("sdpa" if own == "eager" else "eager")
    except (AttributeError, ValueError, ImportError):  # a model with one way only
        yield
        return
    try:
        yield
    finally:
        model.set_attn_implementation(own)


def _room(base: Base, ids: Sequence[int], wanted: int) -> int:
    """Return how many tokens may follow a prompt.

    Raises:
        InputError: the model's context ends with the prompt.
    """
    room = wanted if base.context is None else min(wanted, base.context - len(ids))
    if room < 1:
        raise InputError(
            tr("the prompt has {n} tokens, and the model takes {most} with the answer", n=len(ids), most=base.context)
        )
    return room


@torch.inference_mode()
def _scores(base: Base, prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[int]]) -> list[torch.Tensor]:
    """Return the scores at each answer's places, shape (tokens, vocabulary) each, from one forward pass."""
    texts = [[*prompt, *answer] for prompt, answer in zip(prompts, answers, strict=True)]
    longest = max(len(answer) for answer in answers)
    ids, mask = pad_left(texts, base.pad, base.model.device)
    padded = len({len(text) for text in texts}) > 1
    last = dict.fromkeys(last_scores_only(base.model), longest + 1)
    scores = base.model(
        input_ids=ids,
        attention_mask=mask if padded else None,
        position_ids=(mask.cumsum(dim=-1) - 1).clamp(min=0),
        use_cache=False,
        **last,
    ).logits
    return [
        scores[row, scores.shape[1] - len(answer) - 1 : scores.shape[1] - 1].float()
        for row, answer in enumerate(answers)
    ]


def _best(scores: torch.Tensor) -> list[tuple[int, float]]:
    found = scores.topk(min(_LEADERS, scores.numel()))
    return list(zip(found.indices.tolist(), found.values.tolist(), strict=True))


def _request(index: int, sampling: Sampling) -> Request:
    """Return a request of which only the sampling is read; its prompt has no stop strings."""
    bare = RenderedPrompt(messages=())
    return Request(
        key=str(index), task="", sample_id="", model="", prompt=None, repeat=0, rendered=bare, sampling=sampling
    )
