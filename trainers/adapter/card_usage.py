"""How to use an adapter, for its card: a block of Python that builds training's prompt token by token."""

import json
import re
import shlex
from collections.abc import Callable

from harness.locale import tr
from harness.models.vllm_ranks import DEFAULT_RANK, rank_offered
from harness.templates.front_matter import split_front_matter
from harness.templates.template import turns
from harness.types import PromptContract
from reports.formatting import MISSING, markdown_cell, printable
from trainers.adapter.training_record import CHAT_TEMPLATE, TrainingRecord

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+", re.ASCII)
_GAP = "{{ input }}"
# The adapter in the lines that `published` changes; a word of a shell may have parts in quotation marks.
_WORD = r"""(?:'[^']*'|"[^"]*"|\\.|[^\s'"\\])+"""
_LOADED = re.compile(r'^(ADAPTER = )"(?:[^"\\\n]|\\.)*"', re.MULTILINE)
_EVALUATED = re.compile(rf"^(harness eval --model base --model )(?='?adapter:){_WORD}", re.MULTILINE)
_SCORED = re.compile(rf"^(harness card ){_WORD}(?= --run first)", re.MULTILINE)
_OWN_CHAT = f'tokenizer.chat_template = open(cached_file(ADAPTER, "{CHAT_TEMPLATE}"), encoding="utf-8").read()'
_NOT_FOR_TRANSFORMERS = ("embedded:", "gguf:")

Say = Callable[[str], str]
"""Says a message in the language of the card."""


def hub_base(record: TrainingRecord) -> str | None:
    """Return the base's id on the Hub, or None if it is not from there: only a Hub's model has a revision.

    >>> from trainers.adapter.training_record import TrainingRecord
    >>> def trained_on(base, revision):
    ...     return TrainingRecord(
    ...         base=base, base_revision=revision, base_digest="", recipe_name="", recipe={}, prompt="",
    ...         prompt_sha256="", data=(), samples=0, heldout=0, quantization="nf4", dtype="", device="")
    >>> hub_base(trained_on("hf:llm-jp/llm-jp-3-13b@9f2c", "9f2c0")), hub_base(trained_on("models/mine", None))
    ('llm-jp/llm-jp-3-13b', None)
    """
    name = record.base.removeprefix("hf:").partition("@")[0]
    return name if record.base_revision and _HUB_ID.fullmatch(name) else None


def is_hub_id(name: str) -> bool:
    """Return whether a name can be one of the Hub's: an owner and what is theirs.

    >>> is_hub_id("kunishou/databricks-dolly-15k-ja"), is_hub_id("ichikara.json")
    (True, False)
    """
    return _HUB_ID.fullmatch(name) is not None


def coded(text: str) -> str:
    r"""Return text as code within a line or a table's cell; what would end it early is plain text, escaped.

    >>> coded("<s>"), coded("a`b"), coded("")
    ('`<s>`', 'a\\`b', '–')
    """
    line = " ".join(printable(text).split())
    if "`" in line or "|" in line:
        return markdown_cell(line)
    return f"`{line}`" if line else MISSING


def fenced(text: str, language: str = "") -> str:
    """Return text as a code block that nothing in it can end.

    >>> print(fenced("a ```b", "text"))
    ````text
    a ```b
    ````
    """
    shown = printable(text).rstrip("\n")
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{shown}\n{fence}"


def evaluation_command(record: TrainingRecord, name: str) -> str:
    """Return the command that compares an adapter with its base, for a shell."""
    parts = ["harness", "eval", "--model", "base", "--model", f"adapter:{name}", "--base", record.base]
    return shlex.join([*parts, "--prompt", record.prompt, "--task", "bundled:ja-mini", "--judge", "rules"])


def published(text: str, repo: str, name: str) -> str:
    r"""Return a card as it stands on the Hub: the lines that load the adapter from its folder load it from there.

    Only the adapter itself changes in these lines, and all else, a person's own words included, stays as it is.
    ``name`` is the folder's last name, for the command that only its author runs.

    >>> published('ADAPTER = "out/mine"  # its folder\nharness card out/mine --run first', "me/mine", "mine")
    'ADAPTER = "me/mine"  # its folder\nharness card mine --run first'
    """
    for pattern, adapter in (
        (_LOADED, _quoted(repo)),
        (_EVALUATED, shlex.quote(f"adapter:{repo}")),
        (_SCORED, shlex.quote(name)),
    ):
        text = pattern.sub(lambda found, adapter=adapter: f"{found[1]}{adapter}", text)  # type: ignore[misc]
    return text


def usage(record: TrainingRecord, name: str, contract: PromptContract | None, say: Say) -> str:
    """Return the section on use, as Markdown without its heading; ``name`` is the folder or the Hub's name."""
    command = fenced(evaluation_command(record, name), "console")
    if contract is None:
        unknown = tr("How its prompt became tokens is not on record: there is no prompt contract. With ja-harness:")
        return f"{say(unknown)}\n\n{command}"
    checking = tr("ja-harness checks that the prompt becomes the same tokens as in training:")
    if record.base.startswith(_NOT_FOR_TRANSFORMERS):
        alone = tr(
            "transformers cannot load the base {base} by this name; this command does. {checking}",
            base=coded(record.base),
            checking=checking,
        )
        return f"{say(alone)}\n\n{command}"
    parts = [
        say(tr("With transformers and peft:")),
        fenced(_python(record, name, contract), "python"),
        say(checking),
        command,
    ]
    rank = record.recipe.get("lora_r")
    if isinstance(rank, int) and rank > DEFAULT_RANK:
        parts.append(say(_of_high_rank(rank)))
    if record.recipe.get("use_dora"):
        parts.append(say(tr("vLLM takes no DoRA adapters: merge this one into its base first (`harness merge`).")))
    return "\n\n".join(parts)


