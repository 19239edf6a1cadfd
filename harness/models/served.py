"""A model to evaluate that a server runs: the same for Google's and for OpenAI-compatible servers."""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from harness.codec import digest
from harness.errors import ModelUnavailableError
from harness.locale import tr
from harness.notices import Notice
from harness.remote.call import CallError, Client, Prompt
from harness.remote.pricing import find_price
from harness.remote.serving import Serving
from harness.remote.settings import RemoteSettings
from harness.types import Generation, ModelSpec, Request

_NEXT_STEP = tr("Check key, quota, model name and server; the same command continues with what is missing.")
_AHEAD = 2  # calls handed to the threads beforehand, for each call in flight


class ServedModel(Serving):
    """A backend that sends every prompt to a server, up to ``settings.in_flight`` at once.

    A text prompt becomes one user message, a chat prompt its messages. Temperature, longest answer, seed and stop
    strings are the run's; the repetition penalty is sent where the server knows it. What the server does with its own
    chat template, BOS token included, is the server's affair. ``price`` is None if no table has the model.
    """

    _unavailable = ModelUnavailableError

    def __init__(
        self,
        spec: ModelSpec,
        client: Client,
        settings: RemoteSettings,
        *,
        sent: Mapping[str, Any] | None = None,
        notices: Sequence[Notice] = (),
    ) -> None:
        super().__init__(spec.label, client, settings)
        self.label = spec.label
        self.fingerprint = f"{client.identity['server']}:{client.model}:{digest([client.identity, sent])[:16]}"
        self.price = find_price(client.model, settings.prices)
        self.in_flight = settings.in_flight
        self._notices = tuple(notices)

    def __repr__(self) -> str:
        return f"ServedModel({self.fingerprint!r})"

    def notices(self) -> Sequence[Notice]:
        """Return what the user should know of the model, such as the day on which it ends."""
        return self._notices

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
            self._end_if_final(error, _NEXT_STEP)
            return Generation(request_key=request.key, text=None, finish_reason="error", error=error.said)
        return Generation(
            request_key=request.key,
            text=reply.text,
            finish_reason=reply.finish_reason,
            tokens_in=reply.tokens_in,
            tokens_out=reply.tokens_out,
            seconds=time.monotonic() - start,
        )

    def _says(self, error: CallError) -> str:
        return tr("Model {label!r} cannot go on: {error}.", label=self.label, error=error.said)
