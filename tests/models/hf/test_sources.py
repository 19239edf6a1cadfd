"""Finding weights: folders, GGUF files, the Hub (a loopback stand-in) and what is refused."""

import hashlib
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from harness.errors import HarnessError, InputError, MissingExtraError, UnknownNameError, UsageError
from harness.models.hf import BASE_MODELS, hub, open_local
from harness.models.hf import embedded as embedded_module
from harness.models.hf.cache import build_once, cache_folder
from harness.models.hf.sources import local_folder, resolve, split_revision
from harness.types import ModelSpec, Request

Ask = Callable[..., Request]
SpecOf = Callable[..., ModelSpec]


@pytest.fixture
def copy(tiny: Path, tmp_path: Path) -> Path:
    """A copy of the tiny model that a test may change."""
    return Path(shutil.copytree(tiny, tmp_path / "copy"))


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


class TestGguf:
    """GGUF files."""

    def test_what_is_no_gguf_file(self, tmp_path: Path) -> None:
        """Missing, or something else."""
        with pytest.raises(InputError, match="no such GGUF file"):
            resolve(f"gguf:{tmp_path / 'none.gguf'}")
        (tmp_path / "x.gguf").write_bytes(b"PK\3\4")
        with pytest.raises(InputError, match="does not begin with 'GGUF'"):
            resolve(f"gguf:{tmp_path / 'x.gguf'}")

    def test_a_broken_one(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec_of: SpecOf, ask: Ask) -> None:
        """What the reader says is passed on, and no folder is left behind."""
        monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
        (tmp_path / "x.gguf").write_bytes(b"GGUF" + b"\0" * 200)
        with pytest.raises(InputError, match="not a GGUF model that transformers can read"):
            list(open_local(spec_of(f"gguf:{tmp_path / 'x.gguf'}")).generate([ask("a")]))
        assert [] == list((tmp_path / "cache" / "models").iterdir())


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
        assert "ja-harness[demo]" in str(caught.value.hint)

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
        cached = local_folder(resolve(embedded))  # converting it takes a minute: once is enough for all tests
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

    @pytest.mark.slow
    def test_the_values_are_those_of_the_file(self, embedded: str, tmp_path: Path) -> None:
        """A matrix of the converted model equals what the gguf package makes of the quantised one."""
        gguf = pytest.importorskip("gguf", reason="the extra [demo] is not installed")
        folder, model = local_folder(resolve(embedded)), embedded_module.embedded_model("gemma-3-270m")
        file = tmp_path / "whole.gguf"
        embedded_module.assemble(embedded_module.installed_parts(model), file, model.sha256)
        quantised = {tensor.name: tensor for tensor in gguf.GGUFReader(file).tensors}
        with safe_open(folder / "model.safetensors", framework="np") as converted:
            for ours, theirs in (
                ("model.layers.0.self_attn.q_proj.weight", "blk.0.attn_q.weight"),
                ("model.layers.17.mlp.down_proj.weight", "blk.17.ffn_down.weight"),
            ):
                source = quantised[theirs]
                expected = gguf.dequantize(source.data, source.tensor_type)
                np.testing.assert_array_equal(expected, converted.get_tensor(ours))


