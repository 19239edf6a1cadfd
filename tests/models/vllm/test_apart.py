"""vLLM in a process of its own: here the stand-in, in a true process."""

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from harness.errors import HarnessError, ModelLoadError, OutOfMemoryError
from harness.locale import in_language
from harness.models.hf.adapters import open_adapter
from harness.models.vllm import apart
from harness.models.vllm.apart import EngineApart
from harness.models.vllm.engine import Ask
from tests.models.vllm.test_engine import GREEDY, PLAN

SERVED = """
import os, signal, sys
from harness.models.child import main
from tests.models.vllm.fake_vllm import FakeVllm
fake = sys.modules["vllm"] = FakeVllm()
sys.modules["vllm.lora"], sys.modules["vllm.lora.request"] = fake.lora, fake.lora_request
{change}
main("harness.models.vllm.serve")
"""


def _engine(monkeypatch: pytest.MonkeyPatch, change: str = "") -> EngineApart:
    monkeypatch.setattr(apart, "COMMAND", [sys.executable, "-c", SERVED.format(change=change)])
    return EngineApart(PLAN).started()


def test_it_answers_stops_when_nobody_listens_and_answers_again(
    monkeypatch: pytest.MonkeyPatch, two_adapters: Mapping[str, Path]
) -> None:
    """Adapters, ids and parameters arrive as they are here."""
    engine = _engine(monkeypatch, "fake.answers = lambda ids, lora: [ids[0] + 10 * (lora or 0), 2]")
    small, large = (open_adapter(str(path)) for path in two_adapters.values())
    asks = [Ask(ids=[5, 6], adapter=one, sampling=GREEDY) for one in (small, None, large)]
    expected = {0: (15, 2), 1: (5, 2), 2: (25, 2)}
    assert expected == {place: said.tokens for place, said in engine.run(asks)}
    going = engine.run(asks)
    next(going)
    going.close()  # type: ignore[attr-defined]
    assert not engine.ended
    assert expected == {place: said.tokens for place, said in engine.run(asks)}
    engine.release()
    with pytest.raises(ModelLoadError, match="The engine vLLM ended: its process ended"):
        list(engine.run(asks))


def test_a_start_that_fails_is_said_here_and_leaves_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its kind, its words, which can be translated, and its next step."""
    with pytest.raises(OutOfMemoryError, match=r"does not fit into memory .given 50% of the GPU") as found:
        _engine(monkeypatch, 'fake.failure = ValueError("No available memory for the cache blocks")')
    assert "--engine hf" in str(found.value.hint)
    assert "vLLM" in in_language(found.value.message, "ja")
    assert found.value.message != in_language(found.value.message, "ja")


def test_a_process_that_is_killed_at_work_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the system, that has no memory left; asked again it says the same, in any language."""
    engine = _engine(monkeypatch, "fake.answers = lambda ids, lora: os.kill(os.getpid(), signal.SIGKILL)")
    for _ in range(2):
        with pytest.raises(HarnessError, match=r"ended: its process ended \(signal 9\)") as found:
            list(engine.run([Ask(ids=[1, 2], adapter=None, sampling=GREEDY)]))
        assert "its process" not in in_language(found.value.message, "ja")
        assert engine.ended


def test_whoever_asks_after_a_process_was_killed_behind_an_answer_does_not_wait_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody wanted the rest when it ended."""
    engine = _engine(monkeypatch, "fake.answers = lambda ids, lora: [5, 2] if ids[0] else os.kill(os.getpid(), 9)")
    asks = [Ask(ids=[first, 6], adapter=None, sampling=GREEDY) for first in (0, 7)]
    going = engine.run(asks)  # the last is answered first
    assert next(going)[1].tokens == (5, 2)
    going.close()  # type: ignore[attr-defined]
    with pytest.raises(HarnessError, match="its process ended"):
        list(engine.run(asks))
