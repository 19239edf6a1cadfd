"""``harness merge`` as a user types it."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("trl")


def test_a_merged_adapter_is_evaluated_as_a_model(
    run_cli: Callable[..., object], tiny: Path, make_adapter: Callable[..., Path], tmp_path: Path
) -> None:
    """Merging prints the folder and the bound; the folder is a model like any other, and answers as the adapter."""
    adapter = make_adapter(tiny, scale=0.2)
    merged = run_cli("merge", str(adapter), "--output", "merged", "--dtype", "float32")
    assert 0 == merged.code, merged.err
    assert merged.out.startswith("merged: logits differ from the adapter's by ")
    assert "(bound 0.001;" in merged.out
    assert "harness eval --model hf:merged" in merged.err
    command = ("eval", "--model", "hf:merged", "--model", f"adapter:{adapter}", "--base", str(tiny), "--limit", "3")
    ran = run_cli(
        *command,
        "--task",
        "bundled:ja-mini",
        "--judge",
        "rules",
        "--max-new-tokens",
        "8",
        "--dtype",
        "float32",
        "--run",
        "both",
        "--max-unscored",
        "6",
    )
    assert 0 == ran.code, ran.err
    assert 0 == run_cli("export", "both", "--output", "both.csv").code
    with Path("both.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    answers = {
        model: [row["answer"] for row in rows if row["model"] == model] for model in {row["model"] for row in rows}
    }
    assert answers["hf:merged"] == answers[f"adapter:{adapter}"]
    assert 3 == len(answers["hf:merged"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "no such adapter folder"),
        (["ADAPTER", "--gguf", "Q4_K_M", "--llama-cpp", "nowhere"], "llama.cpp's convert_hf_to_gguf.py"),
        (["ADAPTER", "--gguf", "Q99"], "is no quantisation"),
        (["ADAPTER", "--llama-cpp", "."], "--llama-cpp says what writes a GGUF file"),
    ],
)
def test_what_cannot_be_done_is_told_before_anything_is(
    arguments: list[str],
    message: str,
    run_cli: Callable[..., object],
    tiny: Path,
    make_adapter: Callable[..., Path],
) -> None:
    """In a sentence, and no folder is made."""
    adapter = str(make_adapter(tiny))
    ran = run_cli("merge", *(adapter if part == "ADAPTER" else part for part in arguments), "--output", "merged")
    assert ran.code in {1, 2}
    assert message in ran.err
    assert not Path("merged").exists()
