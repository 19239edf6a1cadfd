"""The records that flow through the harness, in flow order: samples, requests, generations, judgements, estimates.

All are frozen, slotted and keyword-only. None knows how it is stored or shown.
"""

from harness.types.answers import Estimate, FinishReason, Generation, Judgement, Request, RowKey, Status, Verdict
from harness.types.asked import Declaration, Estimand, EvalSpec, JudgeSpec, ModelSpec, Sampling, TaskSpec
from harness.types.prompts import (
    BosPolicy,
    Message,
    Probe,
    PromptContract,
    PromptFormat,
    RenderedPrompt,
    Role,
    SpecialToken,
    TokenPolicy,
)
from harness.types.samples import LATER, PlannedTask, Sample
from harness.types.scale import LIKERT_5, PASS_FAIL, PERCENT, UNIT, Scale

__all__ = [
    "LATER",
    "LIKERT_5",
    "PASS_FAIL",
    "PERCENT",
    "UNIT",
    "BosPolicy",
    "Declaration",
    "Estimand",
    "Estimate",
    "EvalSpec",
    "FinishReason",
    "Generation",
    "JudgeSpec",
    "Judgement",
    "Message",
    "ModelSpec",
    "PlannedTask",
    "Probe",
    "PromptContract",
    "PromptFormat",
    "RenderedPrompt",
    "Request",
    "Role",
    "RowKey",
    "Sample",
    "Sampling",
    "Scale",
    "SpecialToken",
    "Status",
    "TaskSpec",
    "TokenPolicy",
    "Verdict",
]
