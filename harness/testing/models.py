"""Tiny models, made on the spot: a random Llama of two layers with a Llama-type tokenizer, and LoRA adapters of it.

They answer nonsense in milliseconds, and everything else about them is real: files, tokens, shapes, adapters.
"""

import json
from pathlib import Path
from typing import Any

from harness.installation import MissingExtraError

CORPUS = (
    "### 指示\n日本の首都はどこですか？\n### 回答\n東京です。",
    "### 指示\n猫について三つ挙げてください。\n### 回答\n猫は静かです。猫は速いです。",
    "以下は、タスクを説明する指示です。",
    "hello world, the quick brown fox",
)
"""What the tokenizer is learnt from."""


def make_tokenizer() -> Any:
    """Return a SentencePiece-style BPE with byte fallback that adds <s> by itself, as Llama's and llm-jp's do.

    Raises:
        MissingExtraError: transformers is not installed.
    """
    try:
        from tokenizers import Tokenizer, decoders, models, normalizers, processors, trainers  # noqa: PLC0415
        from transformers import PreTrainedTokenizerFast
    except ModuleNotFoundError as error:
        raise MissingExtraError("helper harness.testing.make_tokenizer", "local") from error
    specials = ["<unk>", "<s>", "</s>", "<pad>"]
    learnt = Tokenizer(models.BPE())
    learnt.normalizer = normalizers.Replace(" ", "▁")
    learnt.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=160))
    pieces = json.loads(learnt.to_str())["model"]
    names = [*specials, *(f"<0x{byte:02X}>" for byte in range(256)), *pieces["vocab"]]
    vocabulary = {name: index for index, name in enumerate(names)}
    merges = [tuple(merge) for merge in pieces["merges"]]
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>", pad_token="<pad>"
    )


def make_llama(folder: str | Path, *, hidden: int = 64, seed: int = 0, **config: object) -> Path:
    """Write a random Llama of two layers with its tokenizer into a folder, for ``hf:FOLDER``, and return the folder.

    ``config`` are further settings of transformers' ``LlamaConfig``.

    Raises:
        MissingExtraError: torch or transformers is not installed.
    """
    try:
        import torch
        from transformers import LlamaConfig, LlamaForCausalLM
    except ModuleNotFoundError as error:
        raise MissingExtraError("helper harness.testing.make_llama", "local") from error
    folder, tokenizer = Path(folder), make_tokenizer()
    torch.manual_seed(seed)
    settings: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "hidden_size": hidden,
        "intermediate_size": 2 * hidden,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 256,
        "initializer_range": 0.3,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 3,
    }
    LlamaForCausalLM(LlamaConfig(**settings | config)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_lora(
    folder: str | Path,
    model: str | Path,
    *,
    base: str | None = None,
    scale: float = 0.05,
    seed: int = 1,
    **more: object,
) -> Path:
    """Write a LoRA adapter of a model folder, for ``adapter:FOLDER``, and return its folder.

    Args:
        folder: Where to.
        model: The folder of the base model.
        base: What its configuration names as base; None: ``model``.
        scale: The spread of its B matrices; 0 makes an adapter without effect.
        seed: What the matrices are drawn from.
        more: Further settings of peft's ``LoraConfig``.

    Raises:
        MissingExtraError: torch, transformers or peft is not installed.
    """
    try:
        import torch
        from peft import LoraConfig, get_peft_model
        from transformers import AutoModelForCausalLM
    except ModuleNotFoundError as error:
        raise MissingExtraError("helper harness.testing.make_lora", "local") from error
    folder = Path(folder)
    torch.manual_seed(seed)
    settings: dict[str, Any] = {"r": 4, "lora_alpha": 8, "target_modules": "all-linear", "task_type": "CAUSAL_LM"}
    wrapped = get_peft_model(
        AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32), LoraConfig(**settings | more)
    )
    for name, parameter in wrapped.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=scale)
    wrapped.save_pretrained(folder)
    path = folder / "adapter_config.json"
    written = json.loads(path.read_text(encoding="utf-8")) | {"base_model_name_or_path": base or str(model)}
    path.write_text(json.dumps(written), encoding="utf-8")
    return folder
