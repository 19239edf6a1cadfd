"""Models of the Hub, through a stand-in on the loopback."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from harness.errors import HarnessError, InputError
from harness.models.hf import BASE_MODELS, hub, open_local
from harness.models.hf.adapters import open_adapter
from harness.models.hf.sources import local_folder, resolve
from harness.types import ModelSpec, Request

Ask = Callable[..., Request]


SpecOf = Callable[..., ModelSpec]


class FakeHub(BaseHTTPRequestHandler):
    """Answers what the Hub answers for one model of one commit, from a folder."""

    folder: Path
    commit = "9f2c" + "0" * 36

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        path = self.path.partition("?")[0]
        if path.startswith(("/api/models/org/tiny/tree/",)):
            rows = [
                {"type": "file", "path": file.name, "size": file.stat().st_size, "oid": _oid(file)}
                for file in sorted(self.folder.iterdir())
            ]
            self._send(200, json.dumps(rows).encode(), body)
        elif path == "/api/models/org/tiny" or path.startswith("/api/models/org/tiny/revision/"):
            revision = path.rpartition("/")[2]
            if "/revision/" in path and revision not in {"main", "v1", self.commit}:
                self._send(404, b"{}", body, {"X-Error-Code": "RevisionNotFound"})
                return
            info = {
                "id": "org/tiny",
                "modelId": "org/tiny",
                "sha": self.commit,
                "siblings": [{"rfilename": file.name} for file in sorted(self.folder.iterdir())],
            }
            self._send(200, json.dumps(info).encode(), body)
        elif path.startswith("/api/models/org/gated"):
            self._send(403, b"{}", body, {"X-Error-Code": "GatedRepo"})
        elif path.startswith("/org/tiny/resolve/"):
            file = self.folder / path.rpartition("/")[2]
            if not file.is_file():
                self._send(404, b"", body, {"X-Error-Code": "EntryNotFound"})
                return
            self._send(200, file.read_bytes(), body, {"X-Repo-Commit": self.commit, "ETag": f'"{_oid(file)}"'})
        else:
            self._send(404, b"{}", body, {"X-Error-Code": "RepoNotFound"})

    def _send(self, status: int, content: bytes, body: bool, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body:
            self.wfile.write(content)


def _oid(file: Path) -> str:
    """Return what the Hub names a file by: large ones by their sha256."""
    kind = hashlib.sha256 if file.suffix == ".safetensors" else hashlib.sha1
    return kind(file.read_bytes()).hexdigest()


class TestHub:
    """The Hub, played by a server in this process."""

    @pytest.fixture
    def served(self, copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
        """Serve a folder as org/tiny, with an empty cache."""
        handler = type("Handler", (FakeHub,), {"folder": copy})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self._point(monkeypatch, f"http://127.0.0.1:{server.server_port}", tmp_path / "hub")
        yield copy
        server.shutdown()

    def _point(self, monkeypatch: pytest.MonkeyPatch, endpoint: str, cache: Path) -> None:
        from huggingface_hub import HfApi

        monkeypatch.setattr(hub, "HfApi", lambda: HfApi(endpoint=endpoint, token=False))
        monkeypatch.setattr(hub, "hub_is_reachable", lambda: not endpoint.endswith(":9"))
        download = hub.snapshot_download
        monkeypatch.setattr(
            hub, "snapshot_download", lambda name, **more: download(name, endpoint=endpoint, cache_dir=cache, **more)
        )
        find = hub.try_to_load_from_cache
        monkeypatch.setattr(
            hub, "try_to_load_from_cache", lambda name, file, **more: find(name, file, cache_dir=cache, **more)
        )

    def test_a_model_is_identified_by_its_commit_and_loaded(self, served: Path, spec_of: SpecOf, ask: Ask) -> None:
        """Of the weights, nothing is fetched before they are needed."""
        model = open_local(spec_of("hf:org/tiny@v1"))
        assert f"base={FakeHub.commit[:16]}" in model.fingerprint
        (answer,) = model.generate([ask("はい")])
        assert 12 == answer.tokens_out

    def test_a_local_copy_that_is_not_what_its_name_says_is_refused(
        self, served: Path, spec_of: SpecOf, ask: Ask
    ) -> None:
        """Whatever a disk or a hand made of it; the hint says what to delete."""
        blob = (local_folder(resolve("org/tiny")) / "model.safetensors").resolve()
        assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name
        content = bytearray(blob.read_bytes())
        content[-5] ^= 1
        blob.write_bytes(content)
        BASE_MODELS.clear()
        with pytest.raises(InputError, match="the local copy is not what the Hub has") as caught:
            list(open_local(spec_of("hf:org/tiny")).generate([ask("a")]))
        assert str(blob) in str(caught.value.hint)

    def test_what_the_hub_refuses(self, served: Path) -> None:
        """No such model, no such revision, gated, pickles only."""
        with pytest.raises(HarnessError, match="Neither a folder here nor the Hub has 'org/none'"):
            resolve("org/none")
        with pytest.raises(HarnessError, match="no revision 'v9' of 'org/tiny'"):
            resolve("org/tiny", "v9")
        with pytest.raises(HarnessError, match="'org/gated': it is gated"):
            resolve("org/gated")
        (served / "model.safetensors").rename(served / "pytorch_model.bin")
        with pytest.raises(InputError, match="no weights as safetensors"):
            resolve("org/tiny")

    @pytest.mark.parametrize("online", [True, False], ids=["the Hub says no", "without a network"])
    def test_a_misspelt_folder_of_two_parts_is_not_only_told_of_as_a_name_of_the_hub(
        self, served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, online: bool
    ) -> None:
        """A path like adapters/mine looks like a name; the hint has the folder that was meant."""
        del served
        if not online:
            monkeypatch.undo()
            self._point(monkeypatch, "http://127.0.0.1:9", tmp_path / "hub")
        (tmp_path / "adapters/first-try").mkdir(parents=True)
        monkeypatch.chdir(tmp_path)
        said = "Neither a folder here nor the Hub" if online else "neither a folder of that name here nor"
        with pytest.raises(HarnessError, match=said) as caught:
            open_adapter("adapters/frist-try")
        network = "" if online else " Check the network, or download the model elsewhere and give its folder."
        assert f"Did you mean adapter:adapters/first-try?{network}" == caught.value.hint
        with pytest.raises(HarnessError, match=said) as caught:
            resolve("adapter/first-try")
        assert f"Did you mean hf:adapters/first-try?{network}" == caught.value.hint

    def test_without_a_network_the_local_copy_counts(
        self, served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """And without a copy, the message says what to do."""
        source = resolve("org/tiny")
        local_folder(source)
        monkeypatch.undo()
        self._point(monkeypatch, "http://127.0.0.1:9", tmp_path / "hub")
        assert source == resolve("org/tiny", source.commit)
        with pytest.raises(HarnessError, match="cannot be reached for 'org/other'") as caught:
            resolve("org/other")
        assert "give its folder" in str(caught.value.hint)
        with pytest.raises(HarnessError, match="Neither a folder here nor the Hub has 'no:name'"):
            hub.download_adapter("no:name", None)
