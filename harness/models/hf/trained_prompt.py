"""What prompt a model was trained with, and the chat template that its prompts are written by."""

import functools
from dataclasses import dataclass

from harness.codec import digest
from harness.models.hf.adapters import Adapter
from harness.templates.contract import read_contract
from harness.types import PromptContract

_HASH = 12  # digits shown of a sha256
_IDENTITY = 16  # digits that tell answers of two chat templates apart


@dataclass(frozen=True, kw_only=True)
class TrainedPrompt:
    """An adapter's prompt, or that of a base; ``given``: the chat template in place of a base's own."""

    adapter: Adapter | None
    given: str | None = None

    def contract(self) -> PromptContract | None:
        """Return the contract in the adapter's folder, or None without an adapter or a contract.

        Raises:
            InputError: the contract is damaged.
        """
        return read_contract(self.adapter.contract_folder) if self.adapter else None

    @functools.cached_property
    def chat_template(self) -> str | None:
        """What writes messages in place of the base's own chat template; None: that one."""
        contract = self.contract()
        return contract.chat_template if contract else self.given

    @property
    def identity(self) -> str:
        """What a model's fingerprint says of a chat template that is not the base's own."""
        return f" chat={digest(self.chat_template)[:_IDENTITY]}" if self.chat_template else ""

    @property
    def named(self) -> str | None:
        """The prompt's name and hash, None where nothing is on record."""
        contract = self.contract()
        return f"{contract.template} (sha256 {contract.template_sha256[:_HASH]})" if contract else None
