"""What a loaded base is, so that it can be put back and proven unchanged.

The checksum of a tensor is a sum of its 64-bit words, each times a random number that is drawn in this process: nobody
can prepare weights whose change it would miss, and one that nobody prepared is missed with a chance of about 2⁻³². It
is taken where the tensor lies. (For files, where time matters less, the digest is sha256.)
"""

import functools
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch

_WORDS = 1 << 18  # of a block, 2 MiB
_GROUP = {"cuda": 16, "cpu": 1}  # blocks that are multiplied at once: few launches on a GPU, one cache on a CPU
_WORD = 8  # bytes


Tensors = tuple[tuple[str, str, int], ...]
"""For each tensor its name, its form and its checksum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseDigest:
    """What a model consists of, with a checksum of each of its tensors: equal to a later one if nothing changed."""

    structure: tuple[tuple[str, str], ...]
    tensors: Tensors


class Structure:
    """How the modules of a model hang together: what `restore` brings back, whatever was wrapped around them.

    Holds no copy of any weight.
    """

    def __init__(self, model: torch.nn.Module) -> None:
        self._modules = [(name, module, _shallow(module.__dict__)) for name, module in model.named_modules()]

    def restore(self) -> None:
        """Give every module the children, parameters, buffers, hooks and attributes that it had."""
        for _, module, attributes in self._modules:
            module.__dict__.clear()
            module.__dict__.update(_shallow(attributes))

    def forget(self) -> None:
        """Let go of everything: the model is given up."""
        self._modules.clear()

    def tensors(self) -> Tensors:
        """Return the checksums of what these modules hold now, wherever they hang."""
        return _checksums((name, module) for name, module, _ in self._modules)


def digest_of(model: Any) -> BaseDigest:  # noqa: ANN401 - transformers is untyped
    """Return the digest of a model as it stands: every parameter, buffer and constant of quantised weights."""
    kinds = [(name, _kind(module)) for name, module in model.named_modules()]
    config = str(model.config.to_dict()) if hasattr(model, "config") else ""
    return BaseDigest(structure=(*kinds, ("config", config)), tensors=_checksums(model.named_modules()))


def keep_packed(model: torch.nn.Module) -> None:
    """Have 4-bit layers hand out their weights as they are when they are asked for their state, as peft does.

    On a CPU with bfloat16 units, bitsandbytes packs weights at their first product, and unpacks them when their state
    is asked for. That loses the layout of the scales: every product after it would be another one.
    """
    for module in model.modules():
        if getattr(getattr(module, "weight", None), "quant_state", None) is not None:
            module.__dict__["_save_to_state_dict"] = functools.partial(torch.nn.Module._save_to_state_dict, module)  # noqa: SLF001


def is_packed(model: torch.nn.Module) -> bool:
    """Return whether 4-bit weights of a model are in the form that bitsandbytes packs them into on some CPUs."""
    states = (getattr(getattr(module, "weight", None), "quant_state", None) for module in model.modules())
    return any(getattr(state, "packing_format_for_cpu", False) for state in states)


@torch.no_grad()
def _checksums(modules: Iterable[tuple[str, torch.nn.Module]]) -> Tensors:
    names, forms, sums = [], [], []
    for name, tensor in _tensors(modules):
        names.append(name)
        forms.append(f"{tensor.dtype} {tuple(tensor.shape)} {tensor.device}")
        sums.append(_checksum(tensor))
    by_device: dict[torch.device, list[int]] = {}
    for place, total in enumerate(sums):
        by_device.setdefault(total.device, []).append(place)
    values = [0] * len(sums)
    for places in by_device.values():  # one wait for each device, not one for each tensor
        for place, value in zip(places, torch.stack([sums[place] for place in places]).tolist(), strict=True):
            values[place] = value
    return tuple(zip(names, forms, values, strict=True))


def _kind(module: torch.nn.Module) -> str:
    """Return a module's class and how many hooks it has: what wraps itself around a layer shows in either."""
    hooks = len(module._forward_hooks) + len(module._forward_pre_hooks)  # noqa: SLF001 - torch has no other way
    own = "forward" in module.__dict__
    return f"{type(module).__module__}.{type(module).__qualname__} {hooks} {own}"


