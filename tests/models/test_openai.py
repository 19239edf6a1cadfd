"""The model `openai`: its server, its key, and what is sent to whom; what it answers is in test_served."""

import pytest

from harness.errors import HarnessError
from harness.models.openai import open_openai
from harness.testing import in_turn, serve
from harness.testing.servers import openai as wire
from harness.types import Message, ModelSpec, RenderedPrompt, Request, Sampling

REQUEST = Request(
    key="k", task="t", sample_id="0", model="m", prompt="p", repeat=0,
    rendered=RenderedPrompt(messages=(Message(role="user", content="質問"),)), sampling=Sampling(),
)  # fmt: skip


def spec(**settings: object) -> ModelSpec:
    return ModelSpec(text="openai:m", label="m", backend="openai", target="m", settings=settings)


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(("wanted", "sent"), [({}, True), ({"repetition_penalty": False}, False)])
def test_the_runs_repetition_penalty_is_sent_to_servers_of_ones_own(wanted: dict[str, object], sent: bool) -> None:
    """Unless the settings leave it out; no key is needed there."""
    with serve(in_turn(wire.reply("答え"))) as server:
        [answer] = open_openai(spec(base_url=server.url, **wanted)).generate([REQUEST])
        body = server.calls[0].body
    assert ("答え", "m", sent) == (answer.text, body["model"], "repetition_penalty" in body)


def test_openais_own_server_wants_a_key() -> None:
    """Said before a call."""
    with pytest.raises(HarnessError, match="OPENAI_API_KEY"):
        open_openai(spec())


def test_another_server_or_setting_is_another_model() -> None:
    """What is only about calls is not."""
    url = "http://127.0.0.1:9"
    same = {open_openai(spec(base_url=url)).fingerprint, open_openai(spec(base_url=url, timeout=3.0)).fingerprint}
    others = [
        spec(base_url=f"{url}/v2"),
        spec(base_url=url, repetition_penalty=False),
        spec(base_url=url, temperature="default"),
    ]
    assert 4 == len(same | {open_openai(other).fingerprint for other in others})
