"""Loading a base model, once, however many adapters share it."""

import errno
import gc
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

from harness.errors import DamagedFileError, OutOfMemoryError
from harness.locale import tr
from harness.locale.telling import during
from harness.models.hf.adapter_switch import Switch
from harness.models.hf.counts import check_counts, check_elements
from harness.models.hf.memory import Footprint, available_bytes, check_fits, footprint, release
from harness.models.hf.numerics import Numerics
from harness.models.hf.quiet import quiet
from harness.models.hf.reading import json_object
from harness.models.hf.sources import Source, check_unchanged, local_folder, tokenizer_folder, unreadable
from harness.models.hf.tokens import Encoder


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """A base model in memory. ``end``: the token ids that end an answer; ``context``: its longest sequence or None."""

    model: Any
    encoder: Encoder
    switch: Switch
    sizes: Footprint
    numerics: Numerics
    end: frozenset[int]
    pad: int
    context: int | None

    def with_chat(self, template: str | None) -> "Base":
        """Return this base with another chat template, None for its own; the weights are the same."""
        return self if template is None else replace(self, encoder=self.encoder.with_chat(template))


@runtime_checkable
class Releases(Protocol):
    """What holds memory that no garbage collection frees, such as an engine in a process of its own."""

    def release(self) -> None:
        """Give the memory back; never raises."""


Held = TypeVar("Held")


class BaseModelCache:
    """Holds the one base, or the one engine, that is in memory. ``loads`` counts how often one was loaded."""

    def __init__(self) -> None:
        self.loads = 0
        self._key: str | None = None
        self._base: Any = None

    def get(self, key: str, load: Callable[[], Held]) -> Held:
        """Return what is held for a key, loading it, after what was held so far is released, if it is another."""
        if self._base is None or self._key != key:
            self.clear()
            base = load()
            self.loads += 1
            self._key, self._base = key, base
        held: Held = self._base
        return held

    def holds(self, key: str) -> bool:
        """Return whether the base of a key is in memory."""
        return self._base is not None and self._key == key

    @property
    def is_full(self) -> bool:
        """Whether any base is in memory."""
        return self._base is not None

    def clear(self) -> None:
        """Release the base or the engine."""
        if isinstance(self._base, Releases):
            self._base.release()
        self._key, self._base = None, None
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


BASE_MODELS = BaseModelCache()  # weights are the process's largest possession: there is one place for them
# The tokenizer that was read alone last: prompts are looked at, and then the model is loaded. Nobody changes it.
_READ_LAST: dict[tuple[Source, bool], Any] = {}
_SIZES: dict[str, Footprint] = {}


def read_config(source: Source, folder: Path, *, trusted: bool) -> Any:  # noqa: ANN401 - transformers is untyped
    """Return the transformers config of a model folder.

    Raises:
        HarnessError: it cannot be read, or wants to run its own code and is not trusted to.
    """
    if (folder / "config.json").exists():
        weights = folder if any(folder.glob("*.safetensors")) else None
        check_counts(json_object(folder / "config.json"), f"{source.text}: config.json", weights)
    try:
        return AutoConfig.from_pretrained(folder, trust_remote_code=trusted, local_files_only=True)
    except Exception as error:  # transformers raises many kinds for what is one to the user
        raise unreadable(source, error) from error


def sizes_of(source: Source, config: Any, *, trusted: bool) -> Footprint:  # noqa: ANN401 - transformers is untyped
    """Return the sizes of the model that a config describes; they are counted once for all adapters on it.

    Raises:
        HarnessError: it describes none that can be built.
    """
    try:
        described = f"{type(config)} {trusted} {config.to_json_string(use_diff=False)}"
        if described not in _SIZES:
            _SIZES[described] = footprint(config, trust_remote_code=trusted)
    except Exception as error:  # whatever transformers makes of a stranger's configuration
        raise unreadable(source, error) from error
    return _SIZES[described]


def stored_quantization(config: Mapping[str, Any]) -> str | None:
    """Return how a config.json says that weights are quantised on disk: None, ``nf4``, or another method's name.

    >>> stored_quantization({"quantization_config": {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}})
    'nf4'
    """
    stored = config.get("quantization_config")
    if stored is None:
        return None
    return str(stored.get("bnb_4bit_quant_type") if stored.get("load_in_4bit") else stored.get("quant_method"))


def load_base(source: Source, numerics: Numerics, *, trusted: bool) -> Base:
    """Return a model in memory with its tokenizer, after checking that it fits.

    Raises:
        HarnessError: it does not fit into memory, or its files cannot be loaded.
    """
    tokenizer, model, config, sizes = _load(source, numerics, trusted=trusted, with_tokenizer=True)
    context = getattr(config.get_text_config(decoder=True), "max_position_embeddings", None)
    return Base(
        model=model,
        encoder=Encoder(tokenizer, source.text),
        switch=Switch(model, numerics.dtype),
        sizes=sizes,
        numerics=numerics,
        end=end_tokens(model.generation_config.eos_token_id, tokenizer),
        pad=next((token for token in (tokenizer.pad_token_id, tokenizer.eos_token_id) if token is not None), 0),
        context=context,
    )


