"""Finding weights: folders, GGUF files, the Hub (a loopback stand-in) and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from harness.errors import HarnessError, InputError, UsageError
from harness.models.hf import open_local
from harness.models.hf.sources import resolve, split_revision
from harness.types import ModelSpec, Request

Ask = Callable[..., Request]
SpecOf = Callable[..., ModelSpec]


class TestIdentity:
    """A folder's digest is that of its content."""

    def test_a_copy_is_the_same(self, tiny: Path, copy: Path) -> None:
        """Neither path nor README counts."""
        (copy / "README.md").write_text("hello", encoding="utf-8")
        assert resolve(str(tiny)).digest == resolve(str(copy)).digest

    @pytest.mark.parametrize(
        "file", ["config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json"]
    )
    def test_small_files_count_whole(self, tiny: Path, copy: Path, file: str) -> None:
        """A changed end token or vocabulary changes answers."""
        text = (copy / file).read_text(encoding="utf-8")
        (copy / file).write_text(text.rstrip() + " ", encoding="utf-8")
        assert resolve(str(tiny)).digest != resolve(str(copy)).digest

    def test_a_fine_tuned_copy_of_the_same_shape_is_another(self, tiny: Path, copy: Path) -> None:
        """Header and size alone would not tell them apart."""
        weights = load_file(copy / "model.safetensors")
        moved = {name: (tensor + 1e-3 * torch.randn_like(tensor)) for name, tensor in weights.items()}
        save_file(moved, copy / "model.safetensors", metadata={"format": "pt"})
        assert (tiny / "model.safetensors").stat().st_size == (copy / "model.safetensors").stat().st_size
        assert resolve(str(tiny)).digest != resolve(str(copy)).digest

    @pytest.mark.parametrize("file", ["chat_template.jinja", "merges.txt", "added_tokens.json", "modeling_own.py"])
    def test_what_makes_tokens_counts_even_where_it_is_new(self, tiny: Path, copy: Path, file: str) -> None:
        """Another chat template, other merges, or other code: other answers."""
        (copy / file).write_text("{}", encoding="utf-8")
        assert resolve(str(tiny)).digest != resolve(str(copy)).digest

    @pytest.mark.parametrize("place", [0.1, 0.37, 0.5, 0.99])
    def test_one_byte_anywhere_in_the_weights_counts(self, tiny: Path, copy: Path, place: float) -> None:
        """Also between places that a sample would look at."""
        content = bytearray((copy / "model.safetensors").read_bytes())
        content[int(len(content) * place)] ^= 1
        (copy / "model.safetensors").write_bytes(content)
        assert resolve(str(tiny)).digest != resolve(str(copy)).digest

    def test_a_folder_that_changes_before_it_is_loaded_is_refused(
        self, copy: Path, tmp_path: Path, spec_of: SpecOf, ask: Ask
    ) -> None:
        """Its answers would be kept under the name of the weights that were there before."""
        model = open_local(spec_of(f"hf:{copy}"))
        weights = load_file(copy / "model.safetensors")
        save_file({name: tensor * 2 for name, tensor in weights.items()}, copy / "model.safetensors")
        with pytest.raises(HarnessError, match="changed after the run began"):
            list(model.generate([ask("a")]))

    def test_numerics_are_part_of_the_fingerprint(self, tiny: Path, spec_of: SpecOf) -> None:
        """Other numerics, other answers."""
        found = {
            open_local(spec_of(f"hf:{tiny}", dtype=dtype, quantization=quantization, settings=settings)).fingerprint
            for dtype, quantization, settings in (
                ("float32", None, {}),
                ("bfloat16", None, {}),
                ("float32", "nf4", {}),
                ("float32", "nf4", {"double_quant": True}),
                ("float32", "nf4", {"fast_dequantize": True}),
            )
        }
        assert 5 == len(found)

    def test_base_and_hf_of_one_folder_are_one_model(self, tiny: Path, spec_of: SpecOf) -> None:
        """So their answers are shared."""
        assert open_local(spec_of("base", base=str(tiny))).fingerprint == open_local(spec_of(f"hf:{tiny}")).fingerprint


