"""A folder whose weights were never read is refused by its config.json alone, in both languages."""

import json
import shutil
from pathlib import Path

import pytest

from harness.errors import OutOfMemoryError
from harness.models.hf import BASE_MODELS, digests, unread
from harness.models.hf.memory import GIB
from harness.models.hf.open_model import open_local
from harness.models.hf.unread import refuse_unread
from harness.types import ModelSpec
from tests.conftest import RunCli

_SHAPE = {  # llm-jp/llm-jp-3-13b
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 5120, "num_hidden_layers": 40,
    "num_attention_heads": 40, "num_key_value_heads": 40, "intermediate_size": 13824, "vocab_size": 99584,
    "max_position_embeddings": 4096, "tie_word_embeddings": False, "torch_dtype": "bfloat16",
}  # fmt: skip
_PARTS, _BYTES = 6, 27_415_000_000


@pytest.fixture(autouse=True)
def nothing_in_memory() -> None:
    """Bases of tests before this one would have to make way first."""
    BASE_MODELS.clear()


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A checkpoint of 13.7 B weights in six files, as the file system sees it: nothing but headers lies on the disk."""
    folder = tmp_path / "large"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(_SHAPE), encoding="utf-8")
    for part in range(_PARTS):
        size = _BYTES // _PARTS // 2 * 2
        tensors = {
            f"part{part}.{number}": {"dtype": "BF16", "shape": [size // 200], "data_offsets": [0, size // 100]}
            for number in range(100)
        }
        header = json.dumps(tensors).encode()
        with (folder / f"model-{part + 1:05}-of-{_PARTS:05}.safetensors").open("wb") as file:
            file.write(len(header).to_bytes(8, "little") + header)
            file.truncate(size)
    return folder


@pytest.fixture
def unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Taking a digest fails the test, and the machine has 12.7 GiB."""

    def refuse(*_: object) -> str:
        raise AssertionError("weights were read")

    monkeypatch.setattr(digests.hashlib, "file_digest", refuse)
    monkeypatch.setattr(unread, "available_bytes", lambda _: int(12.7 * GIB))


@pytest.mark.usefixtures("unreadable")
@pytest.mark.parametrize(
    ("language", "says", "remedy"),
    [
        ("en", "needs about 53.6 GiB as float32", "What would do"),
        ("ja", "float32 で約53.6 GiBのメモリーを使います", "これなら動きます"),
    ],
)
@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
def test_thirteen_billion_are_refused_before_they_are_read(
    run_cli: RunCli, large: Path, monkeypatch: pytest.MonkeyPatch, language: str, says: str, remedy: str, dry: list[str]
) -> None:
    """Exit 1 with both figures and what would do; also in a dry run. No run is begun."""
    monkeypatch.setenv("HARNESS_LANG", language)
    Path("tasks.jsonl").write_text('{"task_id": 0, "input": "問い"}\n', encoding="utf-8")
    ran = run_cli(
        "eval", "--task", "t=tasks.jsonl", "--model", f"hf:{large}", "--dtype", "float32", "--judge", "rules", *dry
    )
    assert 1 == ran.code
    assert says in ran.err
    assert "12.7 GiB" in ran.err
    assert remedy in ran.err
    assert not Path("runs").exists()


@pytest.mark.usefixtures("unreadable")
def test_training_on_it_is_refused_likewise(run_cli: RunCli, large: Path) -> None:
    """Before data are encoded."""
    rows = [json.dumps({"instruction": f"問い{n}", "output": f"答え{n}"}) for n in range(9)]
    Path("pairs.jsonl").write_text("\n".join(rows), encoding="utf-8")
    ran = run_cli("train", "--recipe", "cpu-demo", "--data", "pairs.jsonl", "--base", str(large), "--output", "out",
                  "--set", "quantization=none", "--set", "heldout=0", "--dtype", "float32")  # fmt: skip
    assert 1 == ran.code
    assert "needs about 53.6 GiB" in ran.err
    assert not Path("out").exists()


@pytest.mark.usefixtures("unreadable")
def test_an_adapter_on_it_is_refused_likewise(large: Path) -> None:
    """The base is what does not fit."""
    spec = ModelSpec(text="base", backend="base", label="base", base=str(large), dtype="float32")
    with pytest.raises(OutOfMemoryError, match="large needs about"):
        open_local(spec)


def test_what_was_read_before_is_left_alone(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All its answers may be stored; whether it fits is asked when it is to be loaded."""
    monkeypatch.setattr(unread, "available_bytes", lambda _: 1)
    monkeypatch.setattr(unread, "is_known", lambda _: False)
    with pytest.raises(OutOfMemoryError):
        refuse_unread(str(tiny), {}, quantization=None, dtype="float32")
    monkeypatch.setattr(unread, "is_known", lambda _: True)
    refuse_unread(str(tiny), {}, quantization=None, dtype="float32")


def test_the_rest_is_said_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: Path) -> None:
    """A Hub id, a folder without weights, a configuration that no file bears out: whoever reads them says it."""
    asked: list[object] = []
    monkeypatch.setattr(unread, "check_fits", lambda *what: asked.append(what))
    monkeypatch.setattr(unread, "is_known", lambda _: False)
    refuse_unread(str(tiny), {}, quantization=None, dtype="float32")
    assert 1 == len(asked)
    refuse_unread("org/model", {}, quantization=None, dtype="float32")
    refuse_unread(str(tmp_path), {}, quantization=None, dtype="float32")
    copy = Path(shutil.copytree(tiny, tmp_path / "copy"))
    config = copy / "config.json"
    for wrong in (1 << 30, "x"):
        config.write_text(json.dumps(json.loads(config.read_text()) | {"vocab_size": wrong}))
        refuse_unread(str(copy), {}, quantization=None, dtype="float32")
    assert 1 == len(asked)
