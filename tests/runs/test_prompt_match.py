"""Prompts against the prompt of a training: refused or noted, and what to do about each."""

from collections.abc import Sequence

import pytest

from harness.errors import PromptMismatchError
from harness.models.echo import open_echo
from harness.runs.prompt_match import check_prompts
from harness.templates import load_template
from harness.types import ModelSpec, PromptContract, RenderedPrompt
from tests.trainers.adapter_folders import characters, contract_of, own_contract


class Trained:
    """A model that knows its prompt; every id is ``shift`` more where its tokenizer is another."""

    fingerprint = "t"

    def __init__(self, contract: PromptContract | None, shift: int = 0) -> None:
        self._contract, self._shift = contract, shift

    def training_prompt(self) -> PromptContract | None:
        return self._contract

    def tokens(self, prompt: RenderedPrompt) -> Sequence[tuple[int, str]]:
        return [(number + self._shift, text) for number, text in characters(prompt)]

    def generate(self, requests: object) -> object:
        raise AssertionError("nothing is generated here")


def checked(models: dict, *names: str, allow: bool = False) -> tuple[str, ...]:
    """Compare the templates of these names with models, typed as adapter:LABEL."""
    templates = [load_template(name) for name in names]
    return check_prompts(models, {label: f"adapter:{label}" for label in models}, templates, allow=allow)


def test_the_prompt_of_its_training_is_silent() -> None:
    """So are models without a contract, and those that cannot have one."""
    models = {
        "a": Trained(contract_of()),
        "b": Trained(None),
        "c": open_echo(ModelSpec(text="echo", label="c", backend="echo")),
    }
    assert () == checked(models, "course.v1")


def test_another_prompt_is_refused_with_the_way_out() -> None:
    """Every model and prompt that differs is named; the template is here, so it is named too."""
    with pytest.raises(PromptMismatchError) as caught:
        checked({"a": Trained(contract_of()), "b": Trained(contract_of())}, "course.v1", "plain.v1", "course-nobos.v1")
    message = caught.value.message
    assert (2, 2) == (message.count("Model 'a':"), message.count("Model 'b':"))
    assert "Pass --prompt course.v1. --allow-prompt-mismatch evaluates it all the same" in str(caught.value.hint)


def test_allowed_it_is_said_in_the_report() -> None:
    """A notice for each."""
    [notice] = checked({"a": Trained(contract_of())}, "plain.v1", allow=True)
    assert notice.startswith("a: ")
    assert notice.endswith("; allowed by --allow-prompt-mismatch")


def test_another_tokenizer_wants_the_base_of_the_training() -> None:
    """No template would mend it."""
    with pytest.raises(PromptMismatchError) as caught:
        checked({"a": Trained(contract_of(), shift=7)}, "course.v1")
    assert "Evaluate it on the base of its training: --base SPEC." in str(caught.value.hint)


def test_a_template_that_is_not_here_comes_out_of_the_contract(tmp_path) -> None:  # noqa: ANN001 - pytest's
    """By a command with the model as it was typed."""
    with pytest.raises(PromptMismatchError) as caught:
        checked({"a": Trained(own_contract("質問: {{ input }}\n", tmp_path))}, "course.v1")
    assert "harness prompt extract adapter:a > trained.j2, then --prompt trained.j2." in str(caught.value.hint)
