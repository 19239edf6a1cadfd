"""Which judges are at hand: a key, a server that is configured, one on this machine, or none that reads."""

from collections.abc import Iterator

import pytest

from harness.cli import try_judges
from harness.cli.try_judges import OPENAI_MODEL, judges_at_hand, models_at
from harness.specs import Config
from harness.testing import Step, in_turn, serve
from harness.types import Sample

WITH = [Sample(id="0", inputs={"input": "x"}, reference="y")]
WITHOUT = [Sample(id="0", inputs={"input": "x"})]
KEYS = ("GEMINI_API_KEY", "GOOGLE_API_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL")


@pytest.fixture(autouse=True)
def _nobody_around(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key, and nobody who listens where such servers do."""
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(try_judges, "LOCAL_PORTS", {})


@pytest.fixture
def listing() -> Iterator[str]:
    """The address of a server with an embedding model and a chat model."""
    with serve(in_turn(Step({}))) as server:
        server.models = ["nomic-embed-text", "chat-8b"]
        yield server.url


def test_who_is_named_is_asked() -> None:
    """Whatever else is there."""
    found = judges_at_hand(("rules", "./mine.py"), Config(), WITH)
    assert (("rules", "./mine.py"), None) == (found.judges, found.note)


@pytest.mark.parametrize(
    ("key", "judge"),
    [("GEMINI_API_KEY", "gemini"), ("GOOGLE_API_KEY", "gemini"), ("OPENAI_API_KEY", f"openai:{OPENAI_MODEL}")],
)
def test_a_key_is_a_judge(monkeypatch: pytest.MonkeyPatch, key: str, judge: str) -> None:
    """A blank one is none."""
    monkeypatch.setenv(key, "  ")
    assert not judges_at_hand((), Config(), WITH).tells_quality
    monkeypatch.setenv(key, "k")
    found = judges_at_hand((), Config(), WITH)
    assert ((judge,), True) == (found.judges, found.tells_quality)


def test_a_configured_server_is_asked_for_its_model(listing: str) -> None:
    """Unless the configuration names one; a model for embeddings is no judge."""
    assert ("openai:chat-8b",) == judges_at_hand((), Config(judges={"openai": {"base_url": listing}}), WITH).judges
    named = Config(judges={"openai": {"base_url": listing, "model": "own"}})
    assert ("openai:own",) == judges_at_hand((), named, WITH).judges


def test_a_server_on_this_machine_is_found(listing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its address goes into the configuration that opens the judge; a port where nobody listens is passed over."""
    with serve(in_turn(Step({}))) as gone:
        closed = gone.server_address[1]
    monkeypatch.setattr(try_judges, "LOCAL_PORTS", {closed: "nobody", int(listing.rpartition(":")[2]): "Ollama"})

    with serve(in_turn(Step({}))) as server:
        server.models = ["chat-8b"]
        monkeypatch.setattr(try_judges, "LOCAL_PORTS", {closed: "nobody", server.server_address[1]: "Ollama"})
        found = judges_at_hand((), Config(), WITH)
        assert (("openai:chat-8b",), f"{server.url}/v1") == (found.judges, found.config.judges["openai"]["base_url"])
        assert "Ollama answers at" in str(found.note)


def test_without_a_judge_model_it_says_what_is_left() -> None:
    """Rules; likeness where every task has a reference."""
    assert ("rules", "reference") == judges_at_hand((), Config(), WITH).judges
    found = judges_at_hand((), Config(), WITHOUT)
    assert (("rules",), False) == (found.judges, found.tells_quality)
    assert "cannot tell whether an answer is right" in str(found.note)


@pytest.mark.parametrize(
    "step", [Step(b"<html>"), Step({"data": None}), Step({}), Step(b"", status=500), Step(drop=True)]
)
def test_who_is_no_such_server_has_no_models(step: Step) -> None:
    """A web page, a list that is none, an error, silence."""
    with serve(in_turn(step)) as server:
        assert [] == models_at(server.url, 2.0)


def test_who_is_slow_is_not_waited_for() -> None:
    """A probe of ports must not take seconds."""
    with serve(in_turn(Step({"data": [{"id": "m"}]}).after(1.0))) as server:
        assert [] == models_at(server.url, 0.1)
