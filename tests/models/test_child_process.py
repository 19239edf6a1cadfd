"""A process of ours: what it says arrives whole, its last words are kept, and it ends with its parent."""

import io
import queue
import signal
import subprocess
import sys
import time
from typing import Any

from harness.models import child_process
from harness.models.child_process import ChildProcess, Gone, Sender, begin_ahead, end_unused, received
from tests.patience import PATIENCE

ECHO = """
from harness.models.child_process import Parent
parent = Parent()
print("what is printed is no message")
while True:
    parent.sender.send(("heard", parent.orders.get()))
"""


def test_a_message_that_a_killed_process_left_unfinished_is_the_end() -> None:
    whole = io.BytesIO()
    Sender(whole).send(Gone(code=-9, said="half"))
    assert received(io.BytesIO(whole.getvalue())) == Gone(code=-9, said="half")
    for kept in (0, 3, 8, len(whole.getvalue()) - 3):
        assert received(io.BytesIO(whole.getvalue()[:kept])) is None


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


NAMED = "import os, sys; from harness.models.child_process import Parent; parent = Parent(); parent.orders.get(); "
NAMED += "parent.sender.send((os.getpid(), os.environ['WHERE'])); parent.orders.get()"
BEGIN = [sys.executable, "-c", NAMED]


def _answer(environment: dict[str, str]) -> tuple[int, str]:
    heard: queue.SimpleQueue[Any] = queue.SimpleQueue()
    child = ChildProcess(BEGIN, environment, heard.put)
    child.give("who are you?")
    answer: tuple[int, str] = heard.get(timeout=PATIENCE)
    child.close()
    return answer


def test_a_process_begun_ahead_is_taken_over_once_by_whoever_asks_for_the_same() -> None:
    """Of the same command with another environment a new one is begun."""
    begin_ahead(BEGIN, {"WHERE": "here"})
    [[waiting]] = child_process._unused.values()
    other, there = _answer({"WHERE": "there"})
    assert (there, True) == ("there", other != waiting.process.pid)
    assert _answer({"WHERE": "here"}) == (waiting.process.pid, "here")
    assert _answer({"WHERE": "here"})[0] != waiting.process.pid
    end_unused()


def test_one_that_has_ended_before_anybody_took_it_is_begun_anew() -> None:
    begin_ahead(BEGIN, {"WHERE": "here"})
    [[waiting]] = child_process._unused.values()
    waiting.process.kill()
    waiting.process.wait()
    assert _answer({"WHERE": "here"})[0] != waiting.process.pid
    end_unused()


def test_those_that_nobody_took_are_ended() -> None:
    for where in ("here", "here", "there"):
        begin_ahead(BEGIN, {"WHERE": where})
    pids = [one.process.pid for begun in child_process._unused.values() for one in begun]
    end_unused()
    assert [_is_there(pid) for pid in pids] == [False] * 3
    assert not child_process._unused


def test_one_that_is_to_be_heard_is_not_one_whose_words_are_kept() -> None:
    begin_ahead(BEGIN, {"WHERE": "here"})
    [[waiting]] = child_process._unused.values()
    child = ChildProcess(BEGIN, {"WHERE": "here"}, lambda _: None, heard=True)
    assert child.pid != waiting.process.pid
    child.close()
    end_unused()
