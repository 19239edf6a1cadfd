"""The processes of a crew as their parent sees them: started, given orders, listened to, and never left behind."""

import queue

from harness.models.ahead import WORKER
from harness.models.child_process import ChildProcess
from harness.models.hf.crew.channel import Message
from harness.models.places import Place

COMMAND = WORKER


class Process(ChildProcess):
    """A worker at a place. Whatever it says goes to ``events`` together with itself, at last that it is gone."""

    def __init__(self, place: Place, events: "queue.SimpleQueue[tuple[Process, Message]]") -> None:
        self.place = place
        super().__init__(COMMAND, place.environment, lambda message: events.put((self, message)))
