"""docs/servers.md: each block is run against a server that answers as the one that it is about."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.testing import Call, Loopback, Step, openai, serve
from harness.testing.servers import compatible
from tests.conftest import ROOT, RunCli, results_of
from tests.docs.pages import run_page

VERDICT = '{"reason": "正しい。", "score": 4}'
KEYS = {"OPENROUTER_API_KEY": "or-key", "AZURE_OPENAI_API_KEY": "az-key"}
# The first part of a path says which server is meant: the page's addresses are put behind the loopback's.
REPLIES = {
    "openrouter.ai": lambda: compatible.openrouter_reply(VERDICT, reasoning="5点かな"),
    "mine.openai.azure.com": lambda: compatible.azure_reply(VERDICT),
    "localhost:11434": lambda: compatible.ollama_reply(VERDICT, thinking="5点かな"),
    "localhost:1234": lambda: compatible.lm_studio_reply(VERDICT, thinking="5点かな"),
}


def script(call: Call) -> Step:
    _, host, path = call.path.split("/", 2)
    sent = call.headers.get("api-key") or call.headers["authorization"].removeprefix("Bearer ")
    wanted = {"openrouter.ai": "or-key", "mine.openai.azure.com": "az-key"}.get(host, "none")
    if sent != wanted or not path.partition("?")[0].endswith("/chat/completions"):
        return openai.error(401, f"{sent} at {path}")
    if host == "localhost:1234" and call.body["response_format"]["type"] == "json_object":
        return compatible.lm_studio_no_json_object()
    return REPLIES[host]()


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    with serve(script) as server:
        yield server


@pytest.mark.parametrize("name", ["servers.md", "servers.ja.md"])
def test_every_block_of_the_page_runs(
    name: str, run_cli: RunCli, workplace: Path, servers: Loopback, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """From top to bottom; both answers have the score that the server gave, and nothing was asked elsewhere."""
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    page = tmp_path_factory.mktemp("page") / name
    page.write_text(re.sub(r'(?<=base_url = ")https?:/', servers.url, text), encoding="utf-8")
    run_page(page, run_cli)
    for run in ("openrouter", "azure", "azure-dated", "ollama", "lm-studio"):
        [row] = results_of(workplace, run)["rows"]
        assert (4.0, 2) == (row["mean"], row["n"]), run
    assert set(REPLIES) == {call.path.split("/")[1] for call in servers.calls}
