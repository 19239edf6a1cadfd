"""A base that is identified, and how it will be loaded: found out once, for an evaluation as for a training."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from transformers import GenerationConfig

from harness.models.hf.bases import (
    Base,
    end_tokens,
    load_base,
    load_encoder,
    load_model,
    read_config,
    stored_quantization,
)
from harness.models.hf.numerics import Numerics, choose
from harness.models.hf.sources import Source, check_trusted, config_folder, raw_config, resolve
from harness.models.hf.tokens import Encoder


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedBase:
    """Which weights, in which numerics, and whether their own Python code may run (``trusted``)."""

    source: Source
    numerics: Numerics
    trusted: bool

    @property
    def key(self) -> str:
        """What two bases have in common that are the same in memory."""
        return f"{self.source.digest} {self.numerics}"

    def config(self) -> Any:  # noqa: ANN401 - transformers is untyped
        """Return the transformers config; of a model on the Hub only that file is downloaded.

        Raises:
            HarnessError: it cannot be read, or wants to run its own code and is not trusted to.
        """
        return read_config(self.source, config_folder(self.source), trusted=self.trusted)

    def encoder(self) -> Encoder:
        """Return the encoder alone, without weights.

        Raises:
            HarnessError: the tokenizer cannot be found or loaded.
        """
        return load_encoder(self.source, trusted=self.trusted)

    def end(self, encoder: Encoder) -> frozenset[int]:
        """Return the ids that generation ends an answer at, from files alone."""
        try:
            named = GenerationConfig.from_pretrained(config_folder(self.source), local_files_only=True).eos_token_id
        except OSError:  # a base that says nothing
            named = None
        return end_tokens(named, encoder.tokenizer)

    def load(self) -> Base:
        """Return the base in memory.

        Raises:
            HarnessError: it does not fit, or its files cannot be loaded.
        """
        return load_base(self.source, self.numerics, trusted=self.trusted)

    def load_model(self) -> Any:  # noqa: ANN401 - transformers is untyped
        """Return the model alone, in memory, for whom has the encoder already.

        Raises:
            HarnessError: it does not fit, or its files cannot be loaded.
        """
        return load_model(self.source, self.numerics, trusted=self.trusted)


def resolve_base(
    text: str, revision: str | None, settings: Mapping[str, Any], *, quantization: str | None, dtype: str | None
) -> ResolvedBase:
    """Return the base that a spec means, reading as little as possible; ``settings`` are those of ``[models.hf]``.

    Raises:
        InputError: a folder or file is missing, or holds no weights that can be loaded safely.
        UsageError: ``trust_remote_code`` is not a list of names.
        HarnessError: the Hub fails, or the weights are stored quantised in another way than asked for.
    """
    source = resolve(text, revision)
    trusted = check_trusted(source, settings.get("trust_remote_code"))
    numerics = choose(
        quantization=quantization,
        dtype=dtype,
        stored_quantization=stored_quantization(raw_config(source)),
        double_quant=bool(settings.get("double_quant", False)),
    )
    return ResolvedBase(source=source, numerics=numerics, trusted=trusted)
