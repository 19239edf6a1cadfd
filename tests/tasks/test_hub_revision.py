"""Data sets at the revision of the first use, from a loopback server that speaks the Hub's protocol."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

FIRST, SECOND = "a" * 40, "b" * 40
PROGRAM = """
import json, sys
from harness.errors import HarnessError
from harness.tasks.freeform import open_set
from harness.types import TaskSpec
try:
    settings = {"revision": sys.argv[1]} if len(sys.argv) > 1 else {}
    print(json.dumps([sample.input for sample in open_set(TaskSpec(name="rakuda", settings=settings)).samples()][:1]))
except HarnessError as error:
    print(json.dumps({"message": error.message, "hint": error.hint}))
"""


class Hub(BaseHTTPRequestHandler):
    """A data set whose default branch moves: each commit has another first question."""

    head: list[str]
    asked: list[str]

    def do_HEAD(self) -> None:
        self.answer(with_body=False)

    def do_GET(self) -> None:
        self.answer(with_body=True)

    def answer(self, *, with_body: bool) -> None:
        self.asked.append(self.path)
        if self.path.startswith("/api/datasets/yuzuai/rakuda-questions"):
            revision = self.path.partition("/revision/")[2].partition("?")[0] or self.head[0]
            files = [{"rfilename": name} for name in ("README.md", "questions.jsonl")]
            body = json.dumps({"id": "yuzuai/rakuda-questions", "sha": revision, "siblings": files}).encode()
            commit = revision
        elif "/resolve/" in self.path and "questions.jsonl" in self.path:
            commit = self.path.partition("/resolve/")[2].partition("/")[0]
            body = "".join(json.dumps({"text": f"{commit[0]}{n}"}) + "\n" for n in range(40)).encode()
        else:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("X-Repo-Commit", commit)
        self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@contextmanager
def hub() -> Iterator[tuple[str, type[Hub]]]:
    """Run a loopback Hub; yield its address and its state."""
    handler = type("MovingHub", (Hub,), {"head": [FIRST], "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", handler
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def ask(endpoint: str, home: Path, *revision: str) -> Any:
    """Open the task in a process of its own, because the Hub's client reads its environment when imported."""
    environment = os.environ | {
        "HF_ENDPOINT": endpoint,
        "HF_HOME": str(home / "hf"),
        "HARNESS_CACHE": str(home / "cache"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_TOKEN", "HF_HUB_CACHE"):
        environment.pop(name, None)
    command = [sys.executable, "-c", PROGRAM, *revision]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    return json.loads(done.stdout)


def test_the_first_revision_stays(tmp_path: Path) -> None:
    """The branch moves on: the next run reads the commit of the first, without asking; another one by name."""
    with hub() as (endpoint, state):
        assert ["a0"] == ask(endpoint, tmp_path)
        record = json.loads((tmp_path / "cache" / "task-revisions.json").read_text())
        assert {"yuzuai/rakuda-questions": {"revision": FIRST, "file": "questions.jsonl"}} == record
        state.head[0] = SECOND
        state.asked.clear()
        assert ["a0"] == ask(endpoint, tmp_path)
        assert [] == state.asked
        assert ["b0"] == ask(endpoint, tmp_path, SECOND)
    assert ["b0"] == ask(endpoint, tmp_path)  # it is on record now, and no server is there


def test_no_hub(tmp_path: Path) -> None:
    """The error says how to do without."""
    said = ask("http://127.0.0.1:9", tmp_path)
    assert "Task 'rakuda' could not be fetched from the Hub (yuzuai/rakuda-questions@main)" in said["message"]
    assert "--task rakuda=PATH" in said["hint"]
