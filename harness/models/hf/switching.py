"""Attaching adapters to a loaded base, unmerged, and switching between them and the base itself."""

import warnings
from collections.abc import Sequence
from typing import Any

import torch
from peft import PeftModel

from harness.errors import HarnessError
from harness.models.hf.adapters import Adapter
from harness.models.hf.fitting import all_zero, check_tensors

_TINY = 0.01  # of the spread of the base's own scores


class Switch:
    """Holds at most one adapter attached to a model and turns it on and off.

    An adapter's weights are held in the model's compute dtype. Training under autocast multiplies in that dtype, too,
    so the products are those of training. A model whose adapter is off runs its own layers only: its scores are those
    of the base, bit for bit.
    """

    def __init__(self, model: Any, dtype: torch.dtype) -> None:  # noqa: ANN401 - transformers is untyped
        self.model = model
        self._dtype = dtype
        self._wrapped: Any = None
        self._attached: Adapter | None = None

    def use(self, adapter: Adapter | None) -> str | None:
        """Turn an adapter on, attaching it if need be, or all off for None; return a notice if it fits only in part.

        Raises:
            HarnessError: the adapter does not fit the model.
        """
        if adapter is None:
            if self._wrapped is not None:
                self._wrapped.base_model.disable_adapter_layers()
            return None
        notice = None
        if self._attached is None or self._attached.digest != adapter.digest:
            self.detach()
            notice = self._attach(adapter)
        self._wrapped.base_model.enable_adapter_layers()
        return notice

    def detach(self) -> None:
        """Remove the adapter, so that the model is as it was loaded."""
        if self._wrapped is not None:
            self._wrapped.unload()
        self._wrapped, self._attached = None, None

    def _attach(self, adapter: Adapter) -> str | None:
        notice = check_tensors(adapter, self.model)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)  # between peft and transformers; no user can act on it
                wrapped = PeftModel.from_pretrained(self.model, adapter.folder, autocast_adapter_dtype=False)
        except (ValueError, RuntimeError, KeyError, TypeError, NotImplementedError) as error:
            raise HarnessError(
                f"peft cannot attach {adapter.name}: {' '.join(str(error).split())[:400]}",
                hint="Was it trained on this base, with a peft not newer than the installed one?",
            ) from error
        self._wrapped, self._attached = wrapped, adapter
        base = {id(parameter) for parameter in _own_parameters(wrapped)}
        for parameter in self.model.parameters():
            if id(parameter) in base and parameter.is_floating_point():
                parameter.data = parameter.data.to(self._dtype)
        wrapped.eval()
        return notice

    @torch.inference_mode()
    def scores(self, ids: Sequence[int]) -> torch.Tensor:
        """Return the scores of the token after a prompt, shape (vocabulary,), as the model stands."""
        prompt = torch.tensor([list(ids)], device=self.model.device)
        scores: torch.Tensor = self.model(input_ids=prompt, use_cache=False).logits[0, -1]
        return scores


def _own_parameters(wrapped: Any) -> list[torch.nn.Parameter]:  # noqa: ANN401 - peft is untyped
    """Return the parameters that the adapter brought along."""
    prefix = wrapped.base_model.prefix
    return [parameter for name, parameter in wrapped.named_parameters() if prefix in name]


def check_effect(switch: Switch, adapter: Adapter, ids: Sequence[int]) -> str | None:
    """Compare base and adapter on one prompt; return a notice if the adapter's effect is tiny. Leaves it turned on.

    Tiny: the scores of no token move by more than 1 % of the spread (standard deviation) of the base's scores.

    Raises:
        HarnessError: the scores are equal bit for bit, so that base would be compared with itself.
    """
    switch.use(None)
    base = switch.scores(ids)
    switch.use(adapter)
    adapted = switch.scores(ids)
    if torch.equal(base, adapted):
        reason, hint = "its tensors reach no layer of the model", "Check target_modules in adapter_config.json."
        if all_zero(adapter):
            reason = "all its lora_B weights are zero, as before the first optimizer step"
            hint = "Train it: a run of no more steps than its warm-up, or max_steps 1, changes nothing."
        raise HarnessError(f"{adapter.name} has no effect: base and adapter give equal scores; {reason}.", hint=hint)
    moved = float((adapted.float() - base.float()).abs().max())
    spread = float(base.float().std())
    if moved < _TINY * spread:
        return (
            f"adapter {adapter.name} hardly changes the model: the scores after one prompt move by at most "
            f"{moved:.2g}, and their spread is {spread:.2g}"
        )
    return None
