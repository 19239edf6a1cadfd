"""OpenAI and every server that speaks its chat completions (vLLM, llama.cpp, Ollama …) through the openai SDK."""

import os
import threading
from collections.abc import Mapping
from typing import Any

import httpx2
import openai
from openai.types.chat import ChatCompletion

from harness.errors import HarnessError
from harness.remote.call import CallError, Prompt, Reply, seconds_to_wait, sendable
from harness.remote.settings import OpenAISettings, find_key, split_address
from harness.remote.transport import client_options

KEY_VARIABLE = "OPENAI_API_KEY"
URL_VARIABLE = "OPENAI_BASE_URL"
VENDOR_URL = "https://api.openai.com/v1"

_NO_KEY = "none"  # the SDK insists on one; servers that need none ignore it
_MODES = ("schema", "json", "text")
_MILLISECONDS = 1000


class OpenAIClient:
    """An OpenAI-compatible server at ``settings.base_url``, else at ``OPENAI_BASE_URL``, else OpenAI's own.

    Two things that servers disagree on are found out by their refusals and kept for later calls: how a JSON reply is
    asked for, and whether the longest reply is called ``max_tokens`` or ``max_completion_tokens``.

    Raises:
        HarnessError: OpenAI's own server is asked without a key in the environment.
    """

    def __init__(self, settings: OpenAISettings) -> None:
        self.model = str(settings.model)
        self._settings = settings
        self._address = split_address(settings.base_url or os.environ.get(URL_VARIABLE) or VENDOR_URL)
        key = find_key(settings, KEY_VARIABLE)
        self._is_vendor = self._address.url.rstrip("/") == VENDOR_URL
        if key is None and self._is_vendor:
            raise HarnessError(
                f"OpenAI needs an API key, and {settings.api_key_env or KEY_VARIABLE} is not set.",
                hint=f"Put the key into that environment variable; for another server set base_url or {URL_VARIABLE}.",
            )
        self._key = key
        self._sdk = openai.OpenAI(
            api_key=key or _NO_KEY,
            base_url=self._address.url,
            max_retries=0,
            timeout=settings.timeout,
            http_client=httpx2.Client(**client_options(settings, self._address)),
        )
        self._mode: str = "schema" if settings.structured == "auto" else settings.structured
        self._limit_name = "max_tokens"
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"OpenAIClient({self.model!r}, {self._address.url!r})"

    @property
    def sends_repetition_penalty(self) -> bool:
        """Whether the server is sent the run's repetition penalty."""
        wanted = self._settings.repetition_penalty
        return not self._is_vendor if wanted is None else wanted

    @property
    def identity(self) -> Mapping[str, Any]:
        """The server's address without credentials, the model, and what it is told besides the prompt."""
        settings = self._settings
        return {
            "server": self._address.url.rstrip("/"),
            "model": self.model,
            "structured": settings.structured,
            "reasoning_effort": settings.reasoning_effort,
            "extra_body": settings.extra_body,
        }

    def send(self, prompt: Prompt) -> Reply:
        """Return the reply to one prompt.

        Raises:
            CallError: there is none, or not all of it.
        """
        while True:
            mode, limit_name = self._mode, self._limit_name
            try:
                completion = self._create(prompt, mode, limit_name)
            except openai.BadRequestError as error:
                if self._adapted(str(error), prompt, mode, limit_name):
                    continue
                raise self._sorted(error) from None
            except Exception as error:  # noqa: BLE001 - whatever the SDK raises on a reply it cannot read is the reply's fault
                raise self._sorted(error) from None
            return _read(completion)

    def _create(self, prompt: Prompt, mode: str, limit_name: str) -> object:
        body = dict(self._settings.extra_body or {})
        if prompt.repetition_penalty is not None and self.sends_repetition_penalty:
            body["repetition_penalty"] = prompt.repetition_penalty
        options: dict[str, Any] = {
            "temperature": prompt.temperature,
            limit_name: prompt.max_tokens,
            "seed": prompt.seed,
            "stop": list(prompt.stop) or None,
            "reasoning_effort": self._settings.reasoning_effort,
            "response_format": _response_format(prompt.schema, mode),
            "extra_body": body or None,
        }
        return self._sdk.chat.completions.create(
            model=self.model,
            messages=[{"role": message.role, "content": sendable(message.content)} for message in prompt.messages],  # type: ignore[misc]
            **{name: value for name, value in options.items() if value is not None},
        )

    def _adapted(self, refusal: str, prompt: Prompt, mode: str, limit_name: str) -> bool:
        """Return whether the next try differs from the refused one in what the refusal is about."""
        with self._lock:
            if "max_completion_tokens" in refusal and limit_name == "max_tokens" and prompt.max_tokens is not None:
                self._limit_name = "max_completion_tokens"
                return True
            about_format = any(word in refusal for word in ("response_format", "json_schema", "json_object", "guided"))
            if prompt.schema and about_format and self._settings.structured == "auto" and mode != _MODES[-1]:
                if self._mode == mode:
                    self._mode = _MODES[_MODES.index(mode) + 1]
                return True
        return False

    def _sorted(self, error: Exception) -> CallError:
        """Return what an SDK's exception means, without the key should the server have echoed it."""
        detail = self._clean(f"{type(error).__name__}: {error}")
        if isinstance(error, openai.APIStatusError):
            return self._sorted_status(error)
        if isinstance(error, openai.APITimeoutError | httpx2.TimeoutException):
            return CallError("timeout", detail)
        if isinstance(error, openai.APIConnectionError):
            cause = error.__cause__
            unreachable = isinstance(cause, httpx2.ConnectError | httpx2.UnsupportedProtocol | httpx2.ProxyError)
            return CallError("network" if unreachable else "reply", self._clean(f"{type(cause).__name__}: {cause}"))
        return CallError("reply", detail)

    def _sorted_status(self, error: openai.APIStatusError) -> CallError:
        status, headers = error.status_code, error.response.headers
        detail = self._clean(f"HTTP {status} {error.message}")
        wait = seconds_to_wait(headers)
        if (milliseconds := headers.get("retry-after-ms", "")).replace(".", "", 1).isdecimal():
            wait = float(milliseconds) / _MILLISECONDS
        if status == 429:  # noqa: PLR2004 - the HTTP status by its name in every document
            used_up = "insufficient_quota" in {error.code, error.type}
            return CallError("quota" if used_up else "rate", detail, retry_after=wait)
        if status in {401, 403}:
            return CallError("key", detail)
        if status == 404:  # noqa: PLR2004 - likewise
            return CallError("model", detail)
        if status in {408, 504}:
            return CallError("timeout", detail, retry_after=wait)
        if status < 500 and status != 409:  # noqa: PLR2004 - likewise; 409 is a lock that passes
            return CallError("request", detail)
        return CallError("server", detail, retry_after=wait)

    def _clean(self, text: str) -> str:
        return text.replace(self._key, "***") if self._key else text


