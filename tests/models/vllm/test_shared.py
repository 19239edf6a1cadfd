"""One engine for a base and its adapters: started once, longer where it must be, remembered as started."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from harness.errors import AdapterMismatchError, ModelLoadError
from harness.models.places import process_places
from harness.models.vllm import shared as shared_module
from harness.models.vllm.shared import SharedEngine, engines_at, started_before
from harness.notices import Notice
from harness.types import Request
from tests.models.vllm.fake_vllm import FakeVllm
from tests.patience import PATIENCE


def test_it_is_started_once_and_again_only_for_longer_sequences(
    board: Mapping[str, Any], fake: FakeVllm, ask: Callable[..., Request]
) -> None:
    """Within the context that the base takes; on a CPU with a slot that stays empty (see plan.py)."""
    for label in board:
        list(board[label].generate([ask("hello", new=3)]))
    [told] = fake.started
    assert (256, True, 16, 3) == (told["max_model_len"], told["enable_lora"], told["max_lora_rank"], told["max_loras"])


def test_it_is_started_for_what_was_planned_also_where_its_certificate_comes_first(
    board: Mapping[str, Any], fake: FakeVllm, ask: Callable[..., Request]
) -> None:
    """A certificate's texts are shorter, and more rows of them would fit."""
    shared = board["base"].engine
    shared.expect([ask("hello", new=90), ask("hello", new=110)])
    planned = shared._usual
    assert planned > 100
    shared.engine(8)
    assert shared._usual == planned
    shared.expect([ask("hello", new=5000)])
    assert shared._context == shared.context
    shared.engine(8, 7.5)
    assert shared._usual == 7.5


def test_a_start_is_remembered(board: Mapping[str, Any], fake: FakeVllm, ask: Callable[..., Request]) -> None:
    """The next one finds what it compiled, and is weighed as shorter."""
    shared = board["base"].engine
    assert not started_before(shared)
    list(board["base"].generate([ask("hello", new=3)]))
    assert started_before(shared)
    small, large = shared.adapters
    assert started_before(SharedEngine(shared.base, [large], shared.version)), "as many ranks, fewer adapters"
    assert not started_before(SharedEngine(shared.base, [small], shared.version)), "kernels for another rank"


def test_the_effect_of_an_adapter_is_looked_at_once(
    board: Mapping[str, Any], fake: FakeVllm, ask: Callable[..., Request]
) -> None:
    """And again in an engine that was started anew."""
    for _ in range(2):
        list(board["small"].generate([ask("hello", new=3)]))
    assert 4 == fake.calls


def test_an_engine_that_ended_is_started_anew(
    board: Mapping[str, Any], fake: FakeVllm, ask: Callable[..., Request]
) -> None:
    """In a notebook, whose process lives on."""
    fake.fails_after = 1
    with pytest.raises(ModelLoadError, match="The engine vLLM ended"):
        list(board["base"].generate([ask("hello", new=3), ask("again", new=3)]))
    fake.fails_after = None
    assert 1 == len(list(board["base"].generate([ask("hello", new=3)])))
    assert 2 == len(fake.started)


def test_several_places_have_an_engine_of_their_own_as_long_as_the_block(
    board: Mapping[str, Any], fake: FakeVllm, ask: Callable[..., Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One place is none: the engine that runs answers on."""
    asked: list[int] = []
    own = shared_module.start_engines

    def started(plan: Any, places: Any) -> Any:
        asked.append(len(places))
        return own(plan, places)

    monkeypatch.setattr(shared_module, "start_engines", started)
    shared = board["base"].engine
    for count in (0, 1, 2, 2, 0):
        with engines_at([shared], process_places(count) if count else ()):
            assert 1 == len(list(board["base"].generate([ask(f"hello {len(asked)} {count}", new=3)])))
    assert asked == [0, 2, 0]


def test_an_adapter_that_fails_in_any_engine_is_refused(
    board: Mapping[str, Any], fake: FakeVllm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error counts before a notice, and a notice before nothing."""
    shared = board["base"].engine
    engine, seen = shared.engine(8), dict[int, Any]()
    engine.each = [object(), object()]
    small, large = shared.adapters
    note, wrong = Notice("hardly_acts", "hardly acts"), AdapterMismatchError("has no effect")
    monkeypatch.setattr(
        shared_module,
        "check_effects",
        lambda one, new, ids: {adapter.digest: seen[engine.each.index(one)].get(adapter.digest) for adapter in new},
    )
    seen[0], seen[1] = {small.digest: note}, {small.digest: wrong, large.digest: note}
    assert {small.digest: wrong, large.digest: note} == dict(shared.checked([small, large], [1, 2]))


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ModelLoadError("The engine vLLM ended")])
def test_whoever_breaks_off_waits_for_no_engine(
    board: Mapping[str, Any], fake: FakeVllm, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """While several load adapters: their processes end, and with them what the threads wait for."""
    shared = board["base"].engine
    engine, released = shared.engine(8), threading.Event()
    engine.each, engine.release = [1, 2], released.set

    def checked(one: int, new: Any, ids: Any) -> Any:
        if one == 1:
            raise error
        assert released.wait(PATIENCE)
        raise ModelLoadError("its process ended")

    monkeypatch.setattr(shared_module, "check_effects", checked)
    with pytest.raises(type(error)):
        shared.checked(shared.adapters, [1, 2])
    assert released.is_set()
