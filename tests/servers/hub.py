"""The Hugging Face Hub on the wire, as far as publishing goes: repositories, the check of a card, uploads, commits.

Large files come by either of the client's two ways: xet (`hf-xet`: a token for a content store, then blocks of chunks
and the table of which file they make) or classic LFS.
"""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import yaml

from harness.testing.servers.loopback import Call, Loopback, Step, serve

STORE_TOKEN = "store-token"
"""What the Hub gives the client for its content store, in place of the user's token."""


@dataclass
class Repository:
    """What lies in a repository: files by path (of large ones the sha256 alone), and the message of each commit."""

    private: bool
    files: dict[str, bytes | str] = field(default_factory=dict)
    commits: list[str] = field(default_factory=list)


@dataclass
class Hub:
    """The state of the stand-in.

    ``owned`` are the owners that the token may write for. ``faults`` holds, for a part of a path, the answers to give
    before the right one; ``large`` what came through LFS, by sha256; ``url`` is known once the server runs.
    """

    token: str
    owned: tuple[str, ...] = ("someone",)
    repositories: dict[str, Repository] = field(default_factory=dict)
    faults: dict[str, list[Step]] = field(default_factory=dict)
    large: dict[str, bytes] = field(default_factory=dict)
    server: Loopback | None = None

    @property
    def url(self) -> str:
        """The address to give as HF_ENDPOINT."""
        assert self.server is not None
        return self.server.url

    @property
    def calls(self) -> list[Call]:
        """Every request so far."""
        assert self.server is not None
        return self.server.calls

    def called(self, part: str) -> list[Call]:
        """The requests whose path holds this."""
        return [call for call in self.calls if part in call.path]

    def __call__(self, call: Call) -> Step:
        """Answer one request."""
        for part, steps in self.faults.items():
            if part in call.path and steps:
                return steps.pop(0)
        for pattern, needs, answer in self._routes():
            if found := re.fullmatch(pattern, f"{call.method} {call.path.partition('?')[0]}"):
                if needs is not None and call.headers.get("authorization") != f"Bearer {needs}":
                    return refusal(401, "Invalid credentials in Authorization header")
                return answer(call, *found.groups())
        return refusal(404, f"no {call.method} {call.path} here")

    def _routes(self) -> list[tuple[str, str | None, Callable[..., Step]]]:
        repo = r"([\w.-]+/[\w.-]+)"
        return [
            (r"POST /api/repos/create", self.token, self._create),
            (rf"GET /api/models/{repo}(?:/revision/main)?", self.token, self._info),
            (r"POST /api/validate-yaml", self.token, _validate),
            (rf"POST /api/models/{repo}/preupload/main", self.token, self._preupload),
            (rf"GET /api/models/{repo}/xet-write-token/main", self.token, self._store_token),
            (r"(?:POST|HEAD) /v\d/xorbs/default/(\w+)", STORE_TOKEN, lambda *_: Step({"was_inserted": True})),
            (r"POST /v1/shards", STORE_TOKEN, lambda *_: Step({"result": 1})),
            (rf"POST /{repo}\.git/info/lfs/objects/batch", self.token, self._batch),
            (r"PUT /lfs/(\w+)", None, self._put),
            (rf"POST /api/models/{repo}/commit/main", self.token, self._commit),
        ]

    def _create(self, call: Call) -> Step:
        owner = call.body.get("organization") or self.owned[0]
        name = f"{owner}/{call.body['name']}"
        if owner not in self.owned:
            return refusal(403, f'You don\'t have the rights to create a model under the namespace "{owner}"')
        exists = name in self.repositories
        if not exists:
            self.repositories[name] = Repository(private=call.body.get("visibility") == "private")
        reply = {"url": f"{self.url}/{name}", "name": name, "id": "0" * 24}
        return Step(reply | {"error": "You already created this model repo"}, status=409) if exists else Step(reply)

    def _info(self, _call: Call, name: str) -> Step:
        if name not in self.repositories:
            return refusal(404, "Repository not found", code="RepoNotFound")
        return Step({"_id": "0", "id": name, "private": self.repositories[name].private, "sha": "0" * 40,
                     "siblings": [], "tags": [], "downloads": 0, "likes": 0})  # fmt: skip

    def _preupload(self, call: Call, name: str) -> Step:
        stored = self.repositories[name].files
        files = []
        for file in call.body["files"]:
            is_large = file["path"].endswith((".safetensors", ".png"))
            files.append({
                "path": file["path"],
                "uploadMode": "lfs" if is_large else "regular",
                "shouldIgnore": False,
                "oid": _oid(stored[file["path"]]) if file["path"] in stored else None,
            })  # fmt: skip
        return Step({"files": files})

    def _store_token(self, _call: Call, _name: str) -> Step:
        return Step({"accessToken": STORE_TOKEN, "exp": 4_000_000_000, "casUrl": self.url})

    def _batch(self, call: Call, _name: str) -> Step:
        objects = [
            {**wanted, "actions": {"upload": {"href": f"{self.url}/lfs/{wanted['oid']}"}}}
            for wanted in call.body["objects"]
        ]
        return Step({"transfer": "basic", "objects": objects}, content_type="application/vnd.git-lfs+json")

    def _put(self, call: Call, oid: str) -> Step:
        if hashlib.sha256(call.raw).hexdigest() != oid:
            return refusal(400, "the content is not what was announced")
        self.large[oid] = call.raw
        return Step({})

    def _commit(self, call: Call, name: str) -> Step:
        repository = self.repositories[name]
        for line in call.raw.splitlines():
            entry: dict[str, Any] = json.loads(line)
            value = entry["value"]
            if entry["key"] == "header":
                repository.commits.append(value["summary"])
            elif entry["key"] == "file":
                repository.files[value["path"]] = base64.b64decode(value["content"])
            else:
                assert ("lfsFile", "sha256") == (entry["key"], value["algo"])
                repository.files[value["path"]] = value["oid"]
        oid = f"{len(repository.commits):040x}"
        return Step({"success": True, "commitOid": oid, "commitUrl": f"{self.url}/{name}/commit/{oid}"})


def refusal(status: int, message: str, *, code: str | None = None) -> Step:
    """An error as the Hub gives it."""
    headers = {"X-Error-Message": message} | ({"X-Error-Code": code} if code else {})
    return Step({"error": message}, status=status, headers=headers)


@contextmanager
def hub(token: str, **settings: Any) -> Iterator[Hub]:
    """Run a stand-in until the block ends."""
    state = Hub(token=token, **settings)
    with serve(state) as server:
        state.server = server
        yield state


def _validate(call: Call) -> Step:
    """Check a card's front matter as the Hub does, if less strictly: YAML, a known shape, a base that is a Hub id."""
    head = re.match(r"---\n(.*?)\n---\n", call.body["content"], re.DOTALL)
    data = yaml.safe_load(head[1]) if head else None
    base = data.get("base_model", "a/b") if isinstance(data, dict) else None
    if isinstance(base, str) and re.fullmatch(r"[\w.-]+/[\w.-]+", base):
        return Step({"errors": [], "warnings": []})
    problem = '"base_model" with value "…" is not valid. Use a model id from https://hf.co/models.'
    return Step({"errors": [{"message": problem}], "warnings": []}, status=400)


def _oid(content: bytes | str) -> str:
    """Return git's name of a small file, or the sha256 of a large one."""
    if isinstance(content, str):
        return content
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