class TestCache:
    """Folders that are built once."""

    def test_a_failed_build_leaves_nothing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nor does one that was killed, once the next begins."""
        monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))

        def fail(folder: Path) -> None:
            (folder / "half").write_text("x", encoding="utf-8")
            raise ValueError("no")

        with pytest.raises(ValueError, match="no"):
            build_once("thing", fail)
        abandoned = tmp_path / "models" / ".thing.99999999"
        abandoned.mkdir()
        built = build_once("thing", lambda folder: (folder / "whole").touch())
        assert ["whole"] == [file.name for file in built.iterdir()]
        assert [built] == list((tmp_path / "models").iterdir())

    def test_the_faster_of_two_wins(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The slower one uses its folder."""
        monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))

        def overtaken(folder: Path) -> None:
            (folder / "mine").touch()
            other = tmp_path / "models" / "thing"
            other.mkdir()
            (other / "theirs").touch()

        assert ["theirs"] == [file.name for file in build_once("thing", overtaken).iterdir()]

    def test_a_folder_that_cannot_be_written(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The variable that helps is named."""
        (tmp_path / "file").touch()
        monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "file"))
        with pytest.raises(HarnessError, match="cannot be written") as caught:
            build_once("thing", lambda folder: None)
        assert "HARNESS_CACHE" in str(caught.value.hint)

    def test_the_platforms_own_folder_is_the_default(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """XDG on Linux."""
        monkeypatch.delenv("HARNESS_CACHE", raising=False)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        assert tmp_path / "ja-harness" == cache_folder()


class FakeHub(BaseHTTPRequestHandler):
    """Answers what the Hub answers for one model of one commit, from a folder."""

    folder: Path
    commit = "9f2c" + "0" * 36

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        path = self.path.partition("?")[0]
        if path.startswith(("/api/models/org/tiny/tree/",)):
            rows = [
                {"type": "file", "path": file.name, "size": file.stat().st_size, "oid": _oid(file)}
                for file in sorted(self.folder.iterdir())
            ]
            self._send(200, json.dumps(rows).encode(), body)
        elif path == "/api/models/org/tiny" or path.startswith("/api/models/org/tiny/revision/"):
            revision = path.rpartition("/")[2]
            if "/revision/" in path and revision not in {"main", "v1", self.commit}:
                self._send(404, b"{}", body, {"X-Error-Code": "RevisionNotFound"})
                return
            info = {
                "id": "org/tiny",
                "modelId": "org/tiny",
                "sha": self.commit,
                "siblings": [{"rfilename": file.name} for file in sorted(self.folder.iterdir())],
            }
            self._send(200, json.dumps(info).encode(), body)
        elif path.startswith("/api/models/org/gated"):
            self._send(403, b"{}", body, {"X-Error-Code": "GatedRepo"})
        elif path.startswith("/org/tiny/resolve/"):
            file = self.folder / path.rpartition("/")[2]
            if not file.is_file():
                self._send(404, b"", body, {"X-Error-Code": "EntryNotFound"})
                return
            self._send(200, file.read_bytes(), body, {"X-Repo-Commit": self.commit, "ETag": f'"{_oid(file)}"'})
        else:
            self._send(404, b"{}", body, {"X-Error-Code": "RepoNotFound"})

    def _send(self, status: int, content: bytes, body: bool, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body:
            self.wfile.write(content)


def _oid(file: Path) -> str:
    """Return what the Hub names a file by: large ones by their sha256."""
    kind = hashlib.sha256 if file.suffix == ".safetensors" else hashlib.sha1
    return kind(file.read_bytes()).hexdigest()


class TestHub:
    """The Hub, played by a server in this process."""

    @pytest.fixture
    def served(self, copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
        """Serve a folder as org/tiny, with an empty cache."""
        handler = type("Handler", (FakeHub,), {"folder": copy})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self._point(monkeypatch, f"http://127.0.0.1:{server.server_port}", tmp_path / "hub")
        yield copy
        server.shutdown()

    def _point(self, monkeypatch: pytest.MonkeyPatch, endpoint: str, cache: Path) -> None:
        from huggingface_hub import HfApi

        monkeypatch.setattr(hub, "HfApi", lambda: HfApi(endpoint=endpoint, token=False))
        download = hub.snapshot_download
        monkeypatch.setattr(
            hub, "snapshot_download", lambda name, **more: download(name, endpoint=endpoint, cache_dir=cache, **more)
        )
        find = hub.try_to_load_from_cache
        monkeypatch.setattr(
            hub, "try_to_load_from_cache", lambda name, file, **more: find(name, file, cache_dir=cache, **more)
        )

    def test_a_model_is_identified_by_its_commit_and_loaded(self, served: Path, spec_of: SpecOf, ask: Ask) -> None:
        """Of the weights, nothing is fetched before they are needed."""
        model = open_local(spec_of("hf:org/tiny@v1"))
        assert f"base={FakeHub.commit[:16]}" in model.fingerprint
        (answer,) = model.generate([ask("はい")])
        assert 12 == answer.tokens_out

    def test_a_local_copy_that_is_not_what_its_name_says_is_refused(
        self, served: Path, spec_of: SpecOf, ask: Ask
    ) -> None:
        """Whatever a disk or a hand made of it; the hint says what to delete."""
        blob = (local_folder(resolve("org/tiny")) / "model.safetensors").resolve()
        assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name
        content = bytearray(blob.read_bytes())
        content[-5] ^= 1
        blob.write_bytes(content)
        BASE_MODELS.clear()
        with pytest.raises(InputError, match="the local copy is not what the Hub has") as caught:
            list(open_local(spec_of("hf:org/tiny")).generate([ask("a")]))
        assert str(blob) in str(caught.value.hint)

    def test_what_the_hub_refuses(self, served: Path) -> None:
        """No such model, no such revision, gated, pickles only."""
        with pytest.raises(HarnessError, match="Neither a folder here nor the Hub has 'org/none'"):
            resolve("org/none")
        with pytest.raises(HarnessError, match="no revision 'v9' of 'org/tiny'"):
            resolve("org/tiny", "v9")
        with pytest.raises(HarnessError, match="'org/gated': it is gated"):
            resolve("org/gated")
        (served / "model.safetensors").rename(served / "pytorch_model.bin")
        with pytest.raises(InputError, match="no weights as safetensors"):
            resolve("org/tiny")

    def test_without_a_network_the_local_copy_counts(
        self, served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """And without a copy, the message says what to do."""
        source = resolve("org/tiny")
        local_folder(source)
        monkeypatch.undo()
        self._point(monkeypatch, "http://127.0.0.1:9", tmp_path / "hub")
        assert source == resolve("org/tiny", source.commit)
        with pytest.raises(HarnessError, match="cannot be reached for 'org/other'") as caught:
            resolve("org/other")
        assert "give its folder" in str(caught.value.hint)


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
        ("adapter:nothing_like_it", "nothing_like_it: no such adapter folder.", None),
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
    assert hint == refused.value.hint
