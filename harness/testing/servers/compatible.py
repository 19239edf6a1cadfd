"""OpenAI's wire as other servers speak it: what OpenRouter, Ollama, LM Studio, Azure, llama.cpp and vLLM add to it.

Shapes are those of their documentation and of public error reports as of November 2026; those of llama.cpp and vLLM
were seen on the servers themselves.
"""

from typing import Any

from harness.testing.servers.loopback import Step


def openrouter_reply(text: str | None, *, reasoning: str | None = None, finish: str = "stop") -> Step:
    """OpenRouter: the provider beside the model, the provider's own ending beside the common one, thinking apart."""
    message = {"role": "assistant", "content": text, "refusal": None, "reasoning": reasoning}
    choice = {"index": 0, "finish_reason": finish, "native_finish_reason": finish.upper(), "message": message}
    return _reply("qwen/qwen3-32b", choice, id="gen-1", provider="DeepInfra")


def openrouter_error(code: int, message: str = "Provider returned error", *, raw: str | None = None) -> Step:
    """OpenRouter: status 200, because the provider failed after it was sent; the error's number is the status."""
    metadata = {"raw": raw, "provider_name": "DeepInfra"} if raw else {}
    return Step({"error": {"message": message, "code": code, "metadata": metadata}, "user_id": "user_1"})


def openrouter_broken_choice(text: str, code: int = 502, message: str = "Upstream error") -> Step:
    """OpenRouter: the beginning of a text, in a choice that ended by an error."""
    choice = {
        "index": 0, "finish_reason": "error", "native_finish_reason": None,
        "message": {"role": "assistant", "content": text, "refusal": None},
        "error": {"code": code, "message": message},
    }  # fmt: skip
    return _reply("qwen/qwen3-32b", choice, id="gen-1", provider="DeepInfra")


def openrouter_flagged(text: str) -> Step:
    """OpenRouter: the prompt was flagged by a moderation that the model requires."""
    metadata = {"reasons": ["violence"], "flagged_input": text[:100], "provider_name": "OpenAI", "model_slug": "m"}
    return Step(
        {"error": {"code": 403, "message": "Your input was flagged (violence)", "metadata": metadata}}, status=403
    )


def ollama_reply(text: str, *, thinking: str | None = None, finish: str = "stop") -> Step:
    """Ollama: thinking under ``reasoning``; an answer that was cut while the model thought has an empty text."""
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if thinking is not None:
        message["reasoning"] = thinking
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return _reply("gemma3:4b", choice, id="chatcmpl-768", system_fingerprint="fp_ollama")


def ollama_missing(model: str) -> Step:
    """Ollama: the model was not pulled."""
    error = {"message": f"model '{model}' not found", "type": "not_found_error", "param": None, "code": None}
    return Step({"error": error}, status=404)


def lm_studio_reply(text: str, *, thinking: str | None = None) -> Step:
    """LM Studio: thinking under ``reasoning_content``, and an object ``stats``."""
    message: dict[str, Any] = {"role": "assistant", "content": text, "tool_calls": []}
    if thinking is not None:
        message["reasoning_content"] = thinking
    choice = {"index": 0, "logprobs": None, "finish_reason": "stop", "message": message}
    return _reply("google/gemma-3-4b", choice, id="chatcmpl-x1", stats={}, system_fingerprint="google/gemma-3-4b")


def lm_studio_no_json_object() -> Step:
    """LM Studio: it takes a schema or nothing, and says so in a bare string."""
    return Step({"error": "'response_format.type' must be 'json_schema' or 'text'"}, status=400)


def lm_studio_wrong_path(path: str) -> Step:
    """LM Studio: status 200 for a path without ``/v1``."""
    return Step({"error": f"Unexpected endpoint or method. (POST {path})"})


def azure_reply(text: str | None, *, finish: str = "stop") -> Step:
    """Azure: what its filters said of the prompt and of the reply."""
    safe = {name: {"filtered": False, "severity": "safe"} for name in ("hate", "self_harm", "sexual", "violence")}
    choice = {
        "index": 0, "finish_reason": finish, "logprobs": None, "content_filter_results": safe,
        "message": {"role": "assistant", "content": text, "refusal": None},
    }  # fmt: skip
    filters = [{"prompt_index": 0, "content_filter_results": safe}]
    return _reply("gpt-4.1-2025-04-14", choice, id="chatcmpl-1", prompt_filter_results=filters)


def azure_filtered_prompt() -> Step:
    """Azure: its filter has refused the prompt."""
    message = (
        "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. "
        "Please modify your prompt and retry."
    )
    found = {"violence": {"filtered": True, "severity": "medium"}, "jailbreak": {"filtered": False, "detected": False}}
    inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": found}
    error = {"message": message, "type": None, "param": "prompt", "code": "content_filter", "status": 400}
    return Step({"error": {**error, "innererror": inner}}, status=400)


def azure_no_deployment() -> Step:
    """Azure: no deployment of that name."""
    message = "The API deployment for this resource does not exist."
    return Step({"error": {"code": "DeploymentNotFound", "message": message}}, status=404)


def llama_server_too_long(tokens: int, context: int) -> Step:
    """llama.cpp's own server: the prompt is longer than the context that it was started with."""
    message = "the request exceeds the available context size, try increasing it"
    kind = "exceed_context_size_error"
    error = {"code": 400, "message": message, "type": kind, "n_prompt_tokens": tokens, "n_ctx": context}
    return Step({"error": error}, status=400)


def llama_server_unfinished() -> Step:
    """llama.cpp's own server: the token limit cut a reply where it is no beginning of what was asked for."""
    message = "The model produced output that does not match the expected peg-native format"
    return Step({"error": {"code": 500, "message": message, "type": "server_error"}}, status=500)


def vllm_too_long(tokens: int, context: int) -> Step:
    """vLLM: prompt and longest reply together are longer than the model's context."""
    message = (
        f"This model's maximum context length is {context} tokens. However, your request has {tokens} input tokens. "
        "Please reduce the length of the input messages."
    )
    return Step({"error": {"message": message, "type": "BadRequestError", "param": None, "code": 400}}, status=400)


def _reply(model: str, choice: dict[str, Any], **more: object) -> Step:
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    body = {"object": "chat.completion", "created": 1, "model": model, "choices": [choice], "usage": usage}
    return Step({**body, **more})
