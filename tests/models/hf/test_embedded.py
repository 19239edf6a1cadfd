"""The embedded model: answers, and what is said when its package is missing or damaged."""

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from harness.errors import HarnessError, UnknownNameError
from harness.installation import MissingExtraError
from harness.models.hf import embedded as embedded_module
from harness.models.hf import open_local
from harness.models.hf.digests import weights_digest
from harness.models.hf.gguf_reading import quick_reading
from harness.models.hf.sources import local_folder, resolve
from harness.types import ModelSpec, Request

Ask = Callable[..., Request]


SpecOf = Callable[..., ModelSpec]


class TestEmbedded:
    """The model that comes with pip."""

    def test_it_answers_in_japanese(self, embedded: str, spec_of: SpecOf, ask: Ask) -> None:
        """The capital of Japan, with the course prompt."""
        model = open_local(spec_of(embedded))
        (answer,) = model.generate([ask("### 指示\n日本の首都はどこですか？\n### 回答\n", new=8)])
        assert "東京" in str(answer.text)
        assert 16 == answer.tokens_in

    def test_an_unknown_name(self) -> None:
        """With the nearest one."""
        with pytest.raises(UnknownNameError) as caught:
            resolve("embedded:gemma-3-27m")
        assert "Did you mean 'gemma-3-270m'?" == caught.value.hint

    def test_a_missing_package(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The extra is named."""
        monkeypatch.setattr(embedded_module, "find_spec", lambda _: None)
        with pytest.raises(MissingExtraError) as caught:
            embedded_module.installed_parts(embedded_module.embedded_model("gemma-3-270m"))
        assert "[demo]" in str(caught.value.hint)

    def test_a_damaged_package(self, tmp_path: Path) -> None:
        """The sum of the assembled file decides."""
        parts = [tmp_path / "a", tmp_path / "b"]
        for part, content in zip(parts, (b"one", b"two"), strict=True):
            part.write_bytes(content)
        target = tmp_path / "whole"
        embedded_module.assemble(parts, target, hashlib.sha256(b"onetwo").hexdigest())
        assert b"onetwo" == target.read_bytes()
        with pytest.raises(HarnessError, match="a package is damaged") as caught:
            embedded_module.assemble(parts[::-1], target, hashlib.sha256(b"onetwo").hexdigest())
        assert "force-reinstall" in str(caught.value.hint)

    def test_it_is_converted_once_with_its_terms_named(
        self, embedded: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """The second call finds the folder, in which the GGUF file is no more."""
        cached = local_folder(resolve(embedded))  # converting it takes a while: once is enough for all tests
        monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
        monkeypatch.setattr(
            embedded_module,
            "convert",
            lambda file, folder: (
                shutil.copytree(cached, folder, copy_function=os.symlink, dirs_exist_ok=True) and file.stat()
            ),
        )
        folder = local_folder(resolve(embedded))
        assert "Gemma Terms of Use" in capsys.readouterr().err
        assert folder == local_folder(resolve(embedded))
        assert "" == capsys.readouterr().err
        assert {file.name for file in cached.iterdir()} == {file.name for file in folder.iterdir()}

    def test_it_is_what_it_was_before_files_were_read_quickly(self, embedded: str) -> None:
        """The sums are of the folder that transformers 5.23 wrote with the gguf package's own reader."""
        folder = local_folder(resolve(embedded))
        assert {
            "model.safetensors": "cf4e538230192cf987f7ff033d906fd151bbfef797688e662d8214ea3115bf04",
            "tokenizer.json": "3c01ed742c180439796d05b781d1cc02ce30801903444b53a73c57fe9d798a84",
        } == {name: weights_digest(folder / name) for name in ("model.safetensors", "tokenizer.json")}

    def test_the_values_are_those_of_the_file(self, embedded: str, tmp_path: Path) -> None:
        """A matrix of the converted model equals what the gguf package makes of the quantised one."""
        gguf = pytest.importorskip("gguf", reason="the extra [demo] is not installed")
        folder, model = local_folder(resolve(embedded)), embedded_module.embedded_model("gemma-3-270m")
        file = tmp_path / "whole.gguf"
        embedded_module.assemble(embedded_module.installed_parts(model), file, model.sha256)
        with quick_reading():
            quantised = {tensor.name: tensor for tensor in gguf.GGUFReader(file).tensors}
        with safe_open(folder / "model.safetensors", framework="np") as converted:
            for ours, theirs in (
                ("model.layers.0.self_attn.q_proj.weight", "blk.0.attn_q.weight"),
                ("model.layers.17.mlp.down_proj.weight", "blk.17.ffn_down.weight"),
            ):
                source = quantised[theirs]
                expected = gguf.dequantize(source.data, source.tensor_type)
                np.testing.assert_array_equal(expected, converted.get_tensor(ours))