def load_model(source: Source, numerics: Numerics, *, trusted: bool) -> Any:  # noqa: ANN401 - transformers is untyped
    """Return a model alone, as `load_base` has it: a vocabulary of 262,000 tokens takes 3 s of a CPU core.

    Raises:
        HarnessError: it does not fit into memory, or its files cannot be loaded.
    """
    return _load(source, numerics, trusted=trusted, with_tokenizer=False)[1]


def _load(
    source: Source, numerics: Numerics, *, trusted: bool, with_tokenizer: bool
) -> tuple[Any, Any, Any, Footprint]:
    """Return tokenizer (None without), model, configuration and sizes."""
    folder = local_folder(source)
    config = read_config(source, folder, trusted=trusted)
    sizes = sizes_of(source, config, trusted=trusted)
    check_elements(sizes.linear + sizes.other, folder, source.text)
    check_fits(source.text, sizes.loading_bytes(numerics), available_bytes(numerics.device), numerics, sizes)
    with quiet(), during(tr("loading {name}", name=source.text)):
        try:
            tokenizer = _READ_LAST.get((source, trusted)) if with_tokenizer else None
            if with_tokenizer and tokenizer is None:
                tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=trusted, local_files_only=True)
            model, loaded = AutoModelForCausalLM.from_pretrained(
                folder, config=config, trust_remote_code=trusted, output_loading_info=True, **_loading(numerics, config)
            )
        except torch.OutOfMemoryError:
            raise
        except Exception as error:  # transformers raises many kinds for what is one to the user
            if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM or "mmap" in str(error):
                raise OutOfMemoryError(
                    tr("{name} could not be loaded: the system gave no memory for its files.", name=source.text),
                    hint=tr("Close other programs, lift limits (ulimit -v), or take a smaller base."),
                ) from error
            raise unreadable(source, error) from error
        check_unchanged(source)
        _check_complete(source, sorted(loaded["missing_keys"]))
        model.eval()
        model.requires_grad_(requires_grad=False)
        if numerics.route == "dequantised":
            model = model.dequantize()
            release()  # a quarter of the memory, which nothing holds but a circle
    # The last position of a batch of prompts is a view with gaps; torch would copy the whole vocabulary matrix for each
    # row of it (CPU, bfloat16: 11 GB and a minute for 32 rows of a 262,144 vocabulary).
    model.get_output_embeddings().register_forward_pre_hook(lambda _, inputs: (inputs[0].contiguous(),))
    return tokenizer, model, config, sizes


def load_encoder(source: Source, *, trusted: bool) -> Encoder:
    """Return a model's encoder alone, without its weights.

    Raises:
        HarnessError: the tokenizer cannot be found or loaded.
    """
    folder = tokenizer_folder(source)
    with quiet():
        try:
            tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=trusted, local_files_only=True)
        except Exception as error:  # transformers raises many kinds for what is one to the user
            raise unreadable(source, error) from error
    _READ_LAST.clear()
    _READ_LAST[source, trusted] = tokenizer
    return Encoder(tokenizer, source.text)


def _check_complete(source: Source, missing: list[str]) -> None:
    """Raise if weights are missing: transformers draws them at random, each time others, and says so in a log only."""
    if missing:
        raise DamagedFileError(
            tr(
                "{text} lacks {n_missing} of its weights, for example {missing!r}.",
                text=source.text,
                n_missing=len(missing),
                missing=missing[0],
            ),
            hint=tr(
                "Its files are incomplete, or belong to another configuration or kind of model: download it again."
            ),
        )


def _loading(numerics: Numerics, config: Any) -> dict[str, Any]:  # noqa: ANN401 - transformers is untyped
    options: dict[str, Any] = {
        "dtype": numerics.dtype,
        "attn_implementation": "sdpa",
        "use_safetensors": True,
        "local_files_only": True,
    }
    if numerics.device == "cuda":
        options["device_map"] = {"": torch.cuda.current_device()}
    if numerics.quantization == "nf4" and getattr(config, "quantization_config", None) is None:
        options["quantization_config"] = four_bits(numerics)
    return options


def four_bits(numerics: Numerics) -> BitsAndBytesConfig:
    """Return how weights are quantised to nf4."""
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_compute_dtype=numerics.dtype,
        bnb_4bit_use_double_quant=numerics.double_quant,
    )


def end_tokens(named: int | list[int] | None, tokenizer: Any) -> frozenset[int]:  # noqa: ANN401 - transformers is untyped
    """Return every id that ends an answer: those that the model's generation config names, and the tokenizer's own."""
    ids = named if isinstance(named, list | tuple) else [named]
    return frozenset(token for token in (*ids, tokenizer.eos_token_id) if token is not None)
