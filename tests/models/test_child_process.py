"""A process of ours: what it says arrives whole, its last words are kept, and it ends with its parent."""

import os
import pickle
import queue
import signal
import subprocess
import sys
import time
from typing import Any

from harness.models.child_process import ChildProcess, Gone, received
from tests.patience import PATIENCE

ECHO = """
from harness.models.child_process import Parent
parent = Parent()
print("what is printed is no message")
while True:
    parent.sender.send(("heard", parent.orders.get()))
"""


def test_a_message_that_a_killed_process_left_unfinished_is_the_end() -> None:
    whole = pickle.dumps(Gone(code=-9, said="half"))
    reading, writing = os.pipe()
    os.write(writing, whole[:-3])
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        assert received(pipe) is None


def test_messages_go_to_and_fro_and_what_is_printed_is_none() -> None:
    heard: queue.SimpleQueue[Any] = queue.SimpleQueue()
    child = ChildProcess([sys.executable, "-c", ECHO], {}, heard.put)
    child.give({"asked": "日本"})
    assert heard.get(timeout=PATIENCE) == ("heard", {"asked": "日本"})
    child.close()
    assert isinstance(heard.get(timeout=PATIENCE), Gone)
    child.give("to nobody")


class Unreadable:
    """What can be sent, and is no message on the other side."""

    def __reduce__(self) -> tuple[type[int], tuple[str]]:
        return int, ("no number",)


def test_a_message_that_it_cannot_read_ends_it_and_is_said() -> None:
    heard: queue.SimpleQueue[Any] = queue.SimpleQueue()
    child = ChildProcess([sys.executable, "-c", ECHO], {}, heard.put)
    child.give(Unreadable())
    gone = heard.get(timeout=PATIENCE)
    assert (1, True) == (gone.code, "no number" in gone.said)


def test_it_ends_when_its_parent_is_killed() -> None:
    """The system closes the pipe: a GPU's memory must not stay taken."""
    code = f"""
import sys, time
from harness.models.child_process import ChildProcess
child = ChildProcess([sys.executable, "-c", {ECHO!r}], {{}}, lambda message: print(child.pid, flush=True))
child.give(1)
time.sleep(600)
"""
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    until = time.monotonic() + PATIENCE
    while _is_there(pid):
        assert time.monotonic() < until
        time.sleep(0.05)


def _is_there(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:  # noqa: PTH123 - a file of the system's
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
