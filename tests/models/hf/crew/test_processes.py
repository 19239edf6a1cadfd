"""A process: its last words are kept, and it ends when its pipe is closed."""

import queue
import sys
from typing import Any

import pytest

from harness.locale import tr
from harness.models.child_process import Gone
from harness.models.hf.crew import processes
from harness.models.places import Place


def test_a_process_that_cannot_begin_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where there is no such GPU: its end is an event with its code and its last line."""
    code = "import sys; print('setting up', file=sys.stderr); sys.exit('no such GPU')"
    monkeypatch.setattr(processes, "COMMAND", [sys.executable, "-c", code])
    events: queue.SimpleQueue[Any] = queue.SimpleQueue()
    process = processes.Process(Place(name=tr("GPU {index}", index=0)), events)
    process.give(None)  # type: ignore[arg-type]  # whatever it is, nobody reads it
    assert events.get(timeout=60) == (process, Gone(code=1, said="no such GPU"))
    process.close()


def test_a_process_ends_with_the_pipe_to_it_and_sees_what_its_place_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it does when its parent is killed, however long it would have gone on."""
    code = "import os, sys; sys.stdin.buffer.read(); sys.exit(os.environ['CUDA_VISIBLE_DEVICES'])"
    monkeypatch.setattr(processes, "COMMAND", [sys.executable, "-c", code])
    events: queue.SimpleQueue[Any] = queue.SimpleQueue()
    place = Place(name=tr("GPU {index}", index=1), environment={"CUDA_VISIBLE_DEVICES": "GPU-5a"})
    process = processes.Process(place, events)
    process.close()
    assert events.get(timeout=60) == (process, Gone(code=1, said="GPU-5a"))
