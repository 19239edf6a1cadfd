"""The judge `openai`: a model behind any OpenAI-compatible server applies a rubric, one answer per call."""

from harness.remote.openai import OpenAIClient
from harness.remote.settings import OpenAISettings, read_settings
from harness.types import JudgeSpec
from judges.llm import RubricJudge


def open_openai(spec: JudgeSpec) -> RubricJudge:
    """Return the judge ``openai:MODEL``; its settings are the ``[judges.openai]`` table.

    Raises:
        HarnessError: OpenAI's own server is asked without a key, no model is named, or a setting is wrong.
        UsageError: the rubric has no digit whose probability could be read, with ``logprobs``.
    """
    settings = read_settings(OpenAISettings, spec.settings, where="[judges.openai]", option=spec.option)
    most_outside = settings.most_outside if settings.logprobs else None
    is_noisy = settings.reasoning_effort is not None
    return RubricJudge(spec, OpenAIClient(settings), settings, most_outside=most_outside, is_noisy=is_noisy)
