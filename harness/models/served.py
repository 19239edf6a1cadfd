"""A model to evaluate that a server runs: the same for Google's and for OpenAI-compatible servers."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from harness.codec import digest
from harness.errors import ModelUnavailableError, QuotaEndedError
from harness.locale import tr
from harness.protocols import CallCounts, CallLimits, Delay
from harness.remote.call import CallError, Client, Prompt
from harness.remote.pricing import find_price
from harness.remote.retry import Caller
from harness.remote.settings import RemoteSettings
from harness.types import Generation, ModelSpec, Request

_AHEAD = 2  # calls handed to the threads beforehand, for each call in flight


class ServedModel:
    """A backend that sends every prompt to a server, up to ``settings.in_flight`` at once.

    A text prompt becomes one user message, a chat prompt its messages. Temperature, longest answer, seed and stop
    strings are the run's; the repetition penalty is sent where the server knows it. What the server does with its own
    chat template, BOS token included, is the server's affair. ``price`` is None if no table has the model.
    """

    def __init__(
        self,
        spec: ModelSpec,
        client: Client,
        settings: RemoteSettings,
        *,
        sent: Mapping[str, Any] | None = None,
        notices: Sequence[str] = (),
    ) -> None:
        self.label = spec.label
        self.fingerprint = f"{client.identity['server']}:{client.model}:{digest([client.identity, sent])[:16]}"
        self.price = find_price(client.model, settings.prices)
        self.in_flight = settings.in_flight
        self._settings = settings
        self._notices = tuple(notices)
        self._caller = Caller(client, settings)
        self.limit(CallLimits())

    def __repr__(self) -> str:
        return f"ServedModel({self.fingerprint!r})"

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
        self._caller.attach(counts, tell, name=self.label)

    def notices(self) -> Sequence[str]:
        """Return what the user should know of the model, such as the day on which it ends."""
        return self._notices

    def used_today(self) -> int:
        """Return how many calls of today's quota were counted."""
        return self._caller.used_today()

    def look_up(self, seconds: float) -> str | None:
        """Return None if the server has the model or does not say, else why it could not be asked.

        Raises:
            UnknownNameError: it has no such model.
            ModelUnavailableError: it rejects the key.
        """
        try:
            return self._caller.look_up(seconds)
        except CallError as error:
            raise ModelUnavailableError(
                tr("Model {label!r} cannot go on: {error}.", label=self.label, error=error),
                hint=tr("Check the API key in the environment."),
            ) from None

    def resume(self) -> None:
        """Make calls again after it could not go on."""
        self._caller.resume()

    def generate(self, requests: Sequence[Request]) -> Iterator[Generation]:
        """Yield one generation per request as they finish; one that failed says why in ``error``.

        Raises:
            HarnessError: no further call can succeed: the key, the quota, the model or the server is gone.
        """
        pool = ThreadPoolExecutor(self._settings.in_flight, thread_name_prefix=self.label)
        waiting, running = iter(requests), set[Future[Generation]]()
        finished = False
        try:
            while True:
                while len(running) < _AHEAD * self._settings.in_flight and (request := next(waiting, None)) is not None:
                    running.add(pool.submit(self._answer, request))
                if not running:
                    break
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in sorted(done, key=lambda future: future.exception() is not None):
                    yield future.result()  # what was answered comes before the error that ends it all
            finished = True
        finally:
            if not finished:
                self._caller.close()
            pool.shutdown(wait=finished, cancel_futures=True)

    def _answer(self, request: Request) -> Generation:
        start = time.monotonic()
        sampling = request.sampling
        prompt = Prompt(
            messages=request.rendered.messages,
            max_tokens=sampling.max_new_tokens,
            temperature=None if self._settings.temperature == "default" else sampling.temperature,
            seed=sampling.seed if sampling.temperature > 0 else None,
            stop=request.rendered.stop,
            repetition_penalty=sampling.repetition_penalty,
        )
        try:
            reply = self._caller.call(prompt)
        except CallError as error:
            if error.trouble == "day" and error.until is not None:
                raise QuotaEndedError(
                    tr("Model {label!r} cannot go on: {error}.", label=self.label, error=error), until=error.until
                ) from None
            if error.final:
                raise ModelUnavailableError(
                    tr("Model {label!r} cannot go on: {error}.", label=self.label, error=error),
                    hint=tr(
                        "Check key, quota, model name and server; the same command continues with what is missing."
                    ),
                ) from None
            return Generation(request_key=request.key, text=None, finish_reason="error", error=str(error))
        return Generation(
            request_key=request.key,
            text=reply.text,
            finish_reason=reply.finish_reason,
            tokens_in=reply.tokens_in,
            tokens_out=reply.tokens_out,
            seconds=time.monotonic() - start,
        )
