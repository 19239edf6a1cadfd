"""The chat format of a training, in evaluation: that of its adapter, and of the base that stands beside it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from harness.errors import InputError
from harness.models.hf.adapters import open_adapter
from harness.models.hf.backend import LocalModel
from harness.models.hf.bases import load_encoder
from harness.models.hf.open_model import open_local
from harness.models.hf.sources import resolve
from harness.models.hf.trained_prompt import TrainedPrompt
from harness.templates import load_template
from harness.templates.contract import CONTRACT, contract_text, make_contract, mismatch
from harness.types import ModelSpec, Request, Sampling

SpecOf = Callable[..., ModelSpec]
OWN = "{{ bos_token }}{% for m in messages %}<{{ m.role }}>{{ m.content }}\n{% endfor %}<assistant>"


@pytest.fixture
def trained(tiny: Path, make_adapter: Callable[..., Path]) -> Path:
    """An adapter on a base without a chat template, trained in a chat format."""
    folder = make_adapter(tiny, seed=5)
    encoder = load_encoder(resolve(str(tiny)), trusted=False).with_chat(OWN)
    contract = make_contract(
        load_template("chat.v2"), tokens=encoder.tokens, answer_tokens=lambda *_: [(2, "</s>")], chat_template=OWN
    )
    (folder / CONTRACT).write_text(contract_text(contract), encoding="utf-8")
    return folder


def test_an_adapters_chat_format_writes_its_prompts(trained: Path, tiny: Path, spec_of: SpecOf) -> None:
    """Oracle: transformers' apply_chat_template of the same text; what the contract compares and what is answered."""
    prompt = load_template("chat.v2").render({"input": "猫は？"})
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    turns = [{"role": "user", "content": "猫は？"}]
    expected = tokenizer.apply_chat_template(turns, chat_template=OWN, add_generation_prompt=True, return_dict=False)
    adapter = open_local(spec_of(f"adapter:{trained}"))
    beside = open_local(spec_of("base", adapter=str(trained)))
    for model in (adapter, beside):
        assert expected == [token for token, _ in model.tokens(prompt)] == answered(model, prompt)
        assert expected == list(model.numbers().forced_answers([prompt], [(7,)])[0].prompt)
    contract = adapter.training_prompt()
    assert contract is not None
    assert mismatch(contract, load_template("chat.v2"), adapter.tokens) is None
    assert ["chat_template_of_adapter"] == [one.code for one in beside.notices() if "chat format" in one]
    plain = open_local(spec_of(f"hf:{tiny}"))
    assert 2 == len({beside.fingerprint, plain.fingerprint})
    with pytest.raises(Exception, match="has no chat template"):
        plain.tokens(prompt)


def answered(model: LocalModel, prompt: Any) -> list[int]:
    """Return the ids that a model is asked with."""
    request = Request(
        key="k", task="t", sample_id="s", model="m", prompt=None, repeat=0, rendered=prompt,
        sampling=Sampling(max_new_tokens=1),
    )  # fmt: skip
    rows, _, _ = model._encode(model._base(), [request])
    return list(rows[0].ids)


def test_one_base_serves_models_of_several_formats(trained: Path, tiny: Path, spec_of: SpecOf) -> None:
    """The base in memory keeps its own encoder: who comes next is not asked in the format of who came before."""
    adapter, plain = open_local(spec_of(f"adapter:{trained}")), open_local(spec_of(f"hf:{tiny}"))
    formats = [model._base().encoder.chat_template for model in (plain, adapter, plain)]
    assert [None, OWN, None] == formats
    assert plain._base().model is adapter._base().model


def test_another_chat_template_is_another_identity(trained: Path, make_adapter: Callable[..., Path]) -> None:
    """And none is none, so that answers stored before there were any stay those of the same model."""
    adapter = open_adapter(str(trained))
    own = TrainedPrompt(adapter=adapter)
    assert (OWN, True) == (own.chat_template, own.identity.startswith(" chat="))
    assert "chat.v2 (sha256 " in str(own.named)
    other = TrainedPrompt(adapter=None, given="{{ messages }}")
    assert own.identity != other.identity
    nothing = TrainedPrompt(adapter=None)
    assert (None, None, "", None) == (nothing.contract(), nothing.chat_template, nothing.identity, nothing.named)


def test_a_damaged_contract_is_said(trained: Path, spec_of: SpecOf) -> None:
    """Where a prompt is wanted; nothing is guessed from a part of it."""
    text = (trained / CONTRACT).read_text(encoding="utf-8")
    (trained / CONTRACT).write_text(text.replace('"schema": 3', '"schema": 4'), encoding="utf-8")
    with pytest.raises(InputError, match="not a prompt contract"):
        open_local(spec_of(f"adapter:{trained}")).tokens(load_template("chat.v2").render({"input": "猫は？"}))
