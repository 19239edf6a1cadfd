"""Liger's Triton kernels for a training: norms and gated layers in one pass over memory each, which keeps less as well.

They compute what the layers compute but for the last digits. transformers puts them on a model that is loaded, and
Liger at the same time on the classes of its module, from where a model that is loaded later would have them, one that
is evaluated for instance: here they are on the one model alone, and can be taken off it.
"""

import contextlib
import importlib
import importlib.metadata
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import torch
from transformers.integrations.liger import apply_liger_kernel

from harness.errors import UsageError
from harness.installation import MissingExtraError
from harness.locale import tr
from harness.models.hf.numerics import Numerics
from trainers.recipe import Recipe
from trainers.training.failures import first_line, out_of_memory

FAMILIES = ("gemma2", "gemma3_text", "llama", "mistral", "phi3", "qwen2", "qwen3")  # as bench/fused_kernels.py has them
# Rotary positions are a function of the module, not of a model; the loss head is trl's.
_KERNELS = {"rms_norm": True, "swiglu": True, "geglu": True} | dict.fromkeys(
    ("rope", "cross_entropy", "fused_linear_cross_entropy"), False
)
_PLACE = "fused_kernels"  # of a base model: what it was given
_ALIKE = {  # nats a token, on average: some roundings of the dtype; a kernel that computes something else is nats away
    torch.float32: 1e-3,
    torch.float16: 0.02,
    torch.bfloat16: 0.1,
}


def is_installed() -> bool:
    """Return whether Liger's library is; nothing is imported."""
    return find_spec("liger_kernel") is not None


def kernel_version() -> dict[str, str]:
    """Return the library's version by its name."""
    return {"liger-kernel": importlib.metadata.version("liger-kernel")}


def uses_kernels(recipe: Recipe, numerics: Numerics, config: Any) -> bool:  # noqa: ANN401 - transformers is untyped
    """Return whether a training computes with fused kernels: where they are at hand and known to fit, if "auto".

    Raises:
        MissingExtraError: they are asked for, and not installed.
        UsageError: they are asked for, and cannot be had.
    """
    able = numerics.device == "cuda" and not recipe.torch_compile and config.model_type in FAMILIES
    if recipe.use_liger_kernel is not True:
        return recipe.use_liger_kernel == "auto" and able and is_installed()
    hint = tr("Leave it out: --set use_liger_kernel=auto takes the kernels where they can be had.")
    if recipe.torch_compile:
        raise UsageError(
            tr("use_liger_kernel = true and torch_compile = true: layers with these kernels cannot be compiled."),
            hint=tr("Take one of them, for example --set torch_compile=false."),
        )
    if numerics.device != "cuda":
        raise UsageError(tr("use_liger_kernel = true: these kernels need a GPU, and there is none here."), hint=hint)
    if config.model_type not in FAMILIES:
        known = ", ".join(FAMILIES)
        raise UsageError(
            tr(
                "use_liger_kernel = true: checked for {known}, and this base is {family}.",
                known=known,
                family=config.model_type,
            ),
            hint=hint,
        )
    if not is_installed():
        raise MissingExtraError(tr("recipe key {key}", key="use_liger_kernel"), "liger")
    return True


class FusedKernels:
    """What fused kernels changed of a model's modules, so that it can be taken off and put back.

    ``why`` says in words why they could not be had at all, None where they are.
    """

    def __init__(self, model: Any) -> None:  # noqa: ANN401 - transformers is untyped
        self._changed: list[tuple[torch.nn.Module, dict[str, Any], dict[str, Any]]] = []
        self.why: str | None = None
        before = [(module, dict(vars(module))) for module in model.modules()]
        try:
            with _classes_kept(model):
                apply_liger_kernel(model, _KERNELS)
        except Exception as error:  # noqa: BLE001 - a library's import and Triton fail in ways of their own
            self.why = f"{type(error).__name__}: {first_line(error)}"
        for module, old in before:
            new = {key: value for key, value in vars(module).items() if key not in old or old[key] is not value}
            if new:
                self._changed.append((module, {key: old[key] for key in new if key in old}, new))
        if self.why is not None:
            self.take_off()
            self._changed = []
        elif not self._changed:
            self.why = tr("they fit no layer")

    def take_off(self) -> None:
        """Let the modules compute as they are written."""
        for module, old, new in self._changed:
            for key in new:
                vars(module).pop(key, None)
            vars(module).update(old)

    def put_back(self) -> None:
        """Let them compute with the kernels again."""
        for module, _, new in self._changed:
            vars(module).update(new)


def fuse(model: Any) -> None:  # noqa: ANN401 - transformers is untyped
    """Give a loaded model, which nothing wraps yet, fused kernels; `check_kernels` says whether it has them."""
    setattr(model, _PLACE, FusedKernels(model))


def kernels_of(model: Any) -> FusedKernels | None:  # noqa: ANN401 - peft is untyped
    """Return the fused kernels of a model with an adapter, None if it has none."""
    found: FusedKernels | None = getattr(model.get_base_model(), _PLACE, None)
    return found


def leave_unfused(model: Any) -> None:  # noqa: ANN401 - peft is untyped
    """Take the fused kernels off a model for good."""
    if (kernels := kernels_of(model)) is not None:
        kernels.take_off()
        delattr(model.get_base_model(), _PLACE)


@contextlib.contextmanager
def without_kernels(model: Any) -> Iterator[None]:  # noqa: ANN401 - peft is untyped
    """Have a model compute as it is written meanwhile."""
    kernels = kernels_of(model)
    if kernels is None:
        yield
        return
    kernels.take_off()
    try:
        yield
    finally:
        kernels.put_back()


def obstacle(model: Any, log_probs: Any) -> str | None:  # noqa: ANN401 - peft is untyped
    """Return in words why a model had better do without its fused kernels, None if it computes the same with them.

    ``log_probs`` computes those of some tokens with the model as it is.
    """
    kernels = kernels_of(model)
    if kernels is None or kernels.why is not None:
        return kernels.why if kernels else None
    with without_kernels(model):
        written = log_probs()
    try:
        fused = log_probs()
    except Exception as error:
        if isinstance(error, RuntimeError) and out_of_memory(error):
            raise
        return f"{type(error).__name__}: {first_line(error)}"
    apart = (written.float() - fused.float()).abs().mean().item()
    if apart <= _ALIKE[model.get_base_model().get_input_embeddings().weight.dtype]:  # and not where it is no number
        return None
    return tr("log-probabilities differ by {apart:.3f} nats a token", apart=apart)


@contextlib.contextmanager
def _classes_kept(model: Any) -> Iterator[None]:  # noqa: ANN401 - transformers is untyped
    """Have the classes and functions of a model's module afterwards as they were before.

    Raises:
        TypeError: the model is of a module that is not transformers' own.
    """
    family = model.config.model_type.removesuffix("_text")
    module = importlib.import_module(f"transformers.models.{family}.modeling_{family}")
    if type(model).__module__ != module.__name__:
        raise TypeError(f"{type(model).__name__} is not transformers' own")
    before = dict(vars(module))
    try:
        yield
    finally:
        for key in vars(module).keys() - before.keys():
            delattr(module, key)
        vars(module).update(before)
