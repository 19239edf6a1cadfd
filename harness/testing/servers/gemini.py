"""Gemini's ``generateContent`` on the wire: replies, blocks and errors as the API documents them."""

from typing import Any

from harness.testing.servers.loopback import Call, Step


def reply(
    text: str | None,
    *,
    version: str = "gemini-test-001",
    finish: str = "STOP",
    tokens: tuple[int, int] = (100, 20),
    thought: str | None = None,
) -> Step:
    """One candidate."""
    parts = [{"text": thought, "thought": True}] if thought else []
    parts += [{"text": text}] if text is not None else []
    usage: dict[str, Any] = {
        "promptTokenCount": tokens[0],
        "candidatesTokenCount": tokens[1],
        "totalTokenCount": sum(tokens),
    }
    if thought:
        usage["thoughtsTokenCount"] = 7
    return Step({
        "candidates": [{"content": {"parts": parts, "role": "model"}, "finishReason": finish, "index": 0}],
        "usageMetadata": usage,
        "modelVersion": version,
    })  # fmt: skip


def no_candidates() -> Step:
    """A reply without candidates."""
    return Step({"candidates": [], "usageMetadata": {"promptTokenCount": 9}, "modelVersion": "gemini-test-001"})


def prompt_blocked(reason: str = "PROHIBITED_CONTENT") -> Step:
    """The prompt was blocked."""
    return Step({"promptFeedback": {"blockReason": reason}, "modelVersion": "gemini-test-001"})


def error(
    status: int, name: str, message: str = "", *details: dict[str, Any], retry_after: float | None = None
) -> Step:
    """A Google error body."""
    headers = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
    body = {"error": {"code": status, "message": message, "status": name, "details": list(details)}}
    return Step(body, status=status, headers=headers)


def too_many(*details: dict[str, Any], retry_after: float | None = None) -> Step:
    """Error 429."""
    message = "You exceeded your current quota, please check your plan and billing details."
    return error(429, "RESOURCE_EXHAUSTED", message, *details, retry_after=retry_after)


def retry_info(delay: str) -> dict[str, Any]:
    """The detail that says when to come back."""
    return {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}


def quota_failure(quota_id: str, value: str = "50") -> dict[str, Any]:
    """The detail that says which quota is used up."""
    violation = {"quotaMetric": "generate_content_free_tier_requests", "quotaId": quota_id, "quotaValue": value}
    return {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]}


def bad_key(echo: str = "") -> Step:
    """Error 400 for a key that does not exist; ``echo`` is a server that repeats it."""
    detail = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
    return error(400, "INVALID_ARGUMENT", f"API key not valid. Please pass a valid API key. {echo}", detail)


def asked(call: Call) -> str:
    """The text of the last turn that the client sent."""
    return str(call.body["contents"][-1]["parts"][0]["text"])
