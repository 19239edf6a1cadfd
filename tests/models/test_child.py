"""Where a process of ours begins: in light code, so that it can end while it is still importing."""

import importlib
import queue
import sys
from pathlib import Path
from typing import Any

from harness.models.child_process import ChildProcess, Gone, command_of
from tests.patience import PATIENCE

SERVING = """
def serve(parent):
    while True:
        parent.sender.send(parent.orders.get() * 2)
"""
ECHOING = """
def serve(parent):
    while True:
        parent.sender.send(type(parent.orders.get()).__name__)
"""
SLOW = "import time\ntime.sleep(600)\n"


def test_a_module_serves_its_parent(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "serving_module.py").write_text(SERVING, encoding="utf-8")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    heard: queue.SimpleQueue[Any] = queue.SimpleQueue()
    child = ChildProcess(command_of("serving_module"), {}, heard.put)
    child.give(21)
    assert heard.get(timeout=PATIENCE) == 42
    child.close()


def test_an_order_that_needs_a_module_waits_until_the_process_has_imported_what_it_serves_with(
    tmp_path: Path, monkeypatch: Any
) -> None:
    """Read as it comes, it would import the same package in another thread: Python found that both waited for ever."""
    orders = tmp_path / "two_threads" / "orders"
    orders.mkdir(parents=True)
    (orders / "__init__.py").write_text("from two_threads import serving\n")
    (orders / "order.py").write_text("class Order: ...\n")
    slowly = f"import time\ntime.sleep(0.5)\nfrom two_threads.orders.order import Order\n{ECHOING}"
    (tmp_path / "two_threads" / "serving.py").write_text(slowly)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    heard: queue.SimpleQueue[Any] = queue.SimpleQueue()
    order = importlib.import_module("two_threads.orders.order").Order()
    child = ChildProcess(command_of("two_threads.serving"), {}, heard.put)
    child.give(order)
    assert heard.get(timeout=PATIENCE) == "Order"
    child.close()


def test_it_ends_with_its_pipe_while_it_imports(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "slow_module.py").write_text(SLOW, encoding="utf-8")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    heard: queue.SimpleQueue[Any] = queue.SimpleQueue()
    child = ChildProcess(command_of("slow_module"), {}, heard.put)
    assert child._process.stdin is not None
    child._process.stdin.close()
    assert isinstance(gone := heard.get(timeout=PATIENCE), Gone)
    assert gone.code == 0


def test_a_module_that_cannot_be_imported_is_told_of() -> None:
    heard: queue.SimpleQueue[Any] = queue.SimpleQueue()
    ChildProcess(command_of("no_such_module_of_ours"), {}, heard.put)
    assert "no_such_module_of_ours" in heard.get(timeout=PATIENCE).said
