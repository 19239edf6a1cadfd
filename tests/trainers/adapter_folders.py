"""Adapter folders as a training leaves them, written by hand: no weights that anything could load."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.templates import load_template
from harness.templates.contract import CONTRACT, contract_text, make_contract
from harness.templates.template import Template, parse_template
from harness.types import PromptContract, RenderedPrompt
from trainers.adapter.training_record import (
    CHAT_TEMPLATE,
    LOG,
    RECORD,
    DataFile,
    TrainingOutcome,
    TrainingRecord,
    record_text,
)

LOGGED = [
    *({"step": step, "loss": 3.0 - step / 4, "learning_rate": 2e-4, "tokens": 900 * step, "tokens_per_second": 95.0,
       "memory_gib": None, "seconds": 29.0 * step} for step in range(1, 7)),
    {"step": 0, "heldout_loss": 3.1},
    {"step": 6, "heldout_loss": 2.2},
]  # fmt: skip


def characters(prompt: RenderedPrompt) -> list[tuple[int, str]]:
    """A tokenizer with a token for each character, and BOS with the id 1."""
    bos = [(1, "<s>")] if prompt.bos == "once" else []
    return [*bos, *((ord(mark), mark) for mark in prompt.text)]


def contract_of(template: Template | None = None) -> PromptContract:
    """Return the contract of a training with a template, course.v1 by default."""
    return make_contract(
        template or load_template("course.v1"),
        tokens=characters,
        answer_tokens=lambda _, answer: [*((ord(mark), mark) for mark in answer), (2, "</s>")],
    )


def own_contract(text: str, folder: Path, name: str = "own.j2") -> PromptContract:
    """Return the contract of a training with somebody's own template."""
    return contract_of(parse_template(text, name=name, kind="tasks", path=folder / name))


def record_of(**changes: Any) -> TrainingRecord:
    """Return the record of a small finished training, with some of its entries changed."""
    made = load_template("course.v1")
    record = TrainingRecord(
        base="llm-jp/llm-jp-3-13b",
        base_revision="9f2c" * 10,
        base_digest="9f2c" * 10,
        recipe_name="course-unsloth",
        recipe={
            "summary": "The course's settings.",
            "learning_rate": 1e-4,
            "lora_r": 32,
            "target_modules": ["q_proj", "v_proj"],
            "data_license": None,
        },
        changed=("learning_rate",),
        sources={"lora_r": "the course's unsloth template", "learning_rate": "the course's unsloth template"},
        prompt="course.v1",
        prompt_sha256=made.sha256,
        data=(
            DataFile(name="ichikara.json", sha256="ab" * 32, rows=1200, bad=3, refused=2),
            DataFile(name="more.jsonl", sha256="cd" * 32, rows=40),
        ),
        samples=1135,
        heldout=100,
        truncated=7,
        quantization="nf4",
        dtype="bfloat16",
        device="NVIDIA H200",
        versions={"python": "3.11.7", "trl": "1.16.0"},
        command="harness train --recipe course-unsloth --data ichikara.json more.jsonl --set learning_rate=1e-4",
        outcome=TrainingOutcome(
            steps=142,
            tokens=412_345,
            seconds=754.2,
            first_loss=2.75,
            last_loss=1.5,
            heldout_loss_before=3.1,
            heldout_loss=2.2,
            peak_gib=11.24,
            planned_gib=11.61,
        ),
    )
    return replace(record, **changes)


def write_folder(folder: Path, record: TrainingRecord | None = None, *, weights: bytes = b"weights") -> Path:
    """Write an adapter's folder without card and picture, with checkpoints and somebody's notes in it."""
    (folder / "checkpoints" / "checkpoint-6").mkdir(parents=True)
    config = {"peft_type": "LORA", "base_model_name_or_path": (record or record_of()).base, "r": 32}
    (folder / "adapter_config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "adapter_model.safetensors").write_bytes(weights)
    (folder / CONTRACT).write_text(contract_text(contract_of()), encoding="utf-8")
    (folder / CHAT_TEMPLATE).write_text("{{ messages }}", encoding="utf-8")
    (folder / RECORD).write_text(record_text(record or record_of()), encoding="utf-8")
    (folder / LOG).write_text("".join(json.dumps(row) + "\n" for row in LOGGED), encoding="utf-8")
    (folder / "checkpoints" / "checkpoint-6" / "optimizer.pt").write_bytes(b"optimizer")
    (folder / "checkpoints" / "README.md").write_text("not the card", encoding="utf-8")
    (folder / "notes.txt").write_text("mine", encoding="utf-8")
    return folder
