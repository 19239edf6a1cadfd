"""Strangers' adapters of every kind and damage: answered rightly or refused in a sentence, and nobody else notices.

Each is evaluated between two runs of a good adapter and of the base. The oracles for a stranger that is answered: the
model as it was when its adapter was saved, and peft alone on a base of its own.
"""

import copy
import functools
import json
import os
import shutil
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from harness.errors import HarnessError
from harness.models.hf import BASE_MODELS, LocalModel, open_local, patterns
from harness.models.hf.base_state import BaseDigest, digest_of
from harness.types import ModelSpec, Request
from tests.patience import PATIENCE

Ask = Callable[..., Request]
SpecOf = Callable[..., ModelSpec]

PROMPT = "### 指示\n日本の首都は？\n### 回答\n"
IDS = [1, 20, 30, 40, 5, 6]
TARGETS = ["q_proj", "v_proj"]
UNSLOTH = (
    r"(?:.*?(?:language|text).*?(?:self_attn|attention|attn|mlp|feed_forward|ffn|dense).*?(?:q_proj|v_proj).*?)"
    r"|(?:\bmodel\.layers\.[\d]{1,}\.(?:self_attn|attention|attn|mlp|feed_forward|ffn|dense)\.(?:(?:q_proj|v_proj)))"
)
EVIL = r"(?:.|..|...)+\d"  # keeps every engine busy
SLY = r"(?:[a-z._\d]+)+!"  # keeps that of Python busy; a better one sees at once that it matches nothing

