"""One engine for a board: the one asked for, else the one that is done first, start included."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UnknownNameError
from harness.installation import MissingExtraError
from harness.models.hf import LocalModel, open_local
from harness.models.vllm import choose
from harness.models.vllm.choose import choose_engines
from harness.models.vllm.model import VllmModel
from harness.protocols import EngineChoice, MachineNeeds
from harness.types import ModelSpec, Request
from tests.models.vllm.fake_vllm import FakeVllm

SpecOf = Callable[..., ModelSpec]
Open = Callable[..., dict[str, Any]]


@pytest.fixture
def opened(tiny: Path, two_adapters: Mapping[str, Path], spec_of: SpecOf) -> Open:
    def make(engine: str | None = None, **more: Path) -> dict[str, Any]:
        common: dict[str, Any] = {"base": str(tiny), "settings": {} if engine is None else {"engine": engine}}
        specs = {"base": spec_of("base", **common)}
        specs |= {name: spec_of(f"adapter:{path}", **common) for name, path in {**two_adapters, **more}.items()}
        return {label: open_local(spec) for label, spec in specs.items()}

    return make


@pytest.fixture
def on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Models believe that they are on a GPU and take so many seconds each on the HF path."""

    def set_up(seconds: float) -> None:
        monkeypatch.setattr(choose, "_obstacle", lambda model, version, asked_for: None)
        needs = MachineNeeds(device="GPU", needed=1, available=2, seconds=seconds)
        monkeypatch.setattr(LocalModel, "needs", lambda self, requests: needs)

    return set_up


def kinds(choice: EngineChoice) -> set[type]:
    return {type(one) for one in choice.models.values()}


def requests_to(board: Mapping[str, Any], ask: Callable[..., Request]) -> list[Request]:
    return [replace(ask("x", new=512), model=label) for label in board]


def test_without_vllm_nothing_changes_and_nothing_is_said(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless it was asked for: then it says how to install it."""
    monkeypatch.setattr(choose, "vllm_version", lambda: None)
    board = opened()
    assert EngineChoice(models=board, notice=None) == choose_engines(board, [])
    with pytest.raises(MissingExtraError, match="engine 'vllm'"):
        choose_engines(opened("vllm"), [])


def test_hf_is_hf(opened: Open, fake: FakeVllm) -> None:
    """Whatever is installed."""
    board = opened("hf")
    assert EngineChoice(models=board, notice=None) == choose_engines(board, [])


def test_no_gpu_no_vllm_unless_asked_for(opened: Open, fake: FakeVllm) -> None:
    """Its build for CPUs is slower to start than most boards take."""
    chosen = choose_engines(opened(), [])
    assert {LocalModel} == kinds(chosen)
    assert "because there is no GPU" in str(chosen.notice)
    asked = choose_engines(opened("vllm"), [])
    assert {VllmModel} == kinds(asked)
    assert 1 == len({id(one.engine) for one in asked.models.values()})  # type: ignore[attr-defined]
    assert "vLLM 0.27.1, as asked for" in str(asked.notice)


def test_one_adapter_that_cannot_be_served_takes_the_whole_board_along(
    opened: Open, fake: FakeVllm, tiny: Path, tmp_path: Path
) -> None:
    """Never two engines on one board, and the reason is said."""
    from harness.testing import make_lora

    odd = make_lora(tmp_path / "odd", tiny, seed=5)
    path = odd / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"alpha_pattern": {"q_proj": 2}}))
    chosen = choose_engines(opened("vllm", odd=odd), [])
    assert {LocalModel} == kinds(chosen)
    assert "alpha_pattern, which vLLM passes over" in str(chosen.notice)


@pytest.mark.parametrize(("seconds", "kind"), [(30.0, LocalModel), (400.0, VllmModel)])
def test_the_start_is_weighed_against_the_work(
    opened: Open, fake: FakeVllm, on_a_gpu: Any, ask: Callable[..., Request], seconds: float, kind: type
) -> None:
    """A cold start and three models' certificate are saved by 480 of work (0.4 of 3 · 400), not by 36."""
    on_a_gpu(seconds)
    board = opened()
    chosen = choose_engines(board, requests_to(board, ask))
    assert {kind} == kinds(chosen)
    assert "with its start of 89 s" in " ".join(str(chosen.notice).split())


@pytest.mark.parametrize(("gpus", "kind"), [(1, VllmModel), (2, LocalModel)])
def test_several_gpus_shorten_the_work_and_not_the_start(
    opened: Open,
    fake: FakeVllm,
    on_a_gpu: Any,
    ask: Callable[..., Request],
    monkeypatch: pytest.MonkeyPatch,
    gpus: int,
    kind: type,
) -> None:
    """Both engines run on all of them: 240 seconds of work (0.4 of 3 · 200) are 120 on two."""
    on_a_gpu(200.0)
    monkeypatch.setattr(choose, "gpu_count", lambda wanted, tokens: gpus)
    board = opened()
    chosen = choose_engines(board, requests_to(board, ask))
    assert {kind} == kinds(chosen)
    assert f"{240 // gpus} s" in " ".join(str(chosen.notice).split())


def test_what_was_decided_for_a_piece_of_work_stays(
    opened: Open, fake: FakeVllm, on_a_gpu: Any, ask: Callable[..., Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other answers come of another engine: a run that goes on, now with a warm cache, must not change it."""
    on_a_gpu(100.0)
    board = opened()
    work = requests_to(board, ask)
    assert {LocalModel} == kinds(choose_engines(board, work))
    monkeypatch.setattr(choose, "started_before", lambda engine: True)
    assert {LocalModel} == kinds(choose_engines(opened(), work))
    assert {VllmModel} == kinds(choose_engines(opened(), work[:-1] + [replace(work[-1], key="another")] * 2))


def test_an_engine_that_there_is_not(tiny: Path, spec_of: SpecOf) -> None:
    """In harness.toml or in Python; the command line knows its choices."""
    with pytest.raises(UnknownNameError, match="sglang"):
        open_local(spec_of(f"hf:{tiny}", settings={"engine": "sglang"}))