def _tensors(modules: Iterable[tuple[str, torch.nn.Module]]) -> Iterator[tuple[str, torch.Tensor]]:
    seen = set()  # tied weights count once
    for prefix, module in modules:
        for name, parameter in module._parameters.items():  # noqa: SLF001 - not those of what is wrapped inside
            if parameter is not None and id(parameter) not in seen:
                seen.add(id(parameter))
                yield from _of_parameter(f"{prefix}.{name}", parameter)
        for name, buffer in module._buffers.items():  # noqa: SLF001 - likewise
            if buffer is not None and id(buffer) not in seen:
                seen.add(id(buffer))
                yield f"{prefix}.{name}", buffer


def _of_parameter(name: str, parameter: torch.nn.Parameter) -> Iterator[tuple[str, torch.Tensor]]:
    yield name, parameter.data
    state = getattr(parameter, "quant_state", None)
    while state is not None:  # bitsandbytes: the scales, and with double quantisation the scales of the scales
        for part in ("absmax", "code", "offset"):
            if isinstance(value := getattr(state, part, None), torch.Tensor):
                yield f"{name} {part}", value
        state, name = getattr(state, "state2", None), f"{name} state2"
    for part in ("SCB", "CB"):  # of its 8-bit weights
        if isinstance(value := getattr(parameter, part, None), torch.Tensor):
            yield f"{name} {part}", value


def _checksum(tensor: torch.Tensor) -> torch.Tensor:
    """Return one 64-bit number, on the tensor's device."""
    total = torch.zeros((), dtype=torch.int64, device=tensor.device)
    if tensor.numel() == 0 or tensor.is_meta:
        return total
    flat = tensor.detach().contiguous().reshape(-1).view(torch.uint8)
    if flat.data_ptr() % _WORD:
        flat = flat.clone()
    whole = flat.numel() // _WORD
    words = flat[: whole * _WORD].view(torch.int64)
    if rest := flat.numel() % _WORD:
        tail = torch.zeros(_WORD, dtype=torch.uint8, device=flat.device)
        tail[:rest] = flat[whole * _WORD :]
        total += _times_keys(tail.view(torch.int64)[None])[0]
    blocks, step = whole // _WORDS, _GROUP.get(tensor.device.type, 1)
    sums = [
        _times_keys(words[start * _WORDS : min(start + step, blocks) * _WORDS].view(-1, _WORDS))
        for start in range(0, blocks, step)
    ]
    if whole % _WORDS:
        sums.append(_times_keys(words[blocks * _WORDS :][None]))
    for part in torch.split(torch.cat([*sums, total[None]]), _WORDS):  # these sums are words themselves
        total = _times_keys(torch.cat([total[None], part])[None], second=True)[0]
    return total


def _times_keys(words: torch.Tensor, *, second: bool = False) -> torch.Tensor:
    """Return, for each row, the sum of its words times the keys, modulo 2⁶⁴.

    The upper half of a word is first mixed into the lower: times 2⁶³ every odd key is the same.
    """
    keys = _keys(words.device, second=second)[: words.shape[1]]
    return ((words ^ (words >> 32)) * keys).sum(dim=1)


_KEYS: dict[tuple[str, bool], torch.Tensor] = {}
_SEED = secrets.randbits(63)


def _keys(device: torch.device, *, second: bool) -> torch.Tensor:
    place = (str(device), second)
    if place not in _KEYS:
        generator = torch.Generator().manual_seed(_SEED ^ int(second))
        limits = torch.iinfo(torch.int64)
        drawn = torch.randint(limits.min, limits.max, (_WORDS + 1,), generator=generator)
        _KEYS[place] = drawn.to(device)
    return _KEYS[place]


def _shallow(attributes: dict[str, Any]) -> dict[str, Any]:
    """Return a copy with the containers of children, parameters, buffers and hooks copied, not what is in them."""
    return {
        name: value.copy() if name.startswith("_") and isinstance(value, dict | set) else value
        for name, value in attributes.items()
    }
