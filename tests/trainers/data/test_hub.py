"""Data sets of the Hub: from local folders, and from a loopback server that speaks the Hub's protocol."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import datasets
import pytest

from harness.errors import InputError, UsageError
from harness.installation import MissingExtraError, add_extra
from trainers.adapter.training_record import DataFile
from trainers.data.examples import read_examples
from trainers.data.hub import HubSpec, parse_spec, read_hub

COMMIT = "0123456789abcdef0123456789abcdef01234567"
PAIRS = [{"text": "問い", "output": "答え"}, {"text": "問い2", "output": "答え2\r\n"}]


def jsonl(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two splits, and an empty cache."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    data = tmp_path / "data-set"
    data.mkdir()
    (data / "train.jsonl").write_text(jsonl(PAIRS))
    (data / "test.jsonl").write_text(jsonl([{"text": "試験", "output": "答え"}]))
    return data


class TestSpec:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("hub:org/name", HubSpec(name="org/name", split="train")),
            ("hub:org/name:test", HubSpec(name="org/name", split="test")),
            ("hub:org/name@v1.0", HubSpec(name="org/name", revision="v1.0", split="train")),
            ("hub:org/name:2023.ja/train", HubSpec(name="org/name", subset="2023.ja", split="train")),
            (
                "hub:org/name@refs/pr/1:ja/train[:10%]",
                HubSpec(name="org/name", revision="refs/pr/1", subset="ja", split="train[:10%]"),
            ),
            ("hub:name", HubSpec(name="name", split="train")),
        ],
    )
    def test_parts(self, text: str, expected: HubSpec) -> None:
        """A name, a revision after @, a subset and a split after a colon; the split is train unless given."""
        assert expected == parse_spec(text)

    def test_path_with_separators(self, tmp_path: Path) -> None:
        """A path that exists is a name as a whole, whatever stands in it."""
        odd = tmp_path / "a@b:c"
        odd.mkdir()
        assert HubSpec(name=str(odd), split="train") == parse_spec(f"hub:{odd}")

    @pytest.mark.parametrize("text", ["hub:", "hub:@v1"])
    def test_no_name(self, text: str) -> None:
        """Without a name there is an error of usage."""
        with pytest.raises(UsageError, match="names no data set"):
            parse_spec(text)


class TestFolder:
    def test_rows(self, folder: Path) -> None:
        """A folder's train split is read like a file; its rows go by their number, CRLF reads as LF."""
        result = read_examples([f"hub:{folder}"])
        assert [("問い", "答え"), ("問い2", "答え2\n")] == [(e.inputs["input"], e.answer) for e in result.examples]
        assert [f"hub:{folder} row 1", f"hub:{folder} row 2"] == [e.where for e in result.examples]

    def test_record(self, folder: Path) -> None:
        """It is recorded without its place, with the sha256 of its rows as canonical JSON."""
        lines = [{"output": "答え", "text": "問い"}, {"output": "答え2\n", "text": "問い2"}]
        text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
        expected = DataFile(name="hub:data-set", sha256=hashlib.sha256(text.encode()).hexdigest(), rows=2)
        assert (expected,) == read_examples([f"hub:{folder}"]).files

    def test_split(self, folder: Path) -> None:
        """A split is read by its name."""
        assert "試験" == read_examples([f"hub:{folder}:test"]).examples[0].inputs["input"]

    def test_subsets(self, folder: Path) -> None:
        """Of several subsets one is named; without a name the error lists them."""
        subsets = "".join(f"- config_name: {name}\n  data_files: {name}.jsonl\n" for name in ("train", "test"))
        (folder / "README.md").write_text(f"---\nconfigs:\n{subsets}---\n")
        result = read_examples([f"hub:{folder}:test/train"])
        assert ["試験"] == [example.inputs["input"] for example in result.examples]
        assert ["hub:data-set:test/train"] == [file.name for file in result.files]
        with pytest.raises(InputError, match=r"available configs: \['train', 'test'\]") as caught:
            read_hub(f"hub:{folder}")
        assert "[SUBSET/]SPLIT" in str(caught.value.hint)

    def test_rows_are_those_of_the_file(self, folder: Path) -> None:
        """The same data as a file gives the same examples but for where they stand."""
        by_file, by_folder = (
            [(e.inputs, e.answer) for e in read_examples([source]).examples]
            for source in (str(folder / "train.jsonl"), f"hub:{folder}")
        )
        assert by_file == by_folder

    def test_unknown_split(self, folder: Path) -> None:
        """An unknown split is an error that names those there are."""
        with pytest.raises(InputError, match="Unknown split") as caught:
            read_hub(f"hub:{folder}:validation")
        assert "train" in caught.value.message

    def test_broken_file(self, folder: Path) -> None:
        """A file that cannot be read is an error that says so."""
        (folder / "train.jsonl").write_text('{"text": ')
        with pytest.raises(InputError, match="its files cannot be read: "):
            read_hub(f"hub:{folder}")

    def test_code_is_not_run(self, folder: Path) -> None:
        """A data set that is a program is refused, and nothing of it runs."""
        (folder / "data-set.py").write_text(f"open({str(folder / 'ran')!r}, 'w')\n")
        with pytest.raises(InputError, match="scripts are no longer supported"):
            read_hub(f"hub:{folder}")
        assert not (folder / "ran").exists()

    def test_no_columns(self, folder: Path) -> None:
        """Columns that cannot be used are told as for a file."""
        (folder / "test.jsonl").unlink()
        (folder / "train.jsonl").write_text('{"premise": "a", "label": 1}\n')
        with pytest.raises(InputError, match="no column for the instruction, the answer") as caught:
            read_examples([f"hub:{folder}"])
        assert str(caught.value.hint).startswith("The columns are: premise, label.")

    def test_revision_of_a_folder(self, folder: Path) -> None:
        """A folder has no revisions."""
        with pytest.raises(UsageError, match="has no revision 'v1'"):
            read_hub(f"hub:{folder}@v1")


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where `datasets` is not installed, the error names the extra to install."""
    monkeypatch.setitem(sys.modules, "datasets", None)
    monkeypatch.delitem(sys.modules, "trainers.data.hub")
    with pytest.raises(MissingExtraError) as caught:
        read_examples(["hub:org/name"])
    assert f"Install it: {add_extra('train')}" == caught.value.hint


def test_files_need_no_datasets(tmp_path: Path) -> None:
    """Reading a local file imports neither datasets nor pyarrow."""
    path = tmp_path / "train.jsonl"
    path.write_text(jsonl(PAIRS))
    code = (
        "import sys; from trainers.data.examples import read_examples; read_examples(sys.argv[1:]); "
        "print(sorted({'datasets', 'pyarrow', 'torch'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code, str(path)], check=True, capture_output=True, text=True)
    assert "[]\n" == ran.stdout


class _Hub(BaseHTTPRequestHandler):
    """The data set org/name with two files at one commit; org/gated, which refuses; nothing else."""

    protocol_version = "HTTP/1.1"
    files = {"train.jsonl": jsonl(PAIRS).encode(), "test.jsonl": jsonl(PAIRS[:1]).encode()}  # noqa: RUF012 - never changed

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        path = unquote(urlsplit(self.path).path)
        names = [{"rfilename": name} for name in self.files]
        if path.startswith("/api/datasets/org/gated"):
            self._send({}, 403, code="GatedRepo")
        elif path == "/api/datasets/org/name/revision/v9":
            self._send({}, 404, code="RevisionNotFound")
        elif path == "/api/datasets/org/name" or path.startswith("/api/datasets/org/name/revision/"):
            self._send({"_id": "0", "id": "org/name", "sha": COMMIT, "siblings": names})
        elif path.startswith(f"/api/datasets/org/name/tree/{COMMIT}"):
            sizes = {name: len(content) for name, content in self.files.items()}
            self._send([{"type": "file", "oid": "0" * 40, "size": size, "path": name} for name, size in sizes.items()])
        elif path.startswith(f"/datasets/org/name/resolve/{COMMIT}/"):
            content = self.files.get(path.rpartition("/")[2])
            self._send({} if content is None else content, 404 if content is None else 200, code="EntryNotFound")
        else:
            self._send({}, 404, code="RepoNotFound")

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        self.do_GET()

    def _send(self, body: Any, status: int = 200, code: str = "") -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{hashlib.sha1(content).hexdigest()}"')
        if status != 200:
            self.send_header("X-Error-Code", code)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the name that http.server gives it
        """Say nothing."""


_READ_EACH = """
import json, sys
from harness.errors import HarnessError
from trainers.data.examples import read_examples
said = {}
for source in sys.argv[1:]:
    try:
        result = read_examples([source])
        said[source] = [result.files[0].name, len(result.examples), result.examples[0].where]
    except HarnessError as error:
        said[source] = str(error)