def _response_format(schema: Mapping[str, Any] | None, mode: str) -> dict[str, Any] | None:
    if schema is None or mode == "text":
        return None
    if mode == "json":
        return {"type": "json_object"}
    strict = {**schema, "additionalProperties": False}
    return {"type": "json_schema", "json_schema": {"name": "verdict", "schema": strict, "strict": True}}


def _read(completion: object) -> Reply:
    if not isinstance(completion, ChatCompletion):
        raise CallError("reply", f"not a chat completion: {str(completion)[:80]!r}")
    choices = getattr(completion, "choices", None)
    if not choices:
        raise CallError("empty" if choices == [] else "reply", "no choices")
    message, reason = getattr(choices[0], "message", None), getattr(choices[0], "finish_reason", None)
    if reason == "content_filter":
        raise CallError("safety", "the reply, content_filter")
    if message is None:
        raise CallError("reply", "a choice without a message")
    if getattr(message, "refusal", None):
        raise CallError("safety", f"the model refused: {message.refusal}")
    usage = getattr(completion, "usage", None)
    return Reply(
        text=message.content or "",
        finish_reason="length" if reason == "length" else "stop",
        version=getattr(completion, "model", None),
        tokens_in=getattr(usage, "prompt_tokens", None),
        tokens_out=getattr(usage, "completion_tokens", None),
    )
