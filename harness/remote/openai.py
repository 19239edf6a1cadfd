"""OpenAI and every server that speaks its chat completions (vLLM, llama.cpp, Ollama …) through the openai SDK."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import httpx2
import openai
from openai.types.chat import ChatCompletion

from harness.codec import digest
from harness.errors import MissingKeyError
from harness.locale import tr
from harness.locale.system import network_said
from harness.remote.call import (
    CallError,
    Prompt,
    Reply,
    ReplyToken,
    counted,
    sendable,
    shown_version,
    storable,
)
from harness.remote.openai_errors import error_in_reply, error_text, sorted_error
from harness.remote.redaction import Secrets
from harness.remote.settings import OpenAISettings, find_key, split_address
from harness.remote.structure import Mode, Structure
from harness.remote.transport import BoundedClient, own_words

KEY_VARIABLE = "OPENAI_API_KEY"
URL_VARIABLE = "OPENAI_BASE_URL"
VENDOR_URL = "https://api.openai.com/v1"

_NO_KEY = "none"  # the SDK insists on one; servers that need none ignore it
_ANY_PROMPT = Prompt(messages=())  # of a batch: its replies are counted by nobody
_ENDPOINT: Literal["/v1/chat/completions"] = "/v1/chat/completions"
_OTHER_LIMIT_NAME = "max_completion_tokens"
_AZURES = "api-version"  # of addresses as Azure had them before its v1, where the key has a header of its own


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
            raise MissingKeyError(
                tr(
                    "OpenAI needs an API key, and {api_key_env} is not set.",
                    api_key_env=settings.api_key_env or KEY_VARIABLE,
                ),
                hint=tr(
                    "Put the key into that environment variable; for another server set base_url or {url_variable}.",
                    url_variable=URL_VARIABLE,
                ),
            )
        self.secrets = Secrets([*([key] if key else []), *self._address.secrets])
        self.quota = f"{self._address.shown.rstrip('/')} {self.model} {digest(key)[:8]}"
        has_own_header = any(name == _AZURES for name, _ in self._address.query)
        self._http = BoundedClient(settings, self._address, sign=_in_its_own_header if has_own_header and key else None)
        self._sdk = openai.OpenAI(
            api_key=key or _NO_KEY,
            base_url=self._address.url,
            max_retries=0,
            timeout=settings.timeout,
            http_client=self._http,
        )
        self._structure = Structure(settings.structured)
        self._limit_name = "max_tokens"

    def __repr__(self) -> str:
        return f"OpenAIClient({self.model!r}, {self._address.shown!r})"

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
            "server": self._address.shown.rstrip("/"),
            "model": self.model,
            "structured": settings.structured,
            "reasoning_effort": settings.reasoning_effort,
            "extra_body": settings.extra_body,
        }

    def hurried(self, seconds: float) -> "OpenAIClient":
        """Return the same client, whose calls take no longer than so many seconds."""
        return OpenAIClient(replace(self._settings, timeout=seconds))

    def models(self) -> Sequence[str]:
        """Return the names of the models that the server lists.

        Raises:
            CallError: it lists none.
        """
        try:
            return [str(model.id) for model in self._sdk.models.list()]
        except Exception as error:  # noqa: BLE001 - as for a reply
            raise self._sorted(error) from None

    def send(self, prompt: Prompt) -> Reply:
        """Return the reply to one prompt.

        Raises:
            CallError: there is none, or not all of it.
        """
        mode: Mode = self._structure.mode if prompt.schema else "text"
        refused: Exception | None = None
        while True:
            try:
                reply = _read(self._create(prompt, mode), prompt, self.secrets)
            except Exception as error:  # noqa: BLE001 - whatever the SDK raises on a reply it cannot read is the reply's fault
                if isinstance(error, openai.APIStatusError):
                    if self._renamed_limit(error, prompt):
                        continue
                    said, is_form = error_text(error.body), self._sorted(error).trouble != "unfinished"
                    if prompt.schema and is_form and (weaker := self._structure.weaker(mode, error.status_code, said)):
                        mode, refused = weaker, refused or error
                        continue
                if refused is not None:
                    self._structure.failed()
                raise self._sorted(error) from None
            if prompt.schema:
                self._structure.worked(mode, reply.text)
            return reply

    def _create(self, prompt: Prompt, mode: Mode) -> object:
        body = dict(self._settings.extra_body or {})
        if prompt.repetition_penalty is not None and self.sends_repetition_penalty:
            body["repetition_penalty"] = prompt.repetition_penalty
        options: dict[str, Any] = {
            "temperature": prompt.temperature,
            self._limit_name: prompt.max_tokens,
            "seed": prompt.seed,
            "stop": list(prompt.stop) or None,
            "reasoning_effort": self._settings.reasoning_effort,
            "response_format": _response_format(prompt.schema, mode),
            **_logprobs(prompt),
            "extra_body": body or None,
        }
        return self._sdk.chat.completions.create(
            model=self.model,
            messages=[{"role": message.role, "content": sendable(message.content)} for message in prompt.messages],  # type: ignore[misc]
            **{name: value for name, value in options.items() if value is not None},
        )

    def submit(self, prompts: Mapping[str, Prompt], name: str) -> str:
        """Hand a batch over; return the server's name for it.

        Raises:
            CallError: it was not taken, or the server takes none.
        """
        mode: Mode = "schema" if self._settings.structured == "auto" else self._settings.structured
        lines = [
            json.dumps({"custom_id": key, "method": "POST", "url": _ENDPOINT, "body": self._body(prompt, mode)})
            for key, prompt in prompts.items()
        ]
        try:
            file = self._sdk.files.create(file=(f"{name}.jsonl", "\n".join(lines).encode()), purpose="batch")
            batch = self._sdk.batches.create(
                input_file_id=file.id, endpoint=_ENDPOINT, completion_window="24h", metadata={"name": name}
            )
        except Exception as error:  # noqa: BLE001 - as for a reply
            raise self._sorted(error) from None
        return str(batch.id)

    def find(self, name: str) -> str | None:
        """Return the server's name for a batch that was handed over under ours.

        Raises:
            CallError: batches are not listed.
        """
        try:
            return next((one.id for one in self._sdk.batches.list() if (one.metadata or {}).get("name") == name), None)
        except Exception as error:  # noqa: BLE001 - as for a reply
            raise self._sorted(error) from None

    def fetch(self, handle: str) -> Mapping[str, Reply | CallError] | None:
        """Return the replies by key, None while the batch is not ready.

        Raises:
            CallError: it failed, or cannot be asked.
        """
        try:
            batch = self._sdk.batches.retrieve(handle)
            files = [one for one in (batch.output_file_id, batch.error_file_id) if one]
            texts = [self._sdk.files.content(one).text for one in files]
        except Exception as error:  # noqa: BLE001 - as for a reply
            raise self._sorted(error) from None
        if batch.status in {"failed", "cancelled"}:
            raise CallError("request", tr("the batch ended as {state}", state=batch.status))
        if batch.status not in {"completed", "expired"}:
            return None
        rows = [json.loads(line) for text in texts for line in text.splitlines() if line.strip()]
        return {str(row["custom_id"]): self._of_batch(row) for row in rows if "custom_id" in row}

    def _of_batch(self, row: Mapping[str, Any]) -> Reply | CallError:
        response = row.get("response") or {}
        if response.get("status_code") != httpx2.codes.OK:
            said = row.get("error") or response.get("body")
            return CallError("empty", tr("the batch says {said}", said=self.secrets.hide(str(said))))
        try:
            return _read(ChatCompletion.model_validate(response["body"]), _ANY_PROMPT, self.secrets)
        except CallError as error:
            return error
        except ValueError as error:
            return CallError("empty", tr("not a chat completion: {said}", said=str(error)))

    def _body(self, prompt: Prompt, mode: Mode) -> dict[str, Any]:
        """Return the body of one line of a batch."""
        options = {
            "model": self.model,
            "messages": [{"role": one.role, "content": sendable(one.content)} for one in prompt.messages],
            "temperature": prompt.temperature,
            self._limit_name: prompt.max_tokens,
            "reasoning_effort": self._settings.reasoning_effort,
            "response_format": _response_format(prompt.schema, mode if prompt.schema else "text"),
            **_logprobs(prompt),
            **(self._settings.extra_body or {}),
        }
        return {name: value for name, value in options.items() if value is not None}

    def _renamed_limit(self, error: openai.APIStatusError, prompt: Prompt) -> bool:
        """Return whether the server wants another name for the longest reply; it is used from then on."""
        wanted = error.status_code == httpx2.codes.BAD_REQUEST and _OTHER_LIMIT_NAME in error_text(error.body)
        if not wanted or prompt.max_tokens is None or self._limit_name == _OTHER_LIMIT_NAME:
            return False
        self._limit_name = _OTHER_LIMIT_NAME
        return True

    def _sorted(self, error: BaseException) -> CallError:
        """Return what an exception means, without the key should the server have echoed it."""
        if isinstance(error, CallError):
            return error.without(self.secrets)
        if isinstance(error, openai.APIStatusError):
            return self._sorted_status(error)
        if isinstance(error, openai.APIConnectionError) and error.__cause__ is not None:
            return self._sorted(error.__cause__)
        detail = self.secrets.hide(f"{type(error).__name__}: {error}")
        if isinstance(error, openai.APITimeoutError | httpx2.TimeoutException):
            return CallError("timeout", own_words(error) or detail)
        if isinstance(error, httpx2.ConnectError | httpx2.UnsupportedProtocol | httpx2.ProxyError):
            return CallError("network", own_words(error) or network_said(detail))
        return self._http.status_lost_by_the_sdk() or CallError("reply", detail)

    def _sorted_status(self, error: openai.APIStatusError) -> CallError:
        response = error.response
        found = sorted_error(response.status_code, response.headers, error.body, day_zone=self._settings.day_zone)
        return found.without(self.secrets)


def _in_its_own_header(request: httpx2.Request) -> httpx2.Request:
    request.headers["api-key"] = request.headers.pop("authorization").removeprefix("Bearer ")
    return request


def _response_format(schema: Mapping[str, Any] | None, mode: Mode) -> dict[str, Any] | None:
    if schema is None or mode == "text":
        return None
    if mode == "json":
        return {"type": "json_object"}
    strict = {**schema, "additionalProperties": False}
    return {"type": "json_schema", "json_schema": {"name": "verdict", "schema": strict, "strict": True}}


def _logprobs(prompt: Prompt) -> dict[str, Any]:
    return {"logprobs": True, "top_logprobs": prompt.top_logprobs} if prompt.top_logprobs else {}


def _tokens(choice: object) -> tuple[ReplyToken, ...]:
    """Return the tokens of a reply with their log-probabilities; none where the server gives none that can be read."""
    given = getattr(getattr(choice, "logprobs", None), "content", None)
    if not isinstance(given, list):
        return ()
    tokens: list[ReplyToken] = []
    for one in given:
        listed = [(_field(other, "token"), _field(other, "logprob")) for other in _field(one, "top_logprobs") or ()]  # type: ignore[attr-defined]
        own = _field(one, "token"), _field(one, "logprob")
        choices = {
            text: float(value)
            for text, value in [own, *listed]
            if isinstance(text, str) and isinstance(value, int | float) and value <= 0
        }
        tokens.append(ReplyToken(text=str(own[0]), choices=choices))
    return tuple(tokens)


def _read(completion: object, prompt: Prompt, secrets: Secrets) -> Reply:
    if not isinstance(completion, ChatCompletion):
        raise CallError("reply", tr("not a chat completion: {said}", said=repr(str(completion)[:80])))
    if (error := error_in_reply(completion, day_zone=OpenAISettings.day_zone)) is not None:
        raise error
    choices = getattr(completion, "choices", None)
    if not choices:
        raise CallError("empty" if choices == [] else "reply", tr("no choices"))
    message, reason = getattr(choices[0], "message", None), getattr(choices[0], "finish_reason", None)
    if reason == "content_filter":
        raise CallError("safety", tr("the reply, {reason}", reason="content_filter"))
    if message is None:
        raise CallError("reply", tr("a choice without a message"))
    if refusal := getattr(message, "refusal", None):
        raise CallError("safety", tr("the model refused: {said}", said=str(refusal)))
    text = storable(_text(getattr(message, "content", None)))
    usage = getattr(completion, "usage", None)
    tokens_in, tokens_out = counted(
        prompt, text, getattr(usage, "prompt_tokens", None), getattr(usage, "completion_tokens", None)
    )
    return Reply(
        text=secrets.hide(text),
        finish_reason="length" if reason == "length" else "stop",
        version=shown_version(getattr(completion, "model", None), secrets),
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        tokens=_tokens(choices[0]),
    )


def _text(content: object) -> str:
    """Return a message's text: a string, nothing, or a list of parts.

    Raises:
        CallError: it is something else.
    """
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list):
        raise CallError("reply", tr("the content is a {kind}", kind=type(content).__name__))
    texts = [part if isinstance(part, str) else _field(part, "text") for part in content]
    return "".join(text for text in texts if isinstance(text, str))


def _field(part: object, name: str) -> object:
    return part.get(name) if isinstance(part, dict) else getattr(part, name, None)
