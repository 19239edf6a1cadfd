"""Which judges are at hand for ``harness try``: a key, a configured server, one that runs on this machine."""

import json
import os
import urllib.request
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from harness.locale import Text, tr
from harness.specs import Config
from harness.types import Sample

LOCAL_PORTS = {11434: "Ollama", 8080: "llama.cpp", 8000: "vLLM", 1234: "LM Studio"}
"""Where such servers listen unless told otherwise."""

OPENAI_MODEL = "gpt-5.4-mini"
"""Judges by OpenAI's own server unless another model is named; its price is in the shipped table."""

_PROBE_SECONDS = 0.3
_ASK_SECONDS = 3.0
_MOST_BYTES = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AtHand:
    """The judges to ask, with the configuration that opens them. ``tells_quality``: whether any judges by a model."""

    judges: tuple[str, ...]
    config: Config
    tells_quality: bool
    note: Text | None


def judges_at_hand(wanted: Sequence[str], config: Config, samples: Sequence[Sample]) -> AtHand:
    """Return the judges that were named, else the best that are at hand: Gemini, OpenAI, a server on this machine.

    Without a judge model only rules and likeness to references are left.
    """
    if wanted:
        return AtHand(judges=tuple(wanted), config=config, tells_quality=True, note=None)
    if any(os.environ.get(name, "").strip() for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY")):
        return _with("gemini", config, tr("A Gemini key is there."))
    table = config.judges.get("openai", {})
    url = table.get("base_url") or os.environ.get("OPENAI_BASE_URL")
    if url:
        model = table.get("model") or next(iter(models_at(str(url), _ASK_SECONDS)), None)
        if model:
            return _with(f"openai:{model}", config, tr("A server is configured."))
    elif os.environ.get("OPENAI_API_KEY", "").strip():
        return _with(f"openai:{table.get('model') or OPENAI_MODEL}", config, tr("An OpenAI key is there."))
    else:
        with ThreadPoolExecutor(max(1, len(LOCAL_PORTS))) as pool:
            urls = [f"http://127.0.0.1:{port}/v1" for port in LOCAL_PORTS]
            answers = list(pool.map(lambda one: models_at(one, _PROBE_SECONDS), urls))
        for server, place, models in zip(LOCAL_PORTS.values(), urls, answers, strict=True):
            if models:
                judges: Mapping[str, Any] = {**config.judges, "openai": {**table, "base_url": place}}
                note = tr(
                    "{server} answers at {place}; a small model judges worse than it seems: harness audit",
                    server=server,
                    place=place,
                )
                return _with(f"openai:{models[0]}", replace(config, judges=judges), note)
    references = ("reference",) if samples and all(sample.reference for sample in samples) else ()
    return AtHand(judges=("rules", *references), config=config, tells_quality=False, note=_without(bool(references)))


def models_at(url: str, seconds: float) -> list[str]:
    """Return the models that an OpenAI-compatible server lists, none if nobody answers in time; embeddings left out."""
    request = urllib.request.Request(f"{url.rstrip('/')}/models")  # noqa: S310 - http or https, as configured
    if key := os.environ.get("OPENAI_API_KEY", "").strip():
        request.add_header("Authorization", f"Bearer {key}")
    try:
        with urllib.request.urlopen(request, timeout=seconds) as reply:  # noqa: S310 - likewise
            listed = json.loads(reply.read(_MOST_BYTES))["data"]
        names = [str(model["id"]) for model in listed]
    except (OSError, ValueError, KeyError, TypeError):  # nobody there, or somebody else
        return []
    return [name for name in names if "embed" not in name.lower()]


def _with(judge: str, config: Config, note: Text) -> AtHand:
    return AtHand(judges=(judge,), config=config, tells_quality=True, note=note)


def _without(has_references: bool) -> Text:
    """Return what is left without a judge model, and what that cannot tell."""
    left = tr("the form of answers (rules)")
    if has_references:
        left = tr("the form of answers (rules) and their likeness to the references")
    return tr(
        "No judge model is at hand: no GEMINI_API_KEY, no OPENAI_API_KEY, no server on this machine. What is left is "
        "{left}. That cannot tell whether an answer is right or helpful. Put a key into the environment (a free one "
        "comes from Google AI Studio), start Ollama, or name a judge with --judge.",
        left=left,
    )
