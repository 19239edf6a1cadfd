"""Attaching adapters to a loaded base, unmerged, and taking them off again without a trace."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from peft import PeftConfig, PeftModel, PeftType, get_peft_model_state_dict
from safetensors import safe_open

from harness.errors import AdapterMismatchError, DamagedFileError, HarnessError, InputError, OutOfMemoryError
from harness.locale import tr
from harness.models.hf.adapter_checks import check_tensors, hardly_acts, no_effect, non_finite, tensor_shapes
from harness.models.hf.adapters import CONFIG, WEIGHTS, Adapter
from harness.models.hf.base_state import BaseDigest, Structure, digest_of, is_packed, keep_packed
from harness.models.hf.digests import weights_digest
from harness.models.hf.kinds import MERGE, check_sizes, without_initialisation
from harness.models.hf.patterns import resolved
from harness.models.hf.reading import json_object
from harness.notices import Notice

_TINY = 0.01  # of the spread of the base's own scores
_SHOWN = 3  # names of tensors in a message
_MAGNITUDE = "lora_magnitude_vector"


class Switch:
    """Holds at most one adapter attached to a model.

    An adapter's weights are held in the model's compute dtype. Training under autocast multiplies in that dtype,
    too, so the products are those of training; the magnitudes of DoRA stay in float32 as there. The base answers
    without any adapter: what was wrapped around its layers is taken off, and every tensor of it is compared, by
    checksum, with what it was before the first adapter came. If one
    differs, or if attaching fails, ``in_doubt`` says so for good: the base must be loaded anew.
    """

    def __init__(self, model: Any, dtype: torch.dtype) -> None:  # noqa: ANN401 - transformers is untyped
        self.model = model
        self.in_doubt = False
        self._dtype = dtype
        self._wrapped: Any = None
        self._attached: Adapter | None = None
        self._structure: Structure | None = None
        self._digest: BaseDigest | None = None

    def use(self, adapter: Adapter | None) -> Notice | None:
        """Have an adapter attached, or none for None; return a notice if it fits only in part.

        Raises:
            HarnessError: the adapter does not fit the model, or changes its weights.
        """
        self.make_way(adapter)
        return None if adapter is None or self._attached is not None else self._attach(adapter)

    def make_way(self, adapter: Adapter | None) -> None:
        """Remove the adapter that is attached, unless it is this one."""
        if self._attached is not None and (adapter is None or self._attached.digest != adapter.digest):
            self.detach()

    def detach(self) -> None:
        """Remove the adapter and compare the model with what it was; see ``in_doubt``."""
        if self._structure is not None:
            self._structure.restore()
        self._wrapped = self._attached = self._structure = None
        if not self.in_doubt and self._digest is not None and self._digest != self._current_digest():
            self.in_doubt = True

    def discard(self) -> None:
        """Let go of every tensor of the model, whoever still holds its modules: a traceback, for example."""
        self._wrapped = self._attached = self._structure = None
        for module in list(self.model.modules()):
            module._parameters.clear()  # noqa: SLF001 - torch has no other way
            module._buffers.clear()  # noqa: SLF001 - likewise

    def _attach(self, adapter: Adapter) -> Notice | None:
        config = _config(adapter, self.model)
        notice = check_tensors(adapter, self.model)
        if self._digest is None:
            self._digest = self._current_digest()
        self._structure = Structure(self.model)
        _refuse_packed(adapter, config, self.model)
        keep_packed(self.model)
        with self._doubted():
            self._wrapped = _wrap(self.model, adapter, config)
            for parameter in _own_parameters(self._wrapped):
                if parameter.is_floating_point():
                    # a copy where peft may have left the file's own pages, which another training could change
                    parameter.data = parameter.data.to(self._dtype, copy=parameter.device.type == "cpu")
            _take_magnitudes(self._wrapped, adapter)
            self._wrapped.eval()
            self._check_loaded(adapter, self._structure, self._digest)
            self._attached = adapter
        return notice

    @contextmanager
    def _doubted(self) -> Iterator[None]:
        """Hold the model in doubt if anything goes wrong meanwhile, Ctrl-C and lack of memory included."""
        try:
            yield
        except BaseException:
            self.in_doubt = True
            if self._structure is not None:
                self._structure.forget()
            self._wrapped = self._attached = self._structure = None
            raise

    def _check_loaded(self, adapter: Adapter, structure: Structure, digest: BaseDigest) -> None:
        """Raise unless all of the adapter came from its files, and nothing of it went into the base."""
        expected = get_peft_model_state_dict(self._wrapped, save_embedding_layers=False)
        if missing := sorted(set(expected) - set(tensor_shapes(adapter))):
            raise DamagedFileError(
                tr(
                    "{name}: {n_missing} of its tensors are missing in {weights}, for example {missing!r}.",
                    name=adapter.name,
                    n_missing=len(missing),
                    weights=WEIGHTS,
                    missing=missing[0],
                ),
                hint=tr("Its configuration asks for them: the file is cut short, or from another training."),
            )
        self._settle()
        if changed := sorted({name for name, *_ in set(digest.tensors) ^ set(structure.tensors())}):
            raise AdapterMismatchError(
                tr(
                    "{name} changes weights of the base, which other models share ({n_changed} tensors, for "
                    "example {changed}).",
                    name=adapter.name,
                    n_changed=len(changed),
                    changed=", ".join(changed[:_SHOWN]),
                ),
                hint=MERGE,
            )
        if weights_digest(adapter.folder / CONFIG, adapter.folder / WEIGHTS) != adapter.digest:
            raise DamagedFileError(
                tr("{name} changed while it was in use.", name=adapter.name), hint=tr("Is it still being trained?")
            )

    def _current_digest(self) -> BaseDigest:
        self._settle()
        return digest_of(self.model)

    def _settle(self) -> None:
        """Let 4-bit layers on a CPU take the form that they compute in, which their first product gives them."""
        if getattr(self.model, "is_loaded_in_4bit", False) and self.model.device.type == "cpu":
            self.scores([0])

    @torch.inference_mode()
    def scores(self, ids: Sequence[int]) -> torch.Tensor:
        """Return the scores of the token after a prompt, shape (vocabulary,), as the model stands."""
        prompt = torch.tensor([list(ids)], device=self.model.device)
        scores: torch.Tensor = self.model(input_ids=prompt, use_cache=False).logits[0, -1]
        return scores


def _config(adapter: Adapter, model: Any) -> PeftConfig:  # noqa: ANN401 - transformers is untyped
    """Return an adapter's configuration with nothing in it that initialises, searches or asks for the absurd."""
    raw = json_object(adapter.folder / CONFIG)
    longest = max((side for shape in tensor_shapes(adapter).values() for side in shape), default=0)
    check_sizes(raw, longest, adapter.name)
    named = resolved(raw, [name for name, _ in model.named_modules()], adapter.name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return PeftConfig.from_peft_type(**without_initialisation(named))
    except Exception as error:  # whatever peft makes of a stranger's configuration is the configuration's fault
        raise _refused(adapter, error) from error


def _wrap(model: Any, adapter: Adapter, config: PeftConfig) -> Any:  # noqa: ANN401 - transformers and peft are untyped
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what they say is checked afterwards, or no user can act on it
            return PeftModel.from_pretrained(
                model, adapter.folder, config=config, autocast_adapter_dtype=False, low_cpu_mem_usage=_is_plain(config)
            )
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise OutOfMemoryError(
            tr("Memory does not suffice to attach {name}.", name=adapter.name),
            hint=tr("Try --quantization nf4, or fast_dequantize = false under [models.hf] in harness.toml."),
        ) from error
    except Exception as error:  # likewise
        raise _refused(adapter, error) from error


def _is_plain(config: PeftConfig) -> bool:
    """Return whether an adapter is nothing but A and B: then peft need draw no random values to be overwritten.

    Drawing them took two thirds of attaching one. What is missing in the file is an error, as otherwise.
    """
    more = ("use_dora", "modules_to_save", "trainable_token_indices", "target_parameters", "lora_bias")
    return (
        config.peft_type == PeftType.LORA
        and getattr(config, "bias", "none") == "none"
        and not any(getattr(config, name, None) for name in more)
    )


def _refused(adapter: Adapter, error: Exception) -> HarnessError:
    return AdapterMismatchError(
        tr(
            "peft cannot attach {name}: {split}",
            name=adapter.name,
            split=" ".join(str(error).split())[:400] or type(error).__name__,
        ),
        hint=tr("Was it trained on this base, with a peft not newer than the installed one?"),
    )


def _own_parameters(wrapped: Any) -> list[torch.nn.Parameter]:  # noqa: ANN401 - peft is untyped
    """Return the parameters that the adapter brought along."""
    prefix = wrapped.base_model.prefix
    return [parameter for name, parameter in wrapped.named_parameters() if prefix in name]


def _take_magnitudes(wrapped: Any, adapter: Adapter) -> None:  # noqa: ANN401 - peft is untyped
    """Hold the magnitudes of DoRA in float32, as training does: each scales all that its row of a weight gives.

    Rounded to 16 bits, they would move the scores of a model by more than its own arithmetic does.
    """
    found = {name: part for name, part in wrapped.named_parameters() if _MAGNITUDE in name}
    if not found:
        return
    with safe_open(adapter.folder / WEIGHTS, framework="pt") as saved:
        present = set(saved.keys())
        for name, parameter in found.items():
            key = name.partition(f".{_MAGNITUDE}")[0] + f".{_MAGNITUDE}"
            kept = [saved.get_tensor(one) for one in (key, f"{key}.weight") if one in present]
            parameter.data = (kept or [parameter.data])[0].to(device=parameter.device, dtype=torch.float32)


def _refuse_packed(adapter: Adapter, config: PeftConfig, model: Any) -> None:  # noqa: ANN401 - peft, transformers are untyped
    """Raise for an adapter that asks 4-bit layers for their weights where bitsandbytes has packed these for a CPU.

    peft would read the packed ones as if they were not, and every score would be wrong.
    """
    if (getattr(config, "use_dora", False) or adapter.kind == "HIRA") and is_packed(model):
        raise AdapterMismatchError(
            tr(
                "{name} needs the base's weights themselves ({kind}), and on this CPU 4-bit weights are packed so that "
                "peft misreads them.",
                name=adapter.name,
                kind="DoRA" if adapter.kind == "LORA" else adapter.kind,
            ),
            hint=tr("Take fast_dequantize = true under [models.hf] in harness.toml, or --quantization none."),
        )


def _trained_tokens(adapter: Adapter) -> list[int]:
    """Return a token that an adapter trained, where it may have trained nothing else: a prompt need not hold any."""
    tokens = json_object(adapter.folder / CONFIG).get("token_indices")
    return tokens[:1] if adapter.kind == "TRAINABLE_TOKENS" and isinstance(tokens, list) else []


def check_effect(switch: Switch, adapter: Adapter, ids: Sequence[int]) -> list[Notice]:
    """Compare base and adapter on one prompt; return notices of what fits only in part or has a tiny effect.

    Tiny: the scores of no token move by more than 1 % of the spread (standard deviation) of the base's scores. Leaves
    the adapter attached.

    Raises:
        HarnessError: the scores are equal bit for bit, so that base would be compared with itself, or are no numbers.
    """
    ids = [*ids, *_trained_tokens(adapter)]
    switch.use(None)
    base = switch.scores(ids)
    notice = switch.use(adapter)
    notices = [notice] if notice else []
    adapted = switch.scores(ids)
    if torch.equal(base, adapted):
        raise no_effect(adapter)
    if not_numbers := non_finite(adapter):
        raise InputError(
            tr("{not_numbers} holds values that are no numbers.", not_numbers=not_numbers),
            path=adapter.folder / WEIGHTS,
        )
    moved = float((adapted.float() - base.float()).abs().max())
    spread = float(base.float().std())
    if moved < _TINY * spread:
        notices.append(hardly_acts(adapter.name, moved, spread))
    return notices
