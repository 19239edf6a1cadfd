"""Trainings of a tiny random Llama on a few made-up pairs, in this process or in one of their own."""

import importlib.util
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

if any(importlib.util.find_spec(name) is None for name in ("torch", "trl", "peft", "datasets")):
    collect_ignore_glob = ["test_*.py"]  # the extra [train] is not installed

WORDS = ["猫", "東京", "hello", "静か", "です", "fox", "日本", "回答", "速い", "the"]
SETTINGS: dict[str, Any] = {
    "max_length": 128,
    "quantization": "none",
    "lora_r": 4,
    "lora_alpha": 8,
    "learning_rate": 1e-2,
    "per_device_train_batch_size": 2,
    "gradient_accumulation_steps": 2,
    "logging_steps": 1,
    "save_steps": 2,
    "seed": 7,
}


def write_pairs(path: Path, count: int) -> Path:
    """Write instructions and answers of unlike lengths, in Ichikara's format."""
    rows = [
        {
            "text": f"{WORDS[number % 10]}{number}とは？" + "あ" * (number % 5),
            "output": "".join(WORDS[(number * step) % 10] for step in range(2, 4 + number % 4)),
        }
        for number in range(count)
    ]
    path.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    return path


@dataclass
class Workbench:
    """Prepares and runs trainings on one base and one file; keyword arguments change the recipe."""

    base: Path
    data: Path
    said: list[str] = field(default_factory=list)

    def prepare(self, *, dtype: str = "float32", **changes: Any) -> Any:
        from trainers.prepare import TrainingRequest, prepare
        from trainers.recipe import NamedRecipe, Recipe

        request = TrainingRequest(
            recipe=NamedRecipe(name="tiny", values=Recipe(**SETTINGS | changes)),
            data=(str(self.data),),
            base=str(self.base),
            columns={},
            against={},
            dtype=dtype,
            settings={},
        )
        return prepare(request, self.said.append)

    def train(
        self, folder: Path, *, resume: bool = False, tokens: int | None = None, dtype: str = "float32", **changes: Any
    ) -> Any:
        from dataclasses import replace

        from trainers.training import session

        prepared = self.prepare(dtype=dtype, **changes)
        plan = prepared.plan()
        if tokens is not None:
            plan = replace(plan, tokens=tokens)
        return session.train(prepared, folder, plan, resume=resume, say=self.said.append)

    def trainer(
        self, folder: Path, *, tokens: int | None = None, recomputed: int = 0, dtype: str = "float32", **changes: Any
    ) -> Any:
        """Return a trainer that is ready for its first step."""
        from dataclasses import replace

        from trainers.training import session

        prepared = self.prepare(dtype=dtype, **changes)
        plan = replace(prepared.plan(), recomputed=recomputed)
        if tokens is not None:
            plan = replace(plan, tokens=tokens)
        with session._quiet():
            return session._trainer(prepared, plan, folder, self.said.append)[0]

    def command(self, folder: Path, *extra: str, **changes: Any) -> list[str]:
        """Return the command line of the same training."""
        recipe = folder.parent / "tiny.toml"
        settings = SETTINGS | changes
        recipe.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items()))
        return [
            *("train", "--recipe", str(recipe), "--data", str(self.data), "--base", str(self.base)),
            *("--dtype", "float32", "--output", str(folder), *extra),
        ]


@pytest.fixture
def bench(tiny: Path, tmp_path: Path) -> Workbench:
    """A workbench with the tiny Llama and fourteen pairs: steps of 4, 4, 4 and 2 samples."""
    return Workbench(tiny, write_pairs(tmp_path / "pairs.json", 14))


def weights(folder: Path) -> dict[str, Any]:
    """Return an adapter's tensors."""
    from safetensors.torch import load_file

    return load_file(folder / "adapter_model.safetensors")


def losses(folder: Path) -> list[tuple[int, float]]:
    """Return the steps and losses of a log."""
    return [(row["step"], row["loss"]) for row in rows(folder) if "loss" in row]


def rows(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of a log."""
    return [json.loads(line) for line in (folder / "trainer_log.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture(autouse=True)
def _on_the_cpu(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all but the tests for a GPU see none."""
    import torch

    if request.path.name != "test_gpu.py":
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> Iterator[None]:
    """Let no two threads wait for each other over matrices this small."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
