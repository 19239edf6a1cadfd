"""Google's models through the google-genai SDK: one prompt in, one reply or one sorted error out.

The SDK does not retry by itself (its ``retry_options`` are off unless asked for): `harness.remote.retry` decides.
"""

import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
from google import genai
from google.genai import errors, types

from harness.codec import digest
from harness.errors import MissingKeyError, ServiceSettingsError
from harness.locale import tr
from harness.locale.system import network_said
from harness.remote.call import (
    CallError,
    Prompt,
    Reply,
    counted,
    seconds_to_wait,
    sendable,
    sensible_wait,
    shown_version,
    sorted_status,
    storable,
)
from harness.remote.gemini_models import check_thinking, takes_temperature
from harness.remote.quota import LONGEST_WAIT, PACIFIC, next_day
from harness.remote.redaction import Secrets
from harness.remote.settings import GeminiSettings, find_key, split_address
from harness.remote.transport import BoundedClient, own_words

KEY_VARIABLES = ("GEMINI_API_KEY", "GOOGLE_API_KEY")
_EITHER = tr("{first} or {last}", first=KEY_VARIABLES[0], last=KEY_VARIABLES[1])
URL_VARIABLE = "GOOGLE_GEMINI_BASE_URL"

# With both set, the SDK warns that it uses the other one, although it is handed the first.
logging.getLogger("google_genai._api_client").addFilter(lambda record: not record.getMessage().startswith("Both "))

_BLOCKED = frozenset({
    "SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "ESCALATION", "MODEL_ARMOR",
})  # fmt: skip
_CUT_OFF = frozenset({"MAX_TOKENS", "CONTINUATION"})
_COUNTS = ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount")
_ANY_PROMPT = Prompt(messages=())  # of a batch: its replies are counted by nobody
_PAGE = 1000  # models in one list: all of them
_HARMS = ("HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT")


