"""The process that vLLM runs in, as a function: orders in, messages out."""

import queue
from types import SimpleNamespace
from typing import Any

import pytest

from harness.models.vllm.engine import Ask
from harness.models.vllm.messages import Came, Done, Run, Start, Stop
from harness.models.vllm.serve import serve
from tests.models.vllm.fake_vllm import FakeVllm
from tests.models.vllm.test_engine import GREEDY, PLAN


class _NoMoreError(Exception):
    """Nothing is left to do."""


class _Parent:
    """Gives orders, each once the one before was done, and writes down what comes."""

    def __init__(self, *orders: Any) -> None:
        self._orders = list(orders)
        self.orders = self
        self.sender = SimpleNamespace(send=self._send)
        self.came: list[Any] = []
        self._at_once: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def get(self) -> Any:
        if not self._at_once.empty():
            return self._at_once.get()
        if not self._orders:
            raise _NoMoreError
        return self._orders.pop(0)

    def empty(self) -> bool:
        return self._at_once.empty()

    def _send(self, message: Any) -> None:
        self.came.append(message)
        if isinstance(message, Came) and self._orders and isinstance(self._orders[0], Stop):
            self._at_once.put(self._orders.pop(0))


ASKS = tuple(Ask(ids=[number, 5], adapter=None, sampling=GREEDY) for number in range(3))


def _served(*orders: Any) -> list[Any]:
    parent = _Parent(*orders)
    with pytest.raises(_NoMoreError):
        serve(parent)  # type: ignore[arg-type]  # as one
    return parent.came


def test_a_list_is_worked_off_and_ended(fake: FakeVllm) -> None:
    started, *came, done = _served(Start(plan=PLAN), Run(asks=ASKS))
    assert (Done(), Done()) == (started, done)
    assert [2, 1, 0] == [one.place for one in came]


def test_what_nobody_wants_is_left_and_the_next_list_is_worked_off(fake: FakeVllm) -> None:
    """Whoever asked went away; the engine stays."""
    came = _served(Start(plan=PLAN), Run(asks=ASKS), Stop(), Run(asks=ASKS[:1]))
    assert [Done, Came, Done, Came, Done] == [type(one) for one in came]
    assert ["0", "1"] == fake.aborted


def test_what_ends_an_engine_is_handed_on(fake: FakeVllm) -> None:
    """The parent says it in its user's language."""
    fake.failure = ImportError("libcudart.so.13: cannot open")
    [done] = _served(Start(plan=PLAN))
    assert "could not be started: libcudart" in done.error.message
