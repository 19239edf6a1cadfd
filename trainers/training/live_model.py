"""The model that is being trained, as one that answers an evaluation's requests, and is afterwards as it was."""

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch

from harness.models.hf.adapter_switch import Switch
from harness.models.hf.backend import ENGINE, LocalModel
from harness.models.hf.bases import Base, sizes_of
from harness.models.hf.resolved_base import ResolvedBase
from harness.models.hf.tokens import Encoder
from harness.types import Generation, PromptContract, Request
from trainers.training.attention import DENSE, use_attention
from trainers.training.fused import without_kernels
from trainers.training.rng import preserve_rng_state


class LiveModel(LocalModel):
    """Answers with an adapter as it stands after some step, on the base in memory, without a copy of either.

    Products are those of training, by ``autocast``, and of ``harness eval`` with this adapter but for their last
    digits; so its answers are kept apart from those (see ``fingerprint``). No random number, mode, gradient or way of
    attending is another one afterwards: training goes on as if nothing had been asked.
    """

    def __init__(
        self,
        model: Any,  # noqa: ANN401 - peft is untyped
        *,
        label: str,
        base: ResolvedBase,
        encoder: Encoder,
        autocast: Callable[[], Any],
        is_base: bool,
    ) -> None:
        """``is_base``: the adapter changes nothing yet, so that the answers are the base's."""
        super().__init__(label=label, base=base, chat_template=encoder.chat_template)
        self._model = model
        self._autocast = autocast
        self._eager = True  # a graph would hold on to memory that training needs
        self._weights = "none" if is_base else adapter_digest(model)[:16]
        config = base.config()
        pads = (encoder.tokenizer.pad_token_id, encoder.tokenizer.eos_token_id)
        self._held = Base(
            model=model.get_base_model(),
            encoder=encoder,
            switch=Switch(model.get_base_model(), base.numerics.dtype),
            sizes=sizes_of(base.source, config, trusted=base.trusted),
            numerics=base.numerics,
            end=base.end(encoder),
            pad=next((token for token in pads if token is not None), 0),
            context=getattr(config.get_text_config(decoder=True), "max_position_embeddings", None),
        )

    @property
    def fingerprint(self) -> str:
        """As of `LocalModel`, with the adapter's tensors in the place of its files."""
        numerics = f"{self._numerics}{self.trained.identity}"
        return f"training/{ENGINE} base={self._source.digest[:16]} adapter={self._weights} {numerics}"

    @property
    def details(self) -> Mapping[str, str | None]:
        """What the fingerprint stands for, in words."""
        return {**super().details, "adapter": self._label, "adapter_digest": self._weights}

    def training_prompt(self) -> PromptContract | None:
        """Return None: the prompt is the training's own, there is no other to be mistaken for it."""
        return None

    def generate(self, requests: Sequence[Request]) -> Iterator[Generation]:
        """Yield the answers, once all are there: by then the model is as it was."""
        with as_in_evaluation(self._model), self._autocast():
            answers = list(super().generate(requests))
        yield from answers

    def _base(self) -> Base:
        return self._held


@contextlib.contextmanager
def as_in_evaluation(model: Any) -> Iterator[None]:  # noqa: ANN401 - peft is untyped
    """Have a model that is being trained as evaluation has it meanwhile, and put everything back."""
    base, training = model.get_base_model(), model.training
    attention = base.config._attn_implementation  # noqa: SLF001 - no public name
    if attention != DENSE:
        use_attention(base, DENSE)
    model.eval()
    try:
        with without_kernels(model), preserve_rng_state(), torch.compiler.set_stance("force_eager"):
            yield
    finally:
        model.train(training)
        if attention != DENSE:
            use_attention(base, attention)


def adapter_digest(model: torch.nn.Module) -> str:
    """Return the SHA-256 of what is trained of a model: equal for equal adapters on it."""
    found = hashlib.sha256()
    for name, tensor in sorted(model.named_parameters(), key=lambda pair: pair[0]):
        if tensor.requires_grad:
            found.update(name.encode())
            found.update(tensor.detach().float().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()