class TestRefusals:
    """What cannot be loaded is said before anything is."""

    def test_a_missing_folder(self, tmp_path: Path) -> None:
        """A path is never looked for on the Hub."""
        with pytest.raises(InputError, match="no such model folder"):
            resolve(str(tmp_path / "none"))

    def test_a_folder_without_config(self, tmp_path: Path) -> None:
        """An adapter folder gets the right spec as its hint."""
        with pytest.raises(InputError, match=r"no config\.json"):
            resolve(str(tmp_path))
        (tmp_path / "adapter_config.json").write_text("{}", encoding="utf-8")
        with pytest.raises(InputError) as caught:
            resolve(str(tmp_path))
        assert f"It holds an adapter: write adapter:{tmp_path}." == caught.value.hint

    def test_pickled_weights(self, copy: Path) -> None:
        """Only pickles: refused; neither: said."""
        (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
        with pytest.raises(InputError, match="only pickled weights"):
            resolve(str(copy))
        (copy / "pytorch_model.bin").unlink()
        with pytest.raises(InputError, match="no safetensors weights"):
            resolve(str(copy))

    def test_broken_files(self, copy: Path, spec_of: SpecOf, ask: Ask) -> None:
        """A config that is not JSON, weights that are not safetensors, an unknown architecture."""
        good = (copy / "config.json").read_text(encoding="utf-8")
        for text in ("{", "[]"):
            (copy / "config.json").write_text(text, encoding="utf-8")
            with pytest.raises(InputError, match="JSON"):
                open_local(spec_of(f"hf:{copy}"))
        (copy / "config.json").write_text(json.dumps({"model_type": "news"}), encoding="utf-8")
        with pytest.raises(HarnessError, match="cannot be loaded"):
            list(open_local(spec_of(f"hf:{copy}")).generate([ask("a")]))
        (copy / "config.json").write_text(good, encoding="utf-8")
        (copy / "model.safetensors").write_bytes(b"junk" * 100)
        with pytest.raises(HarnessError, match="its files hold 400 bytes"):
            list(open_local(spec_of(f"hf:{copy}")).generate([ask("a")]))
        (copy / "model.safetensors").write_bytes(b"junk" * 100_000)
        with pytest.raises(HarnessError, match="cannot be loaded"):
            list(open_local(spec_of(f"hf:{copy}")).generate([ask("a")]))

    @pytest.mark.parametrize("name", ["model.layers.1.mlp.up_proj.weight", "lm_head.weight", "model.norm.weight"])
    def test_weights_that_lack_a_tensor(self, copy: Path, spec_of: SpecOf, ask: Ask, name: str) -> None:
        """It would be drawn at random: other answers each time, and none of this model."""
        weights = load_file(copy / "model.safetensors")
        del weights[name]
        save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
        with pytest.raises(HarnessError, match=f"lacks 1 of its weights, for example '{name}'"):
            list(open_local(spec_of(f"hf:{copy}")).generate([ask("a")]))

    def test_a_models_own_code_runs_only_if_it_is_named(self, copy: Path, spec_of: SpecOf, ask: Ask) -> None:
        """True for all is no answer; the hint shows how to name one."""
        config = json.loads((copy / "config.json").read_text(encoding="utf-8"))
        config |= {"model_type": "own", "auto_map": {"AutoConfig": "own.OwnConfig", "AutoModelForCausalLM": "own.Own"}}
        (copy / "config.json").write_text(json.dumps(config), encoding="utf-8")
        (copy / "own.py").write_text("raise SystemExit('it ran')", encoding="utf-8")
        with pytest.raises(HarnessError, match="cannot be loaded") as caught:
            list(open_local(spec_of(f"hf:{copy}")).generate([ask("a")]))
        assert f'trust_remote_code = ["hf:{copy}"]' in str(caught.value.hint)
        with pytest.raises(UsageError, match="not a list of model names"):
            open_local(spec_of(f"hf:{copy}", settings={"trust_remote_code": True}))
        with pytest.raises(SystemExit, match="it ran"):
            list(open_local(spec_of(f"hf:{copy}", settings={"trust_remote_code": [f"hf:{copy}"]})).generate([ask("a")]))

    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({"dtype": "float31"}, "No dtype named 'float31'"),
            ({"quantization": "nf5"}, "No quantization named 'nf5'"),
            ({"settings": {"max_batch_row": 3}}, "No setting of .* named 'max_batch_row'"),
            ({"settings": {"max_batch_rows": 0}}, "max_batch_rows = 0 is not a positive whole number"),
            ({"settings": {"max_batch_tokens": "many"}}, "not a positive whole number"),
        ],
    )
    def test_unknown_choices(self, tiny: Path, spec_of: SpecOf, fields: dict[str, Any], message: str) -> None:
        """A misspelt option is a usage error."""
        with pytest.raises(UsageError, match=message):
            open_local(spec_of(f"hf:{tiny}", **fields))

    def test_a_spec_without_target(self, spec_of: SpecOf) -> None:
        """It says what to write."""
        with pytest.raises(UsageError, match="names nothing after the colon"):
            open_local(spec_of("adapter"))

    def test_weights_quantised_in_another_way_than_asked_for(self, copy: Path, spec_of: SpecOf) -> None:
        """nf4 on disk cannot become unquantised."""
        config = json.loads((copy / "config.json").read_text(encoding="utf-8"))
        config["quantization_config"] = {
            "load_in_4bit": True,
            "bnb_4bit_quant_type": "nf4",
            "quant_method": "bitsandbytes",
        }
        (copy / "config.json").write_text(json.dumps(config), encoding="utf-8")
        with pytest.raises(HarnessError, match="stored as nf4; --quantization none cannot be had"):
            open_local(spec_of(f"hf:{copy}", quantization="none"))
        assert "nf4" in open_local(spec_of(f"hf:{copy}")).fingerprint


