"""Batches on the wires of Gemini and OpenAI: handed over, looked at, and answered as a script of single calls would."""

import json
import re
import threading
from typing import Any

from harness.testing.servers.loopback import Call, Script, Step


class Batches:
    """A script that takes batches, and answers each prompt of them by another script; single calls go there at once.

    ``looks``: how often a batch is looked at before it is done. ``dropped``: prompts whose text holds one of these get
    no reply. ``handed_over`` counts batches, ``single`` the calls that were none.
    """

    def __init__(self, script: Script, *, looks: int = 1, dropped: tuple[str, ...] = ()) -> None:
        self.handed_over = 0
        self.single = 0
        self.dropped = dropped
        self.looks = looks
        self._script = script
        self._batches: dict[str, dict[str, Any]] = {}
        self._files: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def __call__(self, call: Call) -> Step:  # noqa: PLR0911 - one for each path
        """Return how one request is answered."""
        path = call.path.partition("?")[0]
        with self._lock:
            if path.endswith(":batchGenerateContent"):
                return self._take_google(call)
            if "/batches" in path and "x-goog-api-key" in call.headers:
                return self._show_google(path)
            if path.endswith("/files") and call.method == "POST":
                return self._upload(call)
            if path.endswith("/content"):
                return Step(self._files[path.split("/")[-2]], content_type="application/jsonl")
            if path.endswith("/batches") and call.method == "POST":
                return self._take_openai(call)
            if "/batches" in path:
                return self._show_openai(path)
            self.single += 1
        return self._script(call)

    def _answer(self, call: Call, body: Any, text: str) -> Any:
        if any(word in text for word in self.dropped):
            return None
        asked = Call(number=0, at=call.at, path=call.path, headers=call.headers, body=body)
        return json.loads(self._script(asked).payload)

    def _take_google(self, call: Call) -> Step:
        batch = call.body["batch"]
        name = f"batches/{len(self._batches)}"
        replies = []
        for one in batch["inputConfig"]["requests"]["requests"]:
            text = one["request"]["contents"][-1]["parts"][0]["text"]
            if (reply := self._answer(call, one["request"], text)) is not None:
                replies.append({"response": reply, "metadata": one["metadata"]})
        self._batches[name] = {"shown": batch["displayName"], "replies": replies[::-1], "looks": self.looks}
        self.handed_over += 1
        return Step(self._google(name))

    def _google(self, name: str) -> dict[str, Any]:
        kept = self._batches[name]
        done = kept["looks"] <= 0
        state = "BATCH_STATE_SUCCEEDED" if done else "BATCH_STATE_RUNNING"
        metadata: dict[str, Any] = {"displayName": kept["shown"], "state": state}
        if done:
            metadata["output"] = {"inlinedResponses": {"inlinedResponses": kept["replies"]}}
        return {"name": name, "metadata": metadata}

    def _show_google(self, path: str) -> Step:
        if path.endswith("/batches"):
            return Step({"operations": [self._google(name) for name in self._batches]})
        name = f"batches/{path.rpartition('/')[2]}"
        shown = self._google(name)
        self._batches[name]["looks"] -= 1
        return Step(shown)

    def _upload(self, call: Call) -> Step:
        name = f"file-{len(self._files)}"
        found = re.search(rb"\r\n\r\n(\{.*\})\s*\r\n--", call.raw, re.DOTALL)
        self._files[name] = found[1] if found else b""
        return Step({"id": name, "object": "file", "bytes": 1, "created_at": 1, "filename": "b", "purpose": "batch"})

    def _take_openai(self, call: Call) -> Step:
        name = f"batch_{len(self._batches)}"
        lines = []
        for line in self._files[call.body["input_file_id"]].splitlines():
            row = json.loads(line)
            text = row["body"]["messages"][-1]["content"]
            if (reply := self._answer(call, row["body"], text)) is not None:
                response = {"status_code": 200, "request_id": "r", "body": reply}
                lines.append(json.dumps({"custom_id": row["custom_id"], "response": response, "error": None}))
        self._files[f"out-{name}"] = "\n".join(lines[::-1]).encode()
        self._batches[name] = {"metadata": call.body["metadata"], "looks": self.looks}
        self.handed_over += 1
        return Step(self._openai(name))

    def _openai(self, name: str) -> dict[str, Any]:
        kept = self._batches[name]
        done = kept["looks"] <= 0
        return {
            "id": name, "object": "batch", "endpoint": "/v1/chat/completions", "input_file_id": "f", "created_at": 1,
            "completion_window": "24h", "status": "completed" if done else "in_progress",
            "metadata": kept["metadata"], "output_file_id": f"out-{name}" if done else None,
        }  # fmt: skip

    def _show_openai(self, path: str) -> Step:
        if path.endswith("/batches"):
            return Step({"object": "list", "data": [self._openai(name) for name in self._batches], "has_more": False})
        name = path.rpartition("/")[2]
        shown = self._openai(name)
        self._batches[name]["looks"] -= 1
        return Step(shown)