# kind, options, and what is expected: None if it is answered
MADE: dict[str, tuple[str, dict[str, Any], str | None]] = {
    "lora": ("LoraConfig", {}, None),
    "all linear": ("LoraConfig", {"target_modules": "all-linear"}, None),
    "rslora": ("LoraConfig", {"use_rslora": True}, None),
    "dora": ("LoraConfig", {"use_dora": True}, None),
    "bias of its own": ("LoraConfig", {"lora_bias": True}, None),
    "embedding and head": ("LoraConfig", {"target_modules": ["embed_tokens", "lm_head", "q_proj"]}, None),
    "parameters": ("LoraConfig", {"target_parameters": ["mlp.down_proj.weight"]}, None),
    "patterns of ranks": ("LoraConfig", {"rank_pattern": {r"^model\.layers\.0\..*q_proj": 2, "v_proj": 3}}, None),
    "unsloth's pattern": ("LoraConfig", {"target_modules": UNSLOTH}, None),
    "some layers": ("LoraConfig", {"layers_to_transform": [1], "layers_pattern": "layers"}, None),
    "left out": ("LoraConfig", {"exclude_modules": r".*layers\.0\..*"}, None),
    "gaussian": ("LoraConfig", {"init_lora_weights": "gaussian"}, None),
    "orthogonal": ("LoraConfig", {"init_lora_weights": "orthogonal"}, None),
    "eva": ("LoraConfig", {"init_lora_weights": "eva"}, None),
    "mica": ("LoraConfig", {"init_lora_weights": "mica"}, None),
    "pissa": ("LoraConfig", {"init_lora_weights": "pissa"}, "does not belong to the base"),
    "pissa, quick": ("LoraConfig", {"init_lora_weights": "pissa_niter_4"}, "does not belong to the base"),
    "olora": ("LoraConfig", {"init_lora_weights": "olora"}, "does not belong to the base"),
    "lora_ga": ("LoraConfig", {"init_lora_weights": "lora_ga"}, "does not belong to the base"),
    "a module": ("LoraConfig", {"modules_to_save": ["lm_head"]}, None),
    "a norm": ("LoraConfig", {"modules_to_save": ["norm"]}, None),
    "embedding and head whole": ("LoraConfig", {"modules_to_save": ["embed_tokens", "lm_head"]}, None),
    "tokens": ("LoraConfig", {"trainable_token_indices": [5, 6]}, None),
    "layers again": ("LoraConfig", {"layer_replication": [[0, 2], [1, 2]]}, "layer_replication = "),
    "adalora": ("AdaLoraConfig", {"init_r": 4, "target_r": 2, "total_step": 10}, None),
    "beft": ("BeftConfig", {}, None),
    "boft": ("BOFTConfig", {"boft_block_size": 4}, None),
    "c3a": ("C3AConfig", {"block_size": 16}, None),
    "deft": ("DeftConfig", {}, None),
    "delora": ("DeloraConfig", {}, None),
    "fourierft": ("FourierFTConfig", {"n_frequency": 20}, None),
    "glora": ("GloraConfig", {}, None),
    "gralora": ("GraloraConfig", {"r": 4}, None),
    "hira": ("HiraConfig", {}, None),
    "hra": ("HRAConfig", {}, None),
    "ia3": ("IA3Config", {"target_modules": ["k_proj", "down_proj"], "feedforward_modules": ["down_proj"]}, None),
    "lily": ("LilyConfig", {}, None),
    "ln_tuning": ("LNTuningConfig", {"target_modules": ["input_layernorm"]}, None),
    "loha": ("LoHaConfig", {}, None),
    "lokr": ("LoKrConfig", {}, None),
    "miss": ("MissConfig", {}, None),
    "oft": ("OFTConfig", {"oft_block_size": 4, "r": 0}, None),
    "peanut": ("PeanutConfig", {}, None),
    "pvera": ("PveraConfig", {}, None),
    "randlora": ("RandLoraConfig", {}, None),
    "road": ("RoadConfig", {"group_size": 16}, None),
    "shira": ("ShiraConfig", {"r": 2}, None),
    "trainable tokens": ("TrainableTokensConfig", {"token_indices": [5, 6], "target_modules": ["embed_tokens"]}, None),
    "unilora": ("UniLoraConfig", {}, None),
    "vblora": ("VBLoRAConfig", {"num_vectors": 16, "vector_length": 8, "topk": 2}, None),
    "vera": ("VeraConfig", {}, None),
    "waveft": ("WaveFTConfig", {"n_frequency": 20}, None),
    "osf": ("OSFConfig", {}, "is made anew from the base"),
    "psoft": ("PsoftConfig", {}, "is made anew from the base"),
    "tinylora": ("TinyLoraConfig", {}, "is made anew from the base"),
    "frod": ("FrodConfig", {}, "is made anew from the base"),
    "supertuning": ("SupertuningConfig", {}, "is made anew from the base"),
    "prompt tuning": ("PromptTuningConfig", {"num_virtual_tokens": 4, "target_modules": None}, "puts virtual tokens"),
    "prefix tuning": ("PrefixTuningConfig", {"num_virtual_tokens": 4, "target_modules": None}, "puts virtual tokens"),
}


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """More only wait for each other in a model of this size."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def based(make_tiny: Callable[..., Path]) -> Path:
    """A base whose attention has biases, and as many key heads as others: some kinds need square layers."""
    return make_tiny("strangers-base", attention_bias=True, num_key_value_heads=4, seed=5)


def fresh(base: Path) -> Any:
    """Return a base of one's own."""
    return copy.deepcopy(_loaded(base))


@functools.cache
def _loaded(base: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32).eval()


@torch.inference_mode()
def last_scores(model: Any) -> torch.Tensor:
    """Return the scores after a fixed prompt."""
    scores: torch.Tensor = model(input_ids=torch.tensor([IDS])).logits[0, -1]
    return scores


