"""The model ``gemini:MODEL``: a Gemini model to evaluate."""

from datetime import UTC, datetime

from harness.models.served import ServedModel
from harness.remote.gemini import GeminiClient
from harness.remote.gemini_models import retirement_notice
from harness.remote.settings import GeminiSettings, read_settings
from harness.types import ModelSpec


def open_gemini(spec: ModelSpec) -> ServedModel:
    """Return the model; its settings are the ``[models.gemini]`` table. The API has no repetition penalty.

    Raises:
        HarnessError: no key is in ``GEMINI_API_KEY`` or ``GOOGLE_API_KEY``, no model is named, it is retired, or a
            setting is wrong.
    """
    settings = read_settings(GeminiSettings, spec.settings, where="[models.gemini]", option=spec.target)
    notice = retirement_notice(str(settings.model), datetime.now(UTC).date())
    sent = {"temperature": settings.temperature == "default", "repetition_penalty": False}
    return ServedModel(spec, GeminiClient(settings), settings, sent=sent, notices=() if notice is None else (notice,))
