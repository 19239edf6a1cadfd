"""An engine on each of several GPUs: the stand-in, in true processes."""

import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import torch

from harness.errors import HarnessError, ModelLoadError
from harness.models.places import gpu_places, process_places
from harness.models.vllm import apart
from harness.models.vllm.apart import EngineApart
from harness.models.vllm.engine import Ask
from harness.models.vllm.several import SeveralEngines, free_bytes, start_engines, with_room
from tests.models.vllm.test_apart import SERVED
from tests.models.vllm.test_engine import GREEDY, PLAN
from tests.patience import PATIENCE

ASKS = [Ask(ids=[5, 30 + place], adapter=None, sampling=GREEDY) for place in range(7)]
WHERE_AND_WHAT = "fake.answers = lambda ids, lora: [100 + int(os.environ['CUDA_VISIBLE_DEVICES']), ids[-1], 2]"


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[SeveralEngines]]:
    """Those that a test starts, ended at last."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    engines: list[SeveralEngines] = []
    yield engines
    for one in engines:
        one.release()


def _two(monkeypatch: pytest.MonkeyPatch, made: list[SeveralEngines], change: str) -> SeveralEngines:
    monkeypatch.setattr(apart, "COMMAND", [sys.executable, "-c", SERVED.format(change=change)])
    engines = start_engines(PLAN, gpu_places(2))
    assert isinstance(engines, SeveralEngines)
    made.append(engines)
    return engines


def _pids(engines: SeveralEngines) -> list[int]:
    return [engine._process.pid for engine in engines.each]


def _gone(pids: Sequence[int]) -> bool:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if not any(Path(f"/proc/{pid}").exists() for pid in pids):
            return True
        time.sleep(0.05)
    return False


def test_rows_are_dealt_out_and_none_is_lost_left_over_or_answered_twice(
    monkeypatch: pytest.MonkeyPatch, made: list[SeveralEngines]
) -> None:
    """Each engine sees a GPU of its own, and gets as many rows as the other.

    When nobody listens any more both stop, and what they had still to say is not taken for an answer to the next list.
    One that has died while nobody asked is told of, even if none of the rows would have been its own.
    """
    engines = _two(monkeypatch, made, WHERE_AND_WHAT)
    for count in (7, 1, 0):
        came = dict(engines.run(ASKS[:count]))
        assert {place: 30 + place for place in range(count)} == {place: said.tokens[1] for place, said in came.items()}
        there = [said.tokens[0] for said in came.values()]
        assert [-(-count // 2), count // 2] == [there.count(100), there.count(101)]
    going = engines.run(ASKS)
    next(going)
    going.close()  # type: ignore[attr-defined]
    assert not engines.ended
    assert set(range(4)) == {place for place, _ in engines.run(ASKS[:4])}
    os.kill(_pids(engines)[1], signal.SIGKILL)
    assert _gone(_pids(engines)[1:])
    with pytest.raises(ModelLoadError, match="its process ended"):
        list(engines.run(ASKS[:1]))


def test_one_place_is_an_engine_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without anything between."""
    monkeypatch.setattr(apart, "COMMAND", [sys.executable, "-c", SERVED.format(change="")])
    engine = start_engines(PLAN, ())
    assert isinstance(engine, EngineApart)
    assert [engine] == list(engine.each)
    engine.release()


def test_one_that_is_killed_ends_the_list_and_is_told_of(
    monkeypatch: pytest.MonkeyPatch, made: list[SeveralEngines]
) -> None:
    """The other is stopped, and whoever asks again does not wait for ever."""
    second = "os.environ['CUDA_VISIBLE_DEVICES'] == '1' and os.kill(os.getpid(), 9)"
    engines = _two(monkeypatch, made, f"fake.answers = lambda ids, lora: ({second}) or [5, 2]")
    for _ in range(2):
        with pytest.raises(HarnessError, match=r"its process ended \(signal 9\)"):
            list(engines.run(ASKS))
        assert engines.ended


def test_an_error_in_one_leaves_the_other_stopped_at_once(
    monkeypatch: pytest.MonkeyPatch, made: list[SeveralEngines]
) -> None:
    """The engine that failed is not waited for: it has nothing more to say."""
    monkeypatch.setattr(apart, "_PATIENCE", PATIENCE)
    engines = _two(monkeypatch, made, "fake.fails_after = 1 if os.environ['CUDA_VISIBLE_DEVICES'] == '0' else None")
    began = time.monotonic()
    with pytest.raises(HarnessError, match="encountered an issue"):
        list(engines.run(ASKS))
    assert time.monotonic() - began < PATIENCE
    assert engines.ended


def test_a_start_that_fails_anywhere_leaves_no_process(
    monkeypatch: pytest.MonkeyPatch, made: list[SeveralEngines]
) -> None:
    """Also where the other one had started."""
    started: list[int] = []
    own = apart.ChildProcess

    def noted(*arguments: object, **named: object) -> object:
        child = own(*arguments, **named)  # type: ignore[arg-type]
        started.append(child.pid)
        return child

    monkeypatch.setattr(apart, "ChildProcess", noted)
    second = "os.environ['CUDA_VISIBLE_DEVICES'] == '1'"
    with pytest.raises(HarnessError, match="does not fit into memory"):
        _two(monkeypatch, made, f"fake.failure = ValueError('No available memory') if {second} else None")
    assert len(started) == 2
    assert _gone(started)


@pytest.mark.parametrize(
    ("free", "kept"), [((80, 80, 79), [0, 1, 2]), ((80, 20, 75), [0, 2]), ((20, 80), [0, 1]), ((80,), [0])]
)
def test_gpus_that_others_use_are_left_to_them(
    monkeypatch: pytest.MonkeyPatch, free: tuple[int, ...], kept: list[int]
) -> None:
    """An engine takes what is free where least is: a busy GPU would leave the others idle."""
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda index: (free[index] << 30, 80 << 30))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert kept == [place.gpu for place in with_room(gpu_places(len(free)))]
    assert [0, 0] == [free_bytes(place) for place in with_room(process_places(2))]
