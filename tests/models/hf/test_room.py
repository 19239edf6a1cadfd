"""Room: rows in whole blocks as measured on an H100, and corrections that a machine remembers."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import LlamaConfig

from harness.models.hf.memory import GIB, Footprint, footprint
from harness.models.hf.numerics import Numerics
from harness.models.hf.room import Peak, Room

LLM_JP_13B = LlamaConfig(
    hidden_size=5120,
    intermediate_size=13824,
    num_hidden_layers=40,
    num_attention_heads=40,
    num_key_value_heads=40,
    vocab_size=99584,
    tie_word_embeddings=False,
)
SIZES = footprint(LLM_JP_13B)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache of its own, and a GPU with a name."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA H100 80GB HBM3")
    return tmp_path


def room(route: str = "dequantised", sizes: Footprint = SIZES, device: str = "cuda", **options: float) -> Room:
    """Return the room of the 13.7 B shape on a GPU."""
    dequantised = route == "dequantised"
    numerics = Numerics(
        device=device,
        dtype=torch.bfloat16,
        quantization="nf4",
        route="dequantised" if dequantised else "plain",
    )
    return Room(sizes=sizes, numerics=numerics, buffers=device == "cuda", **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rows", "prompt", "new", "taken"),
    [
        (50, 249, 160, 19.78), (50, 125, 160, 14.78), (100, 249, 160, 39.56), (18, 249, 96, 5.52),
        (18, 175, 96, 5.49), (28, 104, 96, 5.67), (29, 110, 96, 5.87), (9, 247, 64, 2.88), (15, 103, 64, 3.15),
    ],
)  # fmt: skip
def test_a_batch_is_planned_as_large_as_it_was_on_an_h100(rows: int, prompt: int, new: int, taken: float) -> None:
    """Peaks of base and adapter that torch counted (bench/gpu_scale.py, 2026-11-26): not below, and 15 % above."""
    planned = room("dequantised" if rows >= 50 else "plain").batch_bytes(rows, prompt, new) / GIB
    assert taken <= planned <= 1.15 * taken + 0.5, "half a GiB of it is there whatever the rows"


def test_without_buffers_a_row_grows_by_the_token() -> None:
    on_cpu = room(device="cpu", sizes=Footprint(linear=0, other=0, kv_elements=10, activations=0, vocabulary=0))
    assert on_cpu.row_bytes(0, 129) - on_cpu.row_bytes(0, 128) == 10 * 2
    on_gpu = replace(room(sizes=on_cpu.sizes), buffers=True)
    assert (on_gpu.row_bytes(0, 128), on_gpu.row_bytes(0, 129)) == (128 * 20, 256 * 20)
    assert (on_cpu.fixed, room().fixed) == (0, GIB // 4)
    assert room("plain").fixed == GIB // 4 + 2 * 2 * 5120 * 13824


def test_a_batch_that_took_more_than_planned_is_planned_larger_by_the_next_run(cache: Path) -> None:
    first = room()
    planned = first.batch_bytes(50, 249, 160)
    taken = first.fixed + int(1.3 * (planned - first.fixed))
    found = first.after(planned, taken)
    assert found.batch_bytes(50, 249, 160) == pytest.approx(taken, rel=1e-3)
    assert room().recalled().correction == pytest.approx(1.3, abs=1e-3)
    assert room("plain").recalled().correction == 1, "another route is another case"
    again = found.after(found.batch_bytes(50, 249, 160), taken)
    assert again.correction == pytest.approx(1.3, abs=1e-2), "what comes out as planned changes nothing"


def test_small_batches_and_those_that_took_less_tell_nothing(cache: Path) -> None:
    assert room().after(room().batch_bytes(1, 10, 10), 2 * GIB) == room()
    assert room().after(room().batch_bytes(50, 249, 160), GIB) == room()
    assert list(cache.iterdir()) == []


def test_a_batch_that_ran_out_of_memory_is_planned_larger_from_then_on() -> None:
    failed = room().after_failure()
    assert failed.correction == pytest.approx(1.15)
    assert room().recalled() == failed
    assert failed.after_failure().correction == pytest.approx(1.15**2)


def test_a_cpu_which_counts_no_peaks_remembers_nothing(cache: Path) -> None:
    assert room(device="cpu").after_failure() == room(device="cpu")
    assert Peak("cpu").taken == 0
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("damaged", ["", "[]", '{"correction": "x"}', '{"correction": 0.1}', '{"correction": 99}'])
def test_a_damaged_memory_is_as_good_as_none(cache: Path, damaged: str) -> None:
    room().after_failure()
    [entry] = (cache / "memory").iterdir()
    entry.write_text(damaged, encoding="utf-8")
    assert room().recalled() == room()
