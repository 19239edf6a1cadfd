"""One process of a crew: opens what it is told to, answers, and ends when its parent does.

    python -m harness.models.child harness.models.hf.crew.worker

Orders come through the standard input, messages leave by what was the standard output; whatever else is printed goes to
the standard error.
"""

import logging
import threading

from harness.errors import HarnessError, ModelLoadError
from harness.locale import tr
from harness.locale.telling import TELLER
from harness.models.child_process import Parent, Sender
from harness.models.hf.backend import LocalModel
from harness.models.hf.crew.channel import Answered, AtWork, Finished, Order, Told
from harness.models.hf.open_model import open_local
from harness.models.live import LIVE, at_work
from harness.notices import as_notice

log = logging.getLogger(__name__)

_EVERY = 0.5  # seconds between two words on how far it is


class Worker:
    """Answers orders one after the other; a model that was opened once stays known."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._models: dict[str, LocalModel] = {}

    def carry_out(self, order: Order) -> None:
        """Send the answers of an order as they come, and then that it is done."""
        stopped: str | None = None
        try:
            model = self._model(order)
            for generation in model.generate(order.requests):
                self._sender.send(Answered(generation=generation))
        except HarnessError as error:
            stopped = error.message
            if error.hint is not None:
                stopped = tr("{message} {hint}", message=error.message, hint=error.hint)
        except Exception as error:
            log.exception("model %s failed", order.label)
            stopped = f"{type(error).__name__}: {error}"
        known = self._models.get(order.label)
        notices = tuple(as_notice(one) for one in known.notices()) if known is not None else ()
        self._tell_progress()
        self._sender.send(Finished(notices=notices, stopped=stopped))

    def keep_telling(self) -> None:
        """Say how far it is, for ever."""
        while True:
            threading.Event().wait(_EVERY)
            try:
                self._tell_progress()
            except OSError:  # the parent has gone, and the thread that reads is about to notice
                return

    def _tell_progress(self) -> None:
        self._sender.send(AtWork(label=LIVE.label, tokens=LIVE.tokens, most_left=LIVE.most_left))

    def _model(self, order: Order) -> LocalModel:
        if (known := self._models.get(order.label)) is not None:
            return known
        with at_work(tr("loading {name}", name=order.label)):
            model = open_local(order.spec)
        if model.fingerprint != order.fingerprint:
            raise ModelLoadError(
                tr(
                    "{label} is not the same here ({here}) as where the run was planned ({there}).",
                    label=order.label,
                    here=model.fingerprint,
                    there=order.fingerprint,
                ),
                hint=tr("Its files changed, or the GPUs are unlike: name alike ones in CUDA_VISIBLE_DEVICES."),
            )
        return self._models.setdefault(order.label, model)


def serve(parent: Parent) -> None:
    """Serve the parent until it closes the pipe or ends."""
    TELLER.say, TELLER.during = lambda text: parent.sender.send(Told(text=text)), at_work
    worker = Worker(parent.sender)
    threading.Thread(target=worker.keep_telling, daemon=True).start()
    while True:
        worker.carry_out(parent.orders.get())
