"""What a judge and a model have in common that a server runs: its limits, its calls, and what to do without it."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

from harness.errors import HarnessError, QuotaEndedError
from harness.locale import tr
from harness.protocols import CallCounts, CallLimits, Delay
from harness.remote.call import CallError, Client
from harness.remote.retry import Caller
from harness.remote.settings import RemoteSettings


class Serving(ABC):
    """The part of a judge or a model that is about its server: `harness.protocols.Served`. Thread-safe.

    Attributes:
        requests_per_minute: the pace, or None for none.
    """

    _unavailable: ClassVar[type[HarnessError]]

    def __init__(self, called: str, client: Client, settings: RemoteSettings) -> None:
        """``called``: under which name it is told that a call is made again."""
        self._called = called
        self._serve_by(client, settings)

    def _serve_by(self, client: Client, settings: RemoteSettings) -> None:
        self._settings = settings
        self._caller = Caller(client, settings)
        self.limit(CallLimits())

    @property
    def limits(self) -> CallLimits:
        """What the server allows."""
        return self._caller.limits

    def limit(self, limits: CallLimits) -> None:
        """Keep these limits from now on, and those of the settings where they say nothing."""
        self._caller.limit_calls(limits.over(self._settings.limits))
        self.requests_per_minute = self.limits.requests_per_minute

    def attach(self, counts: CallCounts, tell: Callable[[Delay], None]) -> None:
        """Count the calls of a day there, and tell of those that are made again."""
        self._caller.attach(counts, tell, name=self._called)

    def used_today(self) -> int:
        """Return how many calls of today's quota were counted."""
        return self._caller.used_today()

    def look_up(self, seconds: float) -> str | None:
        """Return None if the server has the model or does not say, else why it could not be asked.

        Raises:
            UnknownNameError: it has no such model.
            HarnessError: it rejects the key.
        """
        try:
            return self._caller.look_up(seconds)
        except CallError as error:
            raise self._unavailable(self._says(error), hint=tr("Check the API key in the environment.")) from None

    def resume(self) -> None:
        """Make calls again after it could not go on."""
        self._caller.resume()

    @abstractmethod
    def _says(self, error: CallError) -> str:
        """Return the sentence that it cannot go on."""

    def _end_if_final(self, error: CallError, hint: str) -> None:
        """Do nothing if a later call may succeed.

        Raises:
            QuotaEndedError: none can until the quota begins anew.
            HarnessError: none can.
        """
        if error.trouble == "day" and error.until is not None:
            raise QuotaEndedError(self._says(error), until=error.until) from None
        if error.final:
            raise self._unavailable(self._says(error), hint=hint) from None
