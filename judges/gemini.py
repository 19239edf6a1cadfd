"""The judge `gemini`: a Gemini model applies a rubric, one answer per call."""

from datetime import UTC, datetime

from harness.remote.gemini import GeminiClient
from harness.remote.gemini_models import DEFAULT_JUDGE, retirement_notice, takes_temperature
from harness.remote.settings import GeminiSettings, read_settings
from harness.types import JudgeSpec
from judges.llm import RubricJudge


def open_gemini(spec: JudgeSpec) -> RubricJudge:
    """Return the judge ``gemini[:MODEL]``; its settings are the ``[judges.gemini]`` table.

    Raises:
        HarnessError: no key is in ``GEMINI_API_KEY`` or ``GOOGLE_API_KEY``, the model is retired, or a setting is
            wrong.
    """
    settings = read_settings(
        GeminiSettings, spec.settings, where="[judges.gemini]", option=spec.option, default=DEFAULT_JUDGE
    )
    notice = retirement_notice(str(settings.model), datetime.now(UTC).date())
    return RubricJudge(
        spec,
        GeminiClient(settings),
        settings,
        notices=() if notice is None else (notice,),
        is_noisy=not takes_temperature(str(settings.model)) or str(settings.model).endswith("-latest"),
    )