def make(base: Path, folder: Path, kind: str, options: dict[str, Any]) -> torch.Tensor:
    """Write an adapter with random weights, as training would leave them, and return the scores with it."""
    torch.manual_seed(1)
    settings = {"target_modules": TARGETS, "task_type": "CAUSAL_LM"} | options
    if kind == "LoraConfig":
        settings = {"r": 4} | settings
    if settings["target_modules"] is None:
        del settings["target_modules"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wrapped = get_peft_model(fresh(base), getattr(peft, kind)(**settings)).eval()
        for parameter in wrapped.parameters():
            if parameter.requires_grad and parameter.is_floating_point():
                parameter.data += 0.05 * torch.randn_like(parameter)
        wrapped.save_pretrained(folder)
        return last_scores(wrapped)


class House:
    """A base and a good adapter, what they answer, and the digest of the base."""

    def __init__(self, base: Path, good: Path, spec_of: SpecOf, ask: Ask) -> None:
        self.base = base
        self._requests = [ask(PROMPT, new=5)]
        self._spec_of = spec_of
        self._plain = open_local(spec_of("base", base=str(base)))
        self._good = open_local(spec_of(f"adapter:{good}", base=str(base)))
        BASE_MODELS.clear()
        self.first = self.answers()

    def answers(self) -> tuple[list[str | None], list[str | None], BaseDigest]:
        """Return what the good adapter and the base answer, and the digest of the base after both."""
        good = [answer.text for answer in self._good.generate(self._requests)]
        plain = [answer.text for answer in self._plain.generate(self._requests)]
        base = self._plain._base()
        base.switch.use(None)
        return good, plain, digest_of(base.model)

    def evaluate(self, folder: Path) -> LocalModel:
        """Let a stranger's adapter answer."""
        model = open_local(self._spec_of(f"adapter:{folder}", base=str(self.base)))
        assert all(answer.text is not None for answer in model.generate(self._requests))
        return model


@pytest.fixture(scope="module")
def house(based: Path, tmp_path_factory: pytest.TempPathFactory, spec_of: SpecOf, ask: Ask) -> House:
    """The others."""
    folder = tmp_path_factory.mktemp("good")
    make(based, folder, "LoraConfig", {"target_modules": "all-linear"})
    return House(based, folder, spec_of, ask)


@pytest.mark.parametrize("name", MADE)
def test_every_kind_is_answered_as_it_was_trained_or_refused(house: House, tmp_path: Path, name: str) -> None:
    """And the others' answers, and every tensor of the base, stay as they were, bit for bit."""
    kind, options, refusal = MADE[name]
    trained = make(house.base, tmp_path, kind, options)
    if refusal is None:
        model = house.evaluate(tmp_path)
        switch = model._base().switch
        switch.use(model._adapter)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            alone = PeftModel.from_pretrained(fresh(house.base), tmp_path, autocast_adapter_dtype=False).eval()
        assert torch.equal(last_scores(alone), switch.scores(IDS))
        assert torch.equal(trained, switch.scores(IDS))
    else:
        with pytest.raises(HarnessError, match=refusal) as caught:
            house.evaluate(tmp_path)
        assert caught.value.hint
    assert house.first == house.answers()


def _configured(**values: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "adapter_config.json"
        path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | values), encoding="utf-8")

    return change


def _weights(change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]) -> Callable[[Path], None]:
    def rewrite(folder: Path) -> None:
        path = folder / "adapter_model.safetensors"
        save_file(change(load_file(path)), path)

    return rewrite


def _truncated(folder: Path) -> None:
    path = folder / "adapter_model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def _pickled(folder: Path) -> None:
    path = folder / "adapter_model.safetensors"
    torch.save(load_file(path), folder / "adapter_model.bin")
    path.unlink()


