"""The two ELYZA sets: from files, and from a loopback server that speaks the Hub's protocol."""

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from harness.errors import HarnessError, InputError
from harness.tasks.elyza import open_elyza, open_elyza_tv
from harness.types import Sample, TaskSpec
from tests.patience import PATIENCE

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data folder is not here")
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def jsonl(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def hundred() -> list[dict[str, Any]]:
    return [{"input": f"問い{n}", "output": f"答え{n}", "eval_aspect": f"観点{n}"} for n in range(100)]


def tv(path: str | None) -> list[Sample]:
    return list(open_elyza_tv(TaskSpec(name="elyza-tasks-100-tv", source=path)).samples())


def elyza(path: str) -> list[Sample]:
    return list(open_elyza(TaskSpec(name="elyza-tasks-100", source=path)).samples())


class TestElyza:
    @needs_shared
    def test_published_set(self) -> None:
        """The published file gives 100 samples, numbered from 0, whose fields are its columns."""
        path = SHARED / "elyza-tasks-100" / "test.jsonl"
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        expected = [
            Sample(
                id=str(number),
                inputs={"input": row["input"]},
                reference=row["output"],
                criteria=row["eval_aspect"],
            )
            for number, row in enumerate(lines)
        ]
        assert expected == elyza(str(path))

    def test_a_part_is_taken_and_said(self, tmp_path: Path) -> None:
        """Fewer than 100 rows are a part of this set, which is told; the whole set says nothing; more are another."""
        path = jsonl(tmp_path / "a.jsonl", hundred()[1:38])
        part = open_elyza(TaskSpec(name="elyza-tasks-100", source=path))
        assert 37 == len(list(part.samples()))
        assert "37 of its 100 tasks are in the file" in part.notices[0]
        assert "known by their rows" in part.notices[1]
        assert () == open_elyza(TaskSpec(name="elyza-tasks-100", source=jsonl(tmp_path / "b.jsonl", hundred()))).notices
        with pytest.raises(InputError, match="101 tasks, but ELYZA-tasks-100 has 100"):
            elyza(jsonl(tmp_path / "c.jsonl", [*hundred(), hundred()[0]]))

    @pytest.mark.parametrize(("column", "what"), [("output", "reference"), ("eval_aspect", "criteria")])
    def test_missing_references_and_criteria(self, tmp_path: Path, column: str, what: str) -> None:
        """Every task of this set has a reference and criteria; rows without are named."""
        rows = hundred()
        rows[4][column] = ""
        del rows[7][column]
        with pytest.raises(InputError, match=f"2 of 100 tasks have no {what}: rows 4, 7"):
            elyza(jsonl(tmp_path / "a.jsonl", rows))


class TestTv:
    def rows(self) -> list[dict[str, Any]]:
        return [{"task_id": number, "input": f"問い{number}\n二行目"} for number in range(100)]

    @needs_shared
    def test_competition_file_and_its_copies(self, tmp_path: Path) -> None:
        """The real file, its CRLF copy and a copy with objects over several lines give the same samples."""
        original = SHARED / "elyza-tasks-100-tv" / "elyza-tasks-100-TV_0.jsonl"
        text = original.read_text(encoding="utf-8").replace("\r\n", "\n")
        rows = [json.loads(line) for line in text.splitlines()]
        expected = [Sample(id=str(row["task_id"]), inputs={"input": row["input"]}) for row in rows]
        crlf = tmp_path / "crlf.jsonl"
        crlf.write_bytes(text.replace("\n", "\r\n").encode())
        spread = tmp_path / "spread.jsonl"
        spread.write_text("\n".join(json.dumps(row, indent=2) for row in rows))
        assert len(expected) == 100
        assert expected == tv(str(original)) == tv(str(crlf)) == tv(str(spread))

    def test_order_is_that_of_the_ids(self, tmp_path: Path) -> None:
        """A shuffled copy gives the same samples in the same order."""
        rows = self.rows()
        straight = tv(jsonl(tmp_path / "a.jsonl", rows))
        assert straight == tv(jsonl(tmp_path / "b.jsonl", rows[50:] + rows[:50]))
        assert [sample.id for sample in straight] == [str(number) for number in range(100)]

    def test_missing_and_extra_ids(self, tmp_path: Path) -> None:
        """Ids that do not belong are told; a part of the ids is taken, in order, and said."""
        rows = self.rows()
        rows[3]["task_id"], rows[4]["task_id"], rows[5]["task_id"], rows[9]["task_id"] = 100, 101, "x", "y"
        with pytest.raises(InputError, match="ids other than 0 to 99: '100, 101, x, y'"):
            tv(jsonl(tmp_path / "a.jsonl", rows))
        part = [self.rows()[number] for number in (77, 4, 30)]
        opened = open_elyza_tv(TaskSpec(name="elyza-tasks-100-tv", source=jsonl(tmp_path / "b.jsonl", part)))
        assert ["4", "30", "77"] == [sample.id for sample in opened.samples()]
        assert "3 of its 100 tasks are in the file" in opened.notices[0]

    def test_doubled_ids(self, tmp_path: Path) -> None:
        """A doubled id names both lines."""
        path = jsonl(tmp_path / "a.jsonl", [*self.rows(), {"task_id": 7, "input": "x"}])
        with pytest.raises(InputError, match=r"a\.jsonl:101: id '7' was already used on line 8"):
            tv(path)

    def test_no_ids(self, tmp_path: Path) -> None:
        """Without task_id the rows cannot be matched with the competition's."""
        with pytest.raises(InputError, match="no column 'task_id'"):
            tv(jsonl(tmp_path / "a.jsonl", [{"input": "x"}] * 100))

    def test_without_a_file(self) -> None:
        """The set is not public: the error says where the participant's file goes."""
        with pytest.raises(HarnessError, match="needs the competition's file") as caught:
            tv(None)
        assert "--task elyza-tasks-100-tv=PATH" in str(caught.value.hint)


class Hub(BaseHTTPRequestHandler):
    """The Hub's resolve protocol for one file: HEAD gives commit and ETag, GET the bytes."""

    content = b""
    status = 200
    asked: list[str]

    def do_HEAD(self) -> None:
        self.answer(with_body=False)

    def do_GET(self) -> None:
        self.answer(with_body=True)

    def answer(self, *, with_body: bool) -> None:
        self.asked.append(f"{self.command} {self.path}")
        self.send_response(self.status)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{hashlib.sha256(self.content).hexdigest()}"')
        self.send_header("Content-Length", str(len(self.content)))
        self.end_headers()
        if with_body:
            self.wfile.write(self.content)

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@contextmanager
def hub(content: bytes, *, status: int = 200) -> Iterator[tuple[str, list[str]]]:
    """Run a loopback Hub; yield its address and the requests that it got."""
    asked: list[str] = []
    handler = type("OneFileHub", (Hub,), {"content": content, "status": status, "asked": asked})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


PROGRAM = """
import json
from harness.errors import HarnessError
from harness.tasks.elyza import open_elyza
from harness.types import TaskSpec
try:
    samples = open_elyza(TaskSpec(name="elyza-tasks-100")).samples()
    print(json.dumps([[sample.id, sample.input, sample.reference, sample.criteria] for sample in samples]))
except HarnessError as error:
    print(json.dumps({"message": error.message, "hint": error.hint}))
"""


def ask(endpoint: str, home: Path) -> Any:
    """Open the task in a process of its own, because the Hub's client reads its environment when imported."""
    environment = os.environ | {"HF_ENDPOINT": endpoint, "HF_HOME": str(home), "HF_HUB_DISABLE_TELEMETRY": "1"}
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_TOKEN", "HF_HUB_CACHE"):
        environment.pop(name, None)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    return json.loads(done.stdout)


class TestHub:
    def csv(self) -> bytes:
        rows = [f'"問い{number}\n続き",答え{number},観点{number}\n' for number in range(100)]
        return ("input,output,eval_aspect\n" + "".join(rows)).encode()

    def test_download_at_the_pinned_revision_and_then_from_the_cache(self, tmp_path: Path) -> None:
        """The file is fetched once at revision 1.0.0; after that no server is needed."""
        expected = [[str(number), f"問い{number}\n続き", f"答え{number}", f"観点{number}"] for number in range(100)]
        with hub(self.csv()) as (endpoint, asked):
            assert expected == ask(endpoint, tmp_path)
        path = "/datasets/elyza/ELYZA-tasks-100/resolve/1.0.0/test.csv"
        assert asked[-1] == f"GET {path}"
        assert {line.split(" ")[1] for line in asked} == {path}
        assert expected == ask("http://127.0.0.1:9", tmp_path)

    def test_no_network(self, tmp_path: Path) -> None:
        """An unreachable Hub is an error within seconds that says how to use a local file."""
        start = time.monotonic()
        error = ask("http://127.0.0.1:9", tmp_path)
        assert time.monotonic() - start < PATIENCE
        assert "could not be fetched from the Hub (http://127.0.0.1:9/" in error["message"]
        assert "--task elyza-tasks-100=PATH" in error["hint"]

    @pytest.mark.parametrize("status", [404, 401, 503])
    def test_a_hub_that_refuses(self, tmp_path: Path, status: int) -> None:
        """A server's refusal is an error, too, and is not retried for minutes."""
        start = time.monotonic()
        with hub(b"", status=status) as (endpoint, _):
            assert "could not be fetched" in ask(endpoint, tmp_path)["message"]
        assert time.monotonic() - start < PATIENCE
