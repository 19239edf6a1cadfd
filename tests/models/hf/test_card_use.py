"""The Python of a model card, run as it stands, and a card's scores from a real run of a local adapter."""

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer, LlamaForCausalLM

from harness.models.hf.tokens import Encoder
from harness.templates import load_template, template_names
from harness.templates.contract import make_contract
from harness.templates.template import Template, parse_template
from tests.conftest import RunCli
from tests.trainers.adapter_folders import record_of, write_folder
from trainers.adapter.card import card_text

CHAT = "{% for m in messages %}<s>[{{ m['role'] }}] {{ m['content'] }}{% endfor %}[assistant]"
QUESTION = "日本の首都はどこですか？"


@pytest.fixture(scope="module")
def talking(make_tiny: Callable[..., Path], llama_tokenizer: Any) -> Path:
    """A random Llama of its own whose tokenizer has a chat template, which writes BOS itself."""
    folder = make_tiny("talking-llama")
    tokenizer = copy.deepcopy(llama_tokenizer)
    tokenizer.chat_template = CHAT
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def trained(talking: Path, make_adapter: Callable[..., Path]) -> Path:
    """An adapter of it."""
    return make_adapter(talking)


def block(template: Template, tokenizer: Any, base: Path, adapter: Path) -> str:
    """Return the Python of the card of an adapter that was trained with a template."""
    contract = make_contract(
        template,
        tokens=Encoder(tokenizer, "tiny").tokens,
        answer_tokens=lambda *_: [(tokenizer.eos_token_id, tokenizer.eos_token)],
    )
    record = record_of(base=str(base), base_revision=None, quantization="none", dtype="float32", prompt=template.name)
    text = card_text(record, name=str(adapter), contract=contract, curve=False)
    found = re.search(r"^(`{3,})python\n(.*?)^\1$", text, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[2]


@pytest.mark.parametrize(
    "text",
    [
        "course.v1",
        "course-nobos.v1",
        "chat.v1",
        "chat.v2",
        "polite.v1",
        '---\nformat: chat\nsystem: "丁寧に \\"答え\\" て。"\n---\n質問: {{ input }}\n',
        "---\nformat: chat\nbos: never\nsystem: 短く。\n---\n{{ input }}",
        "---\nmessages:\n- user: 'Q: {{ input }}'\n- assistant: A1\n- user: もう一度 {{ input }}\n---\n",
        "---\nmessages:\n- user: '{{ input }}'\n---\n文章: {{ input }}\n",
        "{% if input %}### {{ input | trim }}{% endif %}\n",
    ],
)
def test_the_block_builds_the_prompt_of_evaluation(
    text: str, talking: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the template: the ids that it gives the model are those of the harness, and it runs to its end."""
    monkeypatch.chdir(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(talking)
    if text in template_names("tasks"):
        template = load_template(text)
    else:
        Path("own.j2").write_text(text, encoding="utf-8")
        template = parse_template(text, name="own.j2", kind="tasks", path=tmp_path / "own.j2")
    source = block(template, tokenizer, talking, trained)
    assert QUESTION in source
    given: list[list[int]] = []
    generate = LlamaForCausalLM.generate

    def watched(self: Any, **arguments: Any) -> Any:
        given.append(arguments["input_ids"][0].tolist())
        return generate(self, **arguments | {"max_new_tokens": 2})

    monkeypatch.setattr(LlamaForCausalLM, "generate", watched)
    exec(compile(source, "card", "exec"), {})
    assert [Encoder(tokenizer, "tiny").encode(template.render({"input": QUESTION}))] == given


def test_a_run_of_a_local_adapter_lands_in_its_card(
    run_cli: RunCli, task_file: Path, tiny: Path, make_adapter: Callable[..., Path]
) -> None:
    """Evaluated by the harness itself: the digest in the run's provenance is the one that the card looks for."""
    made = make_adapter(tiny)
    folder = write_folder(Path("out"), record_of(base=str(tiny), base_revision=None))
    (folder / "prompt_contract.json").unlink()
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        (folder / name).write_bytes((made / name).read_bytes())
    models = ("--model", "base", "--model", "mine=adapter:out", "--base", str(tiny))
    numerics = ("--dtype", "float32", "--max-new-tokens", "4")
    ran = run_cli("eval", "--task", f"mine={task_file}", *models, *numerics, "--judge", "reference", "--run", "first")
    assert 0 == ran.code, ran.err
    carded = run_cli("card", "out", "--run", "first")
    assert 0 == carded.code, carded.err
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert re.search(r"^\| base \(baseline\) ", text, re.MULTILINE)
    assert re.search(r"^\| mine ", text, re.MULTILINE)
    assert "there is no prompt contract" in text