@pytest.mark.parametrize("name", ["a@b", "a@b/c", "x/a@b"])
@pytest.mark.parametrize("prefix", ["", "hf:", "./", "hf:./"])
def test_a_folder_whose_path_holds_an_at_sign_has_no_revision(workplace: Path, name: str, prefix: str) -> None:
    """Wherever it is named: as a target, or behind --base with its prefix."""
    Path(name).mkdir(parents=True)
    assert (f"{prefix}{name}", None) == split_revision(f"{prefix}{name}")
    assert (f"{prefix}{name}", "v1") == split_revision(f"{prefix}{name}@v1")
    assert ("org/model", "refs/pr/1") == split_revision("org/model@refs/pr/1")


@pytest.mark.parametrize(
    ("text", "sentence", "hint"),
    [
        ("adapter:my_adaptr", "my_adaptr: no such adapter folder.", "Did you mean adapter:my_adapter?"),
        ("adapter:./my_adaptr", "./my_adaptr: no such adapter folder.", "Did you mean adapter:my_adapter?"),
        ("adapter:.\\my_adapter", "no such adapter folder.", "Did you mean adapter:./my_adapter?"),
        ("hf:./my_adaptr", "./my_adaptr: no such model folder.", "Did you mean hf:my_adapter?"),
        ("gguf:my.guff", "my.guff: no such GGUF file.", "Did you mean gguf:my.gguf?"),
        ("adapter:nothing_like_it", "nothing_like_it: no such adapter folder.", "Give the folder that holds "),
    ],
)
def test_a_path_that_leads_nowhere_is_told_the_nearest(
    workplace: Path, spec_of: Callable[..., ModelSpec], text: str, sentence: str, hint: str | None
) -> None:
    """With the backend before it, as it is typed."""
    Path("my_adapter").mkdir()
    Path("my.gguf").write_text("GGUF")
    with pytest.raises(InputError) as refused:
        open_local(spec_of(text))
    assert sentence in refused.value.message
    assert str(refused.value.hint).startswith(str(hint))