class GeminiClient:
    """Google's API, or whatever speaks its ``generateContent`` at ``settings.base_url``.

    Raises:
        HarnessError: no key is in the environment, or a setting is none that the API knows.
    """

    def __init__(self, settings: GeminiSettings) -> None:
        self.model = str(settings.model)
        check_thinking(self.model, settings.thinking_budget, settings.thinking_level)
        self._settings = settings
        key = find_key(settings, *KEY_VARIABLES)
        if key is None:
            raise MissingKeyError(
                tr(
                    "Gemini needs an API key, and {api_key_env} is not set.",
                    api_key_env=settings.api_key_env or _EITHER,
                ),
                hint=tr("Put the key into that environment variable; a free one comes from Google AI Studio."),
            )
        url = settings.base_url or os.environ.get(URL_VARIABLE)
        address = split_address(url) if url else None
        self.secrets = Secrets([key, *(address.secrets if address else ())])
        self._http = BoundedClient(settings, address, mend=_without_odd_counts)
        options = types.HttpOptions(
            base_url=address.url if address else None,
            api_version=settings.api_version,
            timeout=round(settings.timeout * 1000),
            httpx_client=self._http,
        )
        self._sdk = genai.Client(api_key=key, vertexai=False, http_options=options)
        self.quota = f"gemini {self.model.removeprefix('models/')} {digest(key)[:8]}"
        self._safety = _safety_settings(settings)
        self._thinking = _thinking_config(settings)

    def __repr__(self) -> str:
        return f"GeminiClient({self.model!r})"

    @property
    def identity(self) -> Mapping[str, Any]:
        """The model and what it is told besides the prompt; not the address, because the model's name is Google's."""
        settings = self._settings
        return {
            "server": "gemini",
            "model": self.model.removeprefix("models/"),
            "thinking_budget": settings.thinking_budget,
            "thinking_level": settings.thinking_level,
            "safety": settings.safety,
        }

    def hurried(self, seconds: float) -> "GeminiClient":
        """Return the same client, whose calls take no longer than so many seconds."""
        return GeminiClient(replace(self._settings, timeout=seconds))

    def models(self) -> Sequence[str]:
        """Return the names of the models that the key may use.

        Raises:
            CallError: they are not listed.
        """
        try:
            listed = list(self._sdk.models.list(config={"page_size": _PAGE, "query_base": True}))
        except Exception as error:  # noqa: BLE001 - as for a reply
            raise self._sorted(error) from None
        return [str(model.name).removeprefix("models/") for model in listed if model.name]

    def send(self, prompt: Prompt) -> Reply:
        """Return the reply to one prompt; a repetition penalty is not sent, the API has none.

        Raises:
            CallError: there is none, or not all of it.
        """
        system, contents = _turns(prompt)
        try:
            response = self._sdk.models.generate_content(
                model=self.model, contents=contents, config=self._config(prompt, system)
            )
            return _read(response, prompt, self.secrets)
        except Exception as error:  # noqa: BLE001 - whatever the SDK raises on a reply it cannot read is the reply's fault
            raise self._sorted(error) from None

    def submit(self, prompts: Mapping[str, Prompt], name: str) -> str:
        """Hand a batch over; return Google's name for it.

        Raises:
            CallError: it was not taken.
        """
        requests = []
        for key, prompt in prompts.items():
            system, contents = _turns(prompt)
            config = self._config(prompt, system)
            requests.append(types.InlinedRequest(contents=contents, config=config, metadata={"key": key}))
        try:
            job = self._sdk.batches.create(
                model=self.model, src=requests, config=types.CreateBatchJobConfig(display_name=name)
            )
        except Exception as error:  # noqa: BLE001 - as for a reply
            raise self._sorted(error) from None
        return str(job.name)

    def find(self, name: str) -> str | None:
        """Return Google's name for a batch that was handed over under ours.

        Raises:
            CallError: batches are not listed.
        """
        try:
            return next((job.name for job in self._sdk.batches.list() if job.display_name == name), None)
        except Exception as error:  # noqa: BLE001 - as for a reply
            raise self._sorted(error) from None

    def fetch(self, handle: str) -> Mapping[str, Reply | CallError] | None:
        """Return the replies by key, None while the batch is not ready.

        Raises:
            CallError: it failed, or cannot be asked.
        """
        try:
            job = self._sdk.batches.get(name=handle)
        except Exception as error:  # noqa: BLE001 - as for a reply
            raise self._sorted(error) from None
        state = _name(job.state).removeprefix("JOB_STATE_")
        if state in {"FAILED", "CANCELLED", "EXPIRED"}:
            raise CallError("request", tr("the batch ended as {state}", state=state))
        if state not in {"SUCCEEDED", "PARTIALLY_SUCCEEDED"}:
            return None
        found: dict[str, Reply | CallError] = {}
        for one in (job.dest.inlined_responses or []) if job.dest else []:
            key = (one.metadata or {}).get("key")
            if key is None:
                continue
            try:
                found[key] = (
                    _read(one.response, _ANY_PROMPT, self.secrets)
                    if one.response is not None
                    else CallError("empty", tr("the batch says {said}", said=self.secrets.hide(str(one.error))))
                )
            except CallError as error:
                found[key] = error
        return found

    def _config(self, prompt: Prompt, system: str) -> types.GenerateContentConfig:
        return types.GenerateContentConfig(
            system_instruction=system or None,
            temperature=prompt.temperature if takes_temperature(self.model) else None,
            max_output_tokens=prompt.max_tokens,
            seed=prompt.seed,
            stop_sequences=list(prompt.stop) or None,
            response_mime_type="application/json" if prompt.schema else None,
            response_schema=_google_schema(prompt.schema) if prompt.schema else None,
            safety_settings=self._safety,
            thinking_config=self._thinking,
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        )

    def _sorted(self, error: Exception) -> CallError:
        """Return what an exception means, without the key should the server have echoed it."""
        if isinstance(error, CallError):
            return error.without(self.secrets)
        if isinstance(error, errors.APIError):
            return self._sorted_status(error)
        detail = self.secrets.hide(f"{type(error).__name__}: {error}")
        if isinstance(error, httpx2.TimeoutException):
            return CallError("timeout", own_words(error) or detail)
        if isinstance(error, httpx2.ConnectError | httpx2.UnsupportedProtocol | httpx2.ProxyError):
            return CallError("network", own_words(error) or network_said(detail))
        return self._http.status_lost_by_the_sdk() or CallError("reply", detail)

    def _sorted_status(self, error: errors.APIError) -> CallError:
        facts = list(_details(error.details))
        detail = self.secrets.hide(f"HTTP {error.code} {error.status or ''} {error.message or ''}")
        wait = seconds_to_wait(getattr(error.response, "headers", {}))
        if any(fact.get("reason") == "API_KEY_INVALID" for fact in facts):
            return CallError("key", detail)
        if error.code == httpx2.codes.TOO_MANY_REQUESTS:
            wait = wait if wait is not None else _retry_delay(facts)
        violations = list(_violations(facts))
        if error.code == httpx2.codes.TOO_MANY_REQUESTS and any(map(_is_daily, violations)):
            # Some replies name a few seconds here, which are those of the quota of a minute.
            until = datetime.now(UTC) + timedelta(seconds=wait) if wait is not None and wait > LONGEST_WAIT else None
            return CallError("day", detail, until=until or next_day(datetime.now(UTC), PACIFIC))
        used_up = any(violation.get("quotaValue") == "0" for violation in violations)
        return sorted_status(error.code, detail, wait=wait, used_up=used_up, names_a_quota=bool(violations))


def _turns(prompt: Prompt) -> tuple[str, list[types.Content]]:
    """Return the system text and the turns of a conversation."""
    system = "\n\n".join(message.content for message in prompt.messages if message.role == "system")
    contents = [
        types.Content(
            role="model" if message.role == "assistant" else "user",
            parts=[types.Part(text=sendable(message.content))],
        )
        for message in prompt.messages
        if message.role != "system"
    ]
    return sendable(system), contents