print(json.dumps(said))
"""


def read_each(endpoint: str, home: Path, *sources: str, offline: bool) -> dict[str, Any]:
    """Read each source in a new process, in which the Hub is at this address, and return what came of it."""
    environment = os.environ | {
        "HF_ENDPOINT": endpoint, "HF_HOME": str(home), "HF_HUB_OFFLINE": str(int(offline)),
        "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_XET": "1",
    }  # fmt: skip
    ran = subprocess.run(
        [sys.executable, "-c", _READ_EACH, *sources], env=environment, check=True, capture_output=True, text=True
    )
    said: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return said


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hub)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_hub(endpoint: str, tmp_path: Path) -> None:
    """A data set is read at the commit that its revision means; without a network, its copy unless that may differ."""
    sources = ["hub:org/name", "hub:org/name@main:test", "hub:org/name@v9", "hub:org/gated", "hub:org/none"]
    said = read_each(endpoint, tmp_path, *sources, offline=False)
    read = "hub:org/name@0123456789ab:train"
    assert {
        "hub:org/name": [read, 2, f"{read} row 1"],
        "hub:org/name@main:test": ["hub:org/name@0123456789ab:test", 1, "hub:org/name@0123456789ab:test row 1"],
        "hub:org/name@v9": "The Hub has no revision 'v9' of the data set 'org/name'.",
        "hub:org/gated": "The Hub refuses 'org/gated': it is gated.",
        "hub:org/none": "Neither a folder here nor the Hub has the data set 'org/none'.",
    } == said
    offline = read_each(endpoint, tmp_path, "hub:org/name", "hub:org/name@v1", "hub:org/none", offline=True)
    unreachable = "The Hub cannot be reached for the data set {}, and there is no local copy to use."
    assert {
        "hub:org/name": ["hub:org/name:train", 2, "hub:org/name:train row 1"],
        "hub:org/name@v1": unreachable.format("'org/name' at revision 'v1'"),
        "hub:org/none": unreachable.format("'org/none'"),
    } == offline