def _of_high_rank(rank: int) -> str:
    """Return what vLLM has to be told of a rank above its default."""
    offered = rank_offered(rank)
    if offered is None:
        return tr(
            "vLLM takes no adapters of rank {rank}: merge this one into its base first (`harness merge`).", rank=rank
        )
    return tr("vLLM takes adapters of rank {usual} unless told otherwise: {option}.",
              usual=DEFAULT_RANK, option=f"`--max-lora-rank {offered}`")  # fmt: skip


def _python(record: TrainingRecord, name: str, contract: PromptContract) -> str:
    texts = _literal(contract)
    is_nf4 = record.quantization == "nf4"
    imports = ["import torch"]
    if texts is None:
        imports += ["from harness.models.hf.tokens import Encoder", "from harness.templates import load_template"]
    imports += ["from peft import PeftModel"]
    imports += [f"from transformers import AutoModelForCausalLM, AutoTokenizer{', BitsAndBytesConfig' * is_nf4}"]
    if has_own_chat := contract.chat_template is not None:
        imports += ["from transformers.utils import cached_file"]
    double = bool(record.recipe.get("double_quant"))
    quantised = [
        "quantization = BitsAndBytesConfig(",
        "    load_in_4bit=True,",
        '    bnb_4bit_quant_type="nf4",',
        f"    bnb_4bit_compute_dtype=torch.{record.dtype},",
        f"    bnb_4bit_use_double_quant={double},",
        ")",
    ]
    options = [f"revision={_quoted(record.base_revision)}"] if record.base_revision else []
    numerics = [f"dtype=torch.{record.dtype}", 'device_map="auto"', *["quantization_config=quantization"] * is_nf4]
    return "\n".join([
        *imports,
        "",
        f"BASE = {_quoted(hub_base(record) or record.base.removeprefix('hf:'))}",
        f"ADAPTER = {_quoted(name)}  # its folder, or its name on the Hub",
        *(quantised if is_nf4 else ()),
        f"tokenizer = AutoTokenizer.from_pretrained({', '.join(['BASE', *options])})",
        *([_OWN_CHAT] if has_own_chat else ()),
        "model = AutoModelForCausalLM.from_pretrained(",
        *(f"    {option}," for option in ("BASE", *options, *numerics)),
        ")",
        "model = PeftModel.from_pretrained(model, ADAPTER).eval()",
        "",
        'question = "日本の首都はどこですか？"',
        *(_computed(contract) if texts is None else _plain(texts, contract)),
        "",
        "output = model.generate(",
        "    input_ids=torch.tensor([ids], device=model.device),",
        "    max_new_tokens=512,",
        "    do_sample=False,",
        "    repetition_penalty=1.2,",
        f"    eos_token_id={contract.eos.id},",
        ")",
        "print(tokenizer.decode(output[0][len(ids) :], skip_special_tokens=True))",
    ])  # fmt: skip


def _quoted(text: str | None) -> str:
    """Return text as a Python literal in double quotes."""
    return json.dumps(text, ensure_ascii=False)


def _literal(contract: PromptContract) -> list[tuple[str, str]] | None:
    """Return the role and text of each message, with the gap for the instruction; None if more is computed.

    The probe is the proof: filling its instruction into the texts must give what training rendered.
    """
    rendered = contract.probe.rendered
    if rendered.text_form is not None:
        return None  # which of the two forms training took is the tokenizer's matter
    front, body, _ = split_front_matter(contract.template_text, contract.template)
    texts = [text for _, text in turns(front)] + ([] if "messages" in front else [body])
    instruction = contract.probe.inputs["input"]
    filled = [text.replace(_GAP, instruction) for text in texts]
    if filled != [message.content for message in rendered.messages]:
        return None
    if any(mark in text.replace(_GAP, "") for text in texts for mark in ("{{", "{%", "{#")):
        return None
    return [(message.role, text) for message, text in zip(rendered.messages, texts, strict=True)]


def _plain(texts: list[tuple[str, str]], contract: PromptContract) -> list[str]:
    bos, policy = contract.bos.id, contract.bos.policy
    fill = f".replace({_quoted(_GAP)}, question)"
    ids = 'ids = tokenizer(prompt, add_special_tokens=False)["input_ids"]'
    if contract.format == "text":
        lines = [f"prompt = {_quoted(texts[0][1])}{fill}", ids]
    else:
        lines = ["messages = ["]
        for role, text in texts:
            content = _quoted(text) + fill * (_GAP in text)
            lines.append(f'    {{"role": {_quoted(role)}, "content": {content}}},')
        lines += [
            "]",
            "prompt = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)",
            ids,
        ]
        if bos is not None and policy != "template":
            lines += [f"while ids[0] == {bos}:", "    ids = ids[1:]"]
    if bos is not None and policy == "once":
        lines.append(f"ids = [{bos}, *ids]  # BOS, once")
    return lines


def _computed(contract: PromptContract) -> list[str]:
    name = contract.template if contract.template.endswith(".j2") else f"{contract.template}.j2"
    return [
        f'prompt = load_template({_quoted(name)}).render({{"input": question}})  # the template below, saved as this',
        "ids = Encoder(tokenizer, BASE).encode(prompt)",
    ]
