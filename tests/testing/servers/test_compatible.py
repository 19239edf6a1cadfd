"""What other servers send: the SDK takes each for what it is, and its shape is the documented one."""

import inspect
from typing import Any

import openai as sdk
import pytest

from harness.testing import Step, in_turn, serve
from harness.testing.servers import compatible

ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "openrouter_reply": ("4",), "openrouter_error": (502,), "openrouter_broken_choice": ("4",),
    "openrouter_flagged": ("x",), "ollama_reply": ("4",), "ollama_missing": ("m",), "lm_studio_reply": ("4",),
    "lm_studio_wrong_path": ("/x",), "azure_reply": ("4",), "llama_server_too_long": (9, 5), "vllm_too_long": (9, 5),
}  # fmt: skip
NAMES = [name for name, made in inspect.getmembers(compatible, inspect.isfunction) if not name.startswith("_")]


@pytest.mark.parametrize("name", NAMES)
def test_the_sdk_reads_it(name: str) -> None:
    """A reply has a choice with the text; an error with another status than 200 is raised as such."""
    step: Step = getattr(compatible, name)(*ARGUMENTS.get(name, ()))
    with serve(in_turn(step)) as server:
        client = sdk.OpenAI(api_key="k", base_url=f"{server.url}/v1", max_retries=0)
        ask = client.chat.completions.create
        messages: list[Any] = [{"role": "user", "content": "a"}]
        if step.status == 200:
            read = ask(model="m", messages=messages)
            assert name.endswith("_reply") == (
                not getattr(read, "error", None)
                and read.choices[0].message.content == "4"
                and read.choices[0].finish_reason == "stop"
            )
        else:
            with pytest.raises(sdk.APIStatusError) as raised:
                ask(model="m", messages=messages)
            assert step.status == raised.value.status_code