def _emptied(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def _huge(folder: Path) -> None:
    with (folder / "adapter_config.json").open("r+b") as file:
        file.truncate(100_000_000)


def _instead(name: str, target: str) -> Callable[[Path], None]:
    def link(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        if target == "pipe":
            os.mkfifo(folder / name)
        else:
            (folder / name).symlink_to(target)

    return link


def _nested(folder: Path) -> None:
    (folder / "adapter_config.json").write_text("[" * 200_000, encoding="utf-8")


def _first(tensors: dict[str, torch.Tensor]) -> str:
    return next(key for key in sorted(tensors) if "lora_B" in key)


def _base_weight(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Bring a weight of the base itself, under its own name."""
    return tensors | {"base_model.model.model.layers.0.mlp.up_proj.weight": torch.ones(128, 64)}


DAMAGED: dict[str, tuple[dict[str, Any], Callable[[Path], None], str]] = {
    "cut short": ({}, _truncated, "not a safetensors file"),
    "no numbers": ({}, _weights(lambda own: own | {_first(own): own[_first(own)] * torch.nan}), "are no numbers"),
    "infinities": ({}, _weights(lambda own: own | {_first(own): own[_first(own)] + torch.inf}), "are no numbers"),
    "another rank": ({}, _configured(r=8), "has rank 4, and the configuration says 8"),
    "absurd rank": ({}, _configured(r=10**9), "r = 1e"),
    "absurd rank in a pattern": ({}, _configured(rank_pattern={"q_proj": 10**12}), "rank_pattern = 1e"),
    "rank zero": ({}, _configured(r=0), "cannot attach|has rank"),
    "rank in words": ({}, _configured(r="four"), "cannot attach"),
    "other shapes": ({}, _weights(lambda own: {key: value.T.contiguous() for key, value in own.items()}), "not fit"),
    "one tensor less": ({}, _weights(lambda own: {k: v for k, v in own.items() if k != _first(own)}), "are missing"),
    "one layer less": ({}, _weights(lambda own: {k: v for k, v in own.items() if "layers.0" in k}), "are missing"),
    "no tensors": ({}, _weights(lambda own: {}), "are missing"),
    "other names": ({}, _weights(lambda own: {f"x.{k}": v for k, v in own.items()}), "none of its"),
    "a module without tensors": ({}, _configured(modules_to_save=["lm_head"]), "cannot attach|are missing"),
    "a weight of the base": ({}, _weights(_base_weight), "changes weights of the base"),
    "biases of the base": ({"bias": "all"}, lambda _: None, "changes weights of the base"),
    "pickled": ({}, _pickled, "a pickle"),
    "empty": ({}, _emptied, "no adapter_config"),
    "100 MB of configuration": ({}, _huge, "95 MB, and such a file may hold 4"),
    "endless configuration": ({}, _instead("adapter_config.json", "/dev/zero"), "not a regular file"),
    "a pipe for weights": ({}, _instead("adapter_model.safetensors", "pipe"), "not a regular file"),
    "a pipe for a contract": ({}, _instead("prompt_contract.json", "pipe"), "not a regular file"),
    "an endless tokenizer": ({}, _instead("tokenizer.json", "/dev/zero"), "not a regular file"),
    "nested without end": ({}, _nested, "nested too deeply"),
    "evil targets": ({}, _configured(target_modules=EVIL), "takes more than"),
    "evil exclusions": ({}, _configured(exclude_modules=EVIL), "takes more than"),
    "evil layers": ({}, _configured(layers_to_transform=[0], layers_pattern=EVIL), "takes more than"),
    "evil ranks": ({}, _configured(rank_pattern={EVIL: 4}), "takes more than"),
    "evil alphas": ({}, _configured(alpha_pattern={EVIL: 4}), "takes more than"),
    "evil modules": ({}, _configured(modules_to_save=[EVIL]), "no list of module names"),
    "no pattern": ({}, _configured(target_modules="("), "is no regular expression"),
    "a pattern of nothing": ({}, _configured(target_modules="nothing"), "match no module"),
    "another's code": ({}, _configured(megatron_config={"a": 1}, megatron_core="this"), "megatron_config = "),
    "of the future": ({}, _configured(use_tomorrow=True), "use_tomorrow = True"),
    "pissa, renamed": ({}, _configured(init_lora_weights="pissa"), "does not belong"),
    "corda": ({}, _configured(init_lora_weights="corda", corda_config={}), "does not belong"),
    "loftq": ({}, _configured(init_lora_weights="loftq", loftq_config={"loftq_bits": 4}), "does not belong"),
    "unheard of": ({}, _configured(init_lora_weights="tomorrow"), "does not belong"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_every_damage_is_told_in_a_sentence(
    house: House, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within seconds, and the others' answers stay as they were."""
    monkeypatch.setattr(patterns, "_SECONDS", 0.2)
    options, damage, refusal = DAMAGED[name]
    make(house.base, tmp_path, "LoraConfig", options)
    damage(tmp_path)
    began = time.process_time()
    with pytest.raises(HarnessError, match=refusal) as caught:
        house.evaluate(tmp_path)
    assert time.process_time() - began < PATIENCE
    assert "\n" not in caught.value.message
    assert house.first == house.answers()


@pytest.mark.parametrize(
    "change",
    [
        {"exclude_modules": SLY},
        {"rank_pattern": {SLY: 2}},
        {"alpha_pattern": {SLY: 99}},
        {"rank_pattern": {f"layer{number}": 2 for number in range(5_000)}},
        {"layers_pattern": SLY},
    ],
    ids=lambda change: next(iter(change)),
)
def test_patterns_that_match_nothing_change_nothing(house: House, tmp_path: Path, change: dict[str, Any]) -> None:
    """Within seconds, where peft alone would be busy for years."""
    trained = make(house.base, tmp_path, "LoraConfig", {})
    _configured(**change)(tmp_path)
    began = time.process_time()
    model = house.evaluate(tmp_path)
    assert time.process_time() - began < PATIENCE
    switch = model._base().switch
    switch.use(model._adapter)
    assert torch.equal(trained, switch.scores(IDS))
    assert house.first == house.answers()


def test_an_adapter_converted_from_pissa_is_answered(house: House, tmp_path: Path) -> None:
    """What the refusal of an unconverted one advises: it is then a plain LoRA of twice the rank."""
    torch.manual_seed(1)
    config = LoraConfig(r=4, target_modules=TARGETS, init_lora_weights="pissa", task_type="CAUSAL_LM")
    wrapped = get_peft_model(fresh(house.base), config).eval()
    wrapped.peft_config["default"].init_lora_weights = True  # as peft's own example has it
    wrapped.save_pretrained(tmp_path / "initial")
    for name, parameter in wrapped.named_parameters():
        if "lora_" in name:
            parameter.data += 0.05 * torch.randn_like(parameter)
    trained = last_scores(wrapped)
    wrapped.peft_config["default"].init_lora_weights = "pissa"
    wrapped.save_pretrained(tmp_path / "out", path_initial_model_for_weight_conversion=str(tmp_path / "initial"))
    model = house.evaluate(tmp_path / "out")
    switch = model._base().switch
    switch.use(model._adapter)
    torch.testing.assert_close(trained, switch.scores(IDS), rtol=1e-3, atol=1e-3)
    assert house.first == house.answers()


@pytest.mark.parametrize(
    ("error", "seen"),
    [
        (KeyboardInterrupt(), (KeyboardInterrupt, "")),
        (torch.OutOfMemoryError("CUDA out of memory"), (HarnessError, "Memory does not suffice")),
        (MemoryError(), (HarnessError, "Memory does not suffice")),
        (
            AttributeError("'NoneType' object\nhas no attribute"),
            (HarnessError, "cannot attach .*: 'NoneType' object has"),
        ),
        (AssertionError(), (HarnessError, "cannot attach .*: AssertionError")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_end_half_way_leaves_nothing_behind(
    house: House,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    seen: tuple[type[BaseException], str],
) -> None:
    """Layers are wrapped already, and some weights are moved: the base is loaded anew."""
    make(house.base, tmp_path, "LoraConfig", {})
    loads = BASE_MODELS.loads

    def half_way(wrapped: Any, *_: object, **__: object) -> None:
        wrapped.get_submodule("base_model.model.model.norm").weight.data.mul_(3)
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(PeftModel, "load_adapter", half_way)
        with pytest.raises(seen[0], match=seen[1]):
            house.evaluate(tmp_path)
    assert house.first == house.answers()
    assert BASE_MODELS.loads == loads + 1
