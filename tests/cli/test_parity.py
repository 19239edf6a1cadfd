"""`harness doctor --parity`: a table, JSON and an exit code, for an honest engine and for one that loses an adapter."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import RunCli

pytest.importorskip("torch")


@pytest.fixture(scope="module")
def base(make_tiny: Callable[..., Path]) -> Path:
    """A tiny Llama that takes long prompts."""
    return make_tiny("doctored", max_position_embeddings=4096)


@pytest.fixture
def doctor(
    run_cli: RunCli, base: Path, make_adapter: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, workplace: Path
) -> Callable[..., Any]:
    """Return a function that certifies base and adapter by a second engine; ``lost``: one that loses adapters."""
    from harness.cli import parity
    from tests.second_engine import Second

    adapter, plain = make_adapter(base), parity.open_model
    monkeypatch.setenv("HARNESS_CACHE", str(workplace / "cache"))

    def doctor(*more: str, lost: bool = False) -> Any:
        opened: dict[str, Any] = {}

        def open_second(spec: Any) -> Any:
            ((label, model),) = plain(spec).items()
            opened[label] = model
            return {label: Second(model, opened["base"] if lost else None)}

        monkeypatch.setattr(parity, "open_model", open_second)
        models = ("base", f"tuned=adapter:{adapter}")
        return run_cli("doctor", "--parity", *models, "--base", f"hf:{base}", "--dtype", "float32", *more)

    return doctor


def test_an_honest_engine_is_equal_in_a_table_and_in_both_languages(
    doctor: Callable[..., Any], workplace: Path
) -> None:
    """With figures and limits; what is equal is kept, so that a run need not measure it again."""
    ran = doctor()
    assert 0 == ran.code, ran.err
    (row,) = [line for line in ran.out.split("\n") if line.startswith("| tuned")]
    assert "| certified " in row
    assert "100 % (100–100)" in row
    assert "other 1.0 against transformers, 8 prompts" in ran.out
    assert 2 == len(list((workplace / "cache" / "parity").iterdir()))
    assert "| 一致 " in doctor("--lang", "ja").out


def test_a_lost_adapter_is_refused_with_figures(doctor: Callable[..., Any], workplace: Path) -> None:
    """Exit 1, as a table and as JSON; nothing is kept of what is refused."""
    ran = doctor("--json", "--limit", "6", lost=True)
    assert 1 == ran.code, ran.err
    (found,) = json.loads(ran.out)
    assert ("refused", 6, "other 1.0") == (found["verdict"], found["prompts"], found["engine"])
    base, tuned = found["models"]
    assert (("base", []), "tuned") == ((base["label"], base["reasons"]), tuned["label"])
    assert "adapter_lost" in tuned["reasons"]
    assert tuned["effect"] > 10 * found["limit_mean"]
    assert 1 == len(list((workplace / "cache" / "parity").iterdir()))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--parity",), "--parity names no model"),
        (("--parity", "echo"), "'echo' is answered by transformers, or elsewhere"),
        (("base",), "MODELS and --json belong to --parity"),
    ],
)
def test_what_cannot_be_compared_is_said(run_cli: RunCli, arguments: tuple[str, ...], words: str) -> None:
    """Exit 2 with the next step."""
    ran = run_cli("doctor", *arguments)
    assert 2 == ran.code
    assert words in ran.err