def _safety_settings(settings: GeminiSettings) -> list[types.SafetySetting] | None:
    if settings.safety is None:
        return None
    table = dict.fromkeys(_HARMS, settings.safety) if isinstance(settings.safety, str) else dict(settings.safety)
    return [
        types.SafetySetting(
            category=_member(types.HarmCategory, f"HARM_CATEGORY_{category.upper().removeprefix('HARM_CATEGORY_')}"),
            threshold=_member(types.HarmBlockThreshold, threshold.upper()),
        )
        for category, threshold in table.items()
    ]


def _thinking_config(settings: GeminiSettings) -> types.ThinkingConfig | None:
    if settings.thinking_budget is None and settings.thinking_level is None:
        return None
    level = settings.thinking_level
    return types.ThinkingConfig(
        thinking_budget=settings.thinking_budget,
        thinking_level=_member(types.ThinkingLevel, level.upper()) if level else None,
    )


def _member(kind: Any, name: str) -> Any:  # noqa: ANN401 - an enumeration class and one of its members
    known = [member.name for member in kind]
    if name not in known:
        raise ServiceSettingsError(
            tr("{name!r} is no {name_2} of the Gemini API.", name=name, name_2=kind.__name__),
            hint=tr("Known: {known}.", known=", ".join(known)),
        )
    return kind[name]


def _google_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a JSON schema in the spelling of Google's Schema type."""
    spelt = {key: schema[key] for key in ("description", "enum", "minimum", "maximum", "required") if key in schema}
    spelt["type"] = str(schema["type"]).upper()
    if "properties" in schema:
        spelt["properties"] = {name: _google_schema(part) for name, part in schema["properties"].items()}
        spelt["property_ordering"] = list(schema["properties"])
    return spelt


def _read(response: types.GenerateContentResponse, prompt: Prompt, secrets: Secrets) -> Reply:
    feedback = response.prompt_feedback
    if feedback is not None and feedback.block_reason is not None:
        raise CallError("safety", tr("the prompt, {reason}", reason=_name(feedback.block_reason)))
    if not response.candidates:
        if response.usage_metadata is None and response.model_version is None:
            raise CallError("reply", tr("not a reply of generateContent"))  # the SDK reads any JSON as one
        raise CallError("empty", tr("no candidates"))
    candidate = response.candidates[0]
    if candidate.content is None and candidate.finish_reason is None:
        raise CallError("reply", tr("a candidate that holds nothing"))
    reason = _name(candidate.finish_reason) if candidate.finish_reason else "STOP"
    if reason in _BLOCKED:
        raise CallError("safety", tr("the reply, {reason}", reason=reason))
    parts = (candidate.content.parts or []) if candidate.content else []
    text = "".join(part.text for part in parts if part.text and not part.thought)
    if not text and reason not in {"STOP", *_CUT_OFF}:
        raise CallError("empty", tr("finish reason {reason}", reason=reason))
    usage = response.usage_metadata
    written = [usage.candidates_token_count, usage.thoughts_token_count] if usage else []
    tokens_in, tokens_out = counted(
        prompt,
        text,
        usage.prompt_token_count if usage else None,
        sum(filter(None, written)) if any(count is not None for count in written) else None,
    )
    return Reply(
        text=secrets.hide(storable(text)),
        finish_reason="length" if reason in _CUT_OFF else "stop",
        version=shown_version(response.model_version, secrets),
        tokens_in=tokens_in,
        tokens_out=tokens_out,
    )


def _without_odd_counts(body: bytes) -> bytes:
    """Return a reply without token counts that are none: the SDK would refuse the whole reply, or believe them."""
    try:
        reply = json.loads(body)
    except (ValueError, RecursionError):
        return body  # the SDK's to refuse
    usage = reply.get("usageMetadata") if isinstance(reply, dict) else None
    if usage is None:
        return body
    table = usage if isinstance(usage, dict) else {}
    sound = {name: table[name] for name in _COUNTS if type(table.get(name)) is int and table[name] >= 0}
    return json.dumps({**reply, "usageMetadata": sound}).encode()


def _name(value: object) -> str:
    return str(getattr(value, "name", value))


def _details(body: object) -> Iterator[Mapping[str, Any]]:
    """Yield the ``details`` entries of a Google error body that are objects."""
    error = body.get("error", body) if isinstance(body, dict) else {}
    details = error.get("details", []) if isinstance(error, dict) else []
    yield from (entry for entry in details if isinstance(entry, dict)) if isinstance(details, list) else ()


def _retry_delay(facts: list[Mapping[str, Any]]) -> float | None:
    """Return the seconds of a google.rpc.RetryInfo (``"34.5s"``), or None without a sensible one."""
    for fact in facts:
        delay = str(fact.get("retryDelay", "")).removesuffix("s")
        if delay.replace(".", "", 1).isdecimal():
            return sensible_wait(float(delay))
    return None


def _violations(facts: list[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield the entries of a google.rpc.QuotaFailure."""
    for fact in facts:
        entries = fact.get("violations")
        yield from (entry for entry in entries if isinstance(entry, dict)) if isinstance(entries, list) else ()


def _is_daily(violation: Mapping[str, Any]) -> bool:
    """Return whether a quota is a day's; one of 0 begins anew on no day."""
    return "PerDay" in str(violation.get("quotaId")) and violation.get("quotaValue") != "0"
