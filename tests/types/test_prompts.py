"""A prompt, and what a contract refuses to be."""

import pytest

from harness.types import Message, Probe, PromptContract, RenderedPrompt, SpecialToken


def test_a_prompt_as_text_is_all_its_messages() -> None:
    """One after the other."""
    messages = (Message(role="system", content="丁寧に。"), Message(role="user", content="質問"))
    assert "丁寧に。\n質問" == RenderedPrompt(messages=messages).text


def probe(answer_ids: tuple[int, ...] = (7, 2), prompt_tokens: tuple[str, ...] = ("a", "b")) -> Probe:
    """Return a probe of two tokens."""
    rendered = RenderedPrompt(messages=(Message(role="user", content="ab"),), format="chat")
    return Probe(
        inputs={"input": "ab"}, rendered=rendered, prompt_ids=(5, 6), prompt_tokens=prompt_tokens, answer_ids=answer_ids
    )


def contract(eos: int | None, made: Probe) -> PromptContract:
    """Return a contract whose EOS token has this id."""
    token = SpecialToken(policy="once", token=None, id=None)
    return PromptContract(
        schema=2, template="t", template_sha256="0", template_text="", bos=token,
        eos=SpecialToken(policy="once", token="</s>", id=eos), probe=made,
    )  # fmt: skip


def test_a_contract_is_of_the_form_that_its_probe_has() -> None:
    """Messages with roles, here."""
    assert "chat" == contract(2, probe()).format


@pytest.mark.parametrize(("eos", "answer_ids"), [(3, (7, 2)), (None, (7, 2)), (2, ()), (2, (2, 7))])
def test_training_taught_to_end_an_answer(eos: int | None, answer_ids: tuple[int, ...]) -> None:
    """An answer without EOS last is none that a model was trained on."""
    with pytest.raises(ValueError, match="do not end with the EOS token"):
        contract(eos, probe(answer_ids))


@pytest.mark.parametrize("texts", [(), ("a",), ("a", "b", "c")])
def test_each_token_of_a_probe_has_its_text(texts: tuple[str, ...]) -> None:
    """Else a message about a difference would name the wrong one."""
    with pytest.raises(ValueError, match=f"2 prompt_ids with {len(texts)} prompt_tokens"):
        probe(prompt_tokens=texts)
