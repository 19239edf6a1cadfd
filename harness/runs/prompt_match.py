"""Adapters' prompt contracts against the templates of an evaluation, before any weights are loaded."""

import shlex
from collections.abc import Mapping, Sequence

from harness.errors import HarnessError, PromptMismatchError
from harness.locale import joined, tr
from harness.notices import Notice
from harness.protocols import KnowsTrainingPrompt, ModelBackend
from harness.templates import Template, load_template
from harness.templates.contract import Mismatch, mismatch
from harness.types import PromptContract

_FLAG = "--allow-prompt-mismatch"


def check_prompts(
    models: Mapping[str, ModelBackend], typed: Mapping[str, str], templates: Sequence[Template], *, allow: bool
) -> tuple[Notice, ...]:
    """Compare every prompt with every model's contract, by token ids; return a notice for each that differs.

    Args:
        models: The backends by label; those without a contract are passed over.
        typed: The spec of each label, as typed.
        templates: The prompts of the evaluation.
        allow: Whether a prompt may differ; the notices are then the report's.

    Raises:
        HarnessError: a prompt differs and may not, or a tokenizer cannot be loaded.
        InputError: a contract is damaged.
    """
    found: list[tuple[str, Mismatch]] = []
    remedies: dict[str, None] = {}
    for label, backend in models.items():
        if not isinstance(backend, KnowsTrainingPrompt) or (contract := backend.training_prompt()) is None:
            continue
        for template in templates:
            if (difference := mismatch(contract, template, backend.tokens)) is not None:
                found.append((label, difference))
                remedies[remedy(contract, difference, typed[label])] = None
    if found and not allow:
        blocks = [joined([tr("Model {label!r}:", label=label), *difference.lines], "\n") for label, difference in found]
        raise PromptMismatchError(
            joined([tr("A model would be asked with another prompt than the one it was trained with."), *blocks], "\n"),
            hint=joined([*remedies, tr("{flag} evaluates it all the same, and the report says so.", flag=_FLAG)], " "),
        )
    return tuple(
        Notice(
            "prompt_mismatch",
            tr("{label}: {sentence}; allowed by {flag}", label=label, sentence=difference.sentence, flag=_FLAG),
        )
        for label, difference in found
    )


def remedy(contract: PromptContract, difference: Mismatch, typed: str) -> str:
    """Return what to do so that a model gets the prompt of its training; ``typed`` is its spec."""
    if difference.another_tokenizer:
        return tr("Evaluate it on the base of its training: --base SPEC.")
    try:
        is_here = load_template(contract.template).sha256 == contract.template_sha256
    except HarnessError:
        is_here = False
    if is_here:
        return tr("Pass --prompt {template}.", template=shlex.quote(contract.template))
    return tr(
        "Its template is in the contract: harness prompt extract {quote} > trained.j2, then --prompt trained.j2.",
        quote=shlex.quote(typed),
    )
