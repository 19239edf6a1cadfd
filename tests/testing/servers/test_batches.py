"""Batches as OpenAI's own SDK hands them over and takes them back; single calls go where they went before."""

import json

import openai as sdk

from harness.testing import Call, Step, serve
from harness.testing.servers import openai
from harness.testing.servers.batches import Batches


def line(number: int, text: str) -> str:
    """One request of a batch."""
    body = {"model": "m", "messages": [{"role": "user", "content": text}]}
    return json.dumps({"custom_id": str(number), "method": "POST", "url": "/v1/chat/completions", "body": body})


def echoed(call: Call) -> Step:
    """A reply that says what was asked."""
    return openai.reply(f"got {openai.asked(call)}")


def test_a_batch_is_done_after_so_many_looks_and_answers_each_prompt() -> None:
    """Whatever the order of its lines; a prompt that is dropped has no reply."""
    script = Batches(echoed, looks=2, dropped=("lost",))
    with serve(script) as server:
        client = sdk.OpenAI(api_key="k", base_url=server.url, max_retries=0)
        content = "\n".join([line(0, "a"), line(1, "lost"), line(2, "c")]).encode()
        file = client.files.create(file=("b.jsonl", content), purpose="batch")
        made = client.batches.create(
            input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h", metadata={"run": "r"}
        )
        states = [client.batches.retrieve(made.id).status for _ in range(3)]
        done = client.batches.retrieve(made.id)
        assert ["in_progress", "in_progress", "completed"] == states
        assert {"run": "r"} == done.metadata
        rows = [json.loads(one) for one in client.files.content(str(done.output_file_id)).text.splitlines()]
        single = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "now"}])
    said = {row["custom_id"]: row["response"]["body"]["choices"][0]["message"]["content"] for row in rows}
    assert {"0": "got a", "2": "got c"} == said
    assert ("got now", 1, 1) == (single.choices[0].message.content, script.handed_over, script.single)
