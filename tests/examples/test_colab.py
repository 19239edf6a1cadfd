"""The notebooks of examples/, every cell, with small models and stand-ins for what Colab brings.

What is not tried here, and said in the notebooks: Colab itself, a real Drive, a real key, a GPU.
"""

import io
import json
import os
import re
import shutil
import sys
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from harness.testing import gemini, serve
from tests.conftest import ROOT

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

NOTEBOOKS = {language: ROOT / "examples" / f"colab_{language}.ipynb" for language in ("en", "ja")}
AGAIN = ("!harness doctor", '"--dry-run"', '"compare"', '"export"')  # what two notebooks need not do twice
COLAB = '''
import os, pathlib, shutil

class SecretNotFoundError(Exception):
    """As google.colab.userdata raises it."""

class userdata:
    @staticmethod
    def get(name):
        if not os.environ.get("STAND_IN_KEY"):
            raise SecretNotFoundError(name)
        return os.environ["STAND_IN_KEY"]

class drive:
    @staticmethod
    def mount(place):
        pathlib.Path(place).parent.mkdir(parents=True, exist_ok=True)
        os.symlink(os.environ["STAND_IN_DRIVE"], place)

    @staticmethod
    def flush_and_unmount():
        pathlib.Path(os.environ["STAND_IN_DRIVE"], "flushed").touch()

class files:
    @staticmethod
    def upload():
        path = pathlib.Path(os.environ["STAND_IN_UPLOAD"])
        return {path.name: path.read_bytes()}

    @staticmethod
    def download(path):
        shutil.copy(path, os.environ["STAND_IN_DOWNLOADS"])
'''


@pytest.fixture
def colab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a Drive and downloads, and `google.colab` and `harness` where a kernel finds them."""
    for name in ("drive", "downloads", "tools", "site"):
        (tmp_path / name).mkdir()
    (tmp_path / "site" / "google_colab_stand_in.py").write_text(COLAB, encoding="utf-8")
    # google is a namespace package that google-genai lives in: the stand-in is put into it when the kernel starts.
    (tmp_path / "site" / "sitecustomize.py").write_text(
        "import importlib.util, sys\n"
        "import google_colab_stand_in\n"
        "sys.modules['google.colab'] = google_colab_stand_in\n"
        "if importlib.util.find_spec('google') is None:\n    sys.modules['google'] = type(sys)('google')\n",
        encoding="utf-8",
    )
    tool = tmp_path / "tools" / "harness"
    tool.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "from harness.cli.main import main; main()" "$@"\n')
    tool.chmod(0o755)
    for name in ("HARNESS_STORE", "HARNESS_STORE_MIRROR", "GEMINI_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", f"{tool.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'site'}:{ROOT}")
    monkeypatch.setenv("STAND_IN_DRIVE", str(tmp_path / "drive"))
    monkeypatch.setenv("STAND_IN_DOWNLOADS", str(tmp_path / "downloads"))
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    return tmp_path


def run_notebook(
    language: str, folder: Path, settings: str = "", *, without: Collection[str] = (), **parameters: object
) -> str:
    """Execute a notebook on a new machine, with other parameters, and return what its cells printed.

    Lines that hold a text of ``without`` are left out: they were run before, and each takes seconds.
    """
    book = nbformat.read(NOTEBOOKS[language], as_version=4)
    for cell in book.cells:
        cell.source = "\n".join(line for line in cell.source.splitlines() if not any(text in line for text in without))
    place = next(i for i, cell in enumerate(book.cells) if "parameters" in cell.metadata.get("tags", []))
    given = "\n".join(f"{name} = {value!r}" for name, value in parameters.items())
    book.cells.insert(place + 1, nbformat.v4.new_code_cell(given))
    (folder / "ja-harness-work").mkdir(parents=True)
    if settings:
        (folder / "ja-harness-work" / "harness.toml").write_text(settings, encoding="utf-8")
    client = nbclient.NotebookClient(
        book, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    client.execute()
    outputs = [output for cell in book.cells if cell.cell_type == "code" for output in cell.outputs]
    return "".join(output.get("text", "") for output in outputs)


def zipped(folder: Path, target: Path) -> Path:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for path in folder.iterdir():
            archive.write(path, f"{folder.name}/{path.name}")
    target.write_bytes(data.getvalue())
    return target


def test_an_uploaded_adapter_is_judged_and_a_lost_machine_costs_nothing(
    colab: Path, embedded: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Japanese notebook on the embedded model, with a judge model's server; then once more on a new machine."""
    pytest.importorskip("google.genai")
    adapter = gemma_adapter(colab / "my-adapter", embedded)
    monkeypatch.setenv("STAND_IN_UPLOAD", str(zipped(adapter, colab / "my-adapter.zip")))
    monkeypatch.setenv("STAND_IN_KEY", "key-of-a-secret")
    small = {"LIMIT": 2, "MAX_NEW_TOKENS": 4, "BASE": embedded}
    with serve(lambda _: gemini.reply('{"reason": "よい", "score": 4}')) as server:
        settings = f'[judges.gemini]\nbase_url = "{server.url}"\n'
        said = run_notebook("ja", colab / "first", settings, **small)
        asked = len(server.calls)
        shutil.rmtree(colab / "first")
        again = run_notebook("ja", colab / "second", settings, without=AGAIN, **small)
        assert 8 == asked == len(server.calls), "what the first machine had judged was asked again"
    assert re.search("回答4件を生成.*8件を新たに判定", said), said[-2000:]  # two verdicts on each: see --judge-repeats
    assert re.search("回答0件を生成.*0件を新たに判定", again), again[-2000:]
    assert "key-of-a-secret" not in said
    kept = {path.relative_to(colab / "drive").as_posix() for path in (colab / "drive").rglob("*") if path.is_file()}
    assert {"MyDrive/ja-harness/store/store.sqlite", "MyDrive/ja-harness/colab.zip", "flushed"} <= kept
    assert "<html" in (colab / "downloads" / "report.html").read_text(encoding="utf-8")


