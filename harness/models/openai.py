"""The model ``openai:MODEL``: a model to evaluate behind any OpenAI-compatible server."""

from harness.models.served import ServedModel
from harness.remote.openai import OpenAIClient
from harness.remote.settings import OpenAISettings, read_settings
from harness.types import ModelSpec


def open_openai(spec: ModelSpec) -> ServedModel:
    """Return the model; its settings are the ``[models.openai]`` table.

    The run's repetition penalty is sent as ``repetition_penalty`` (vLLM, SGLang and TGI know it; llama.cpp and Ollama
    ignore it), except to OpenAI's own server, which refuses it; ``repetition_penalty = false`` leaves it out.

    Raises:
        HarnessError: OpenAI's own server is asked without a key, no model is named, or a setting is wrong.
    """
    settings = read_settings(OpenAISettings, spec.settings, where="[models.openai]", option=spec.target)
    client = OpenAIClient(settings)
    sent = {
        "temperature": settings.temperature == "default",
        "repetition_penalty": client.sends_repetition_penalty,
    }
    return ServedModel(spec, client, settings, sent=sent)