def test_an_adapter_is_trained_and_its_submission_taken(
    colab: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The English notebook on a tiny Llama, without a key: trained here, a hundred tasks, a checked submission."""
    monkeypatch.delenv("STAND_IN_KEY", raising=False)
    rows = [{"text": f"{n}の次の数は何ですか。", "output": f"{n + 1}です。"} for n in range(8)]
    (colab / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    recipe = 'summary = "One step."\nmax_steps = 1\nwarmup_steps = 0\n'
    (colab / "small.toml").write_text(recipe, encoding="utf-8")
    tasks = [{"task_id": n, "input": f"{n}番の質問"} for n in range(100)]
    (colab / "tv.jsonl").write_text("".join(json.dumps(row) + "\n" for row in tasks), encoding="utf-8")
    said = run_notebook(
        "en",
        colab / "machine",
        without=AGAIN[:2],
        BASE=str(tiny),
        TRAIN_ON=str(colab / "pairs.jsonl"),
        RECIPE=str(colab / "small.toml"),
        TASKS=f"elyza-tasks-100-tv={colab / 'tv.jsonl'}",
        MAX_NEW_TOKENS=2,
    )
    assert "SecretNotFoundError" in said
    assert "100 answers, ready to hand in" in said
    assert 100 == len((colab / "downloads" / "submission.jsonl").read_text(encoding="utf-8").splitlines())
    assert (colab / "drive/MyDrive/ja-harness/adapters/colab/adapter_model.safetensors").exists()


def test_both_languages_do_the_same() -> None:
    """The same cells in the same order; only what is said differs. No outputs are kept."""
    books = {language: nbformat.read(path, as_version=4) for language, path in NOTEBOOKS.items()}
    assert [cell.cell_type for cell in books["en"].cells] == [cell.cell_type for cell in books["ja"].cells]
    for english, japanese in zip(books["en"].cells, books["ja"].cells, strict=True):
        nbformat.validate(books["en"])
        if english.cell_type == "code":
            assert [] == english.outputs == japanese.outputs
            assert code_of(english.source) == code_of(japanese.source)


def code_of(source: str) -> str:
    """Return a cell without its texts, its remarks and its line breaks."""
    lines = (re.sub(r'"[^"]*"', "", re.sub(r"# .*$", "", line)) for line in source.splitlines())
    return re.sub(r"[\s,]", "", "".join(lines))


def gemma_adapter(folder: Path, base: str) -> Path:
    """Write a LoRA of one layer of the embedded model with random weights, without loading the model."""
    numpy: Any = pytest.importorskip("safetensors.numpy")
    import numpy as np

    rng = np.random.default_rng(0)
    name = "base_model.model.model.layers.0.self_attn.q_proj.lora_{}.weight"
    weights = {"A": rng.standard_normal((4, 640)), "B": 0.3 * rng.standard_normal((1024, 4))}
    folder.mkdir()
    numpy.save_file(
        {name.format(part): w.astype(np.float32) for part, w in weights.items()}, folder / "adapter_model.safetensors"
    )
    config = {
        "peft_type": "LORA", "task_type": "CAUSAL_LM", "r": 4, "lora_alpha": 8, "target_modules": ["q_proj"],
        "layers_to_transform": [0], "base_model_name_or_path": base,
    }  # fmt: skip
    (folder / "adapter_config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder
