"""Served models to evaluate, through both SDKs against loopback servers."""

import json
import threading
import time
from typing import Any

import pytest

from harness.errors import HarnessError
from harness.models.gemini import open_gemini
from harness.models.openai import open_openai
from harness.testing.servers import gemini as google
from harness.testing.servers import openai as vendor
from harness.testing.servers.loopback import Call, Step, in_turn, serve
from harness.types import Generation, Message, ModelSpec, RenderedPrompt, Request, Sampling
from tests.conftest import RunCli
from tests.patience import PATIENCE

FAST = {"wait_initial": 0.005, "wait_max": 0.02, "wait_jitter": 0.005, "timeout": 5.0}
OPEN = {"gemini": (open_gemini, google), "openai": (open_openai, vendor)}


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GOOGLE_API_KEY", "GOOGLE_GEMINI_BASE_URL", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GEMINI_API_KEY", "canary-key")
    monkeypatch.setenv("OPENAI_API_KEY", "canary-key")


def model_spec(backend: str, url: str, **settings: Any) -> ModelSpec:
    """The spec of a test model at a server."""
    table = FAST | {"base_url": url} | settings
    text = f"{backend}:test-model"
    return ModelSpec(text=text, label=text, backend=backend, target="test-model", settings=table)


def requests(count: int, *, sampling: Sampling | None = None, stop: tuple[str, ...] = ()) -> list[Request]:
    """Requests whose prompts can be told apart."""
    return [
        Request(
            key=f"k{number}",
            task="t",
            sample_id=str(number),
            model="m",
            prompt="course.v1",
            repeat=0,
            rendered=RenderedPrompt(messages=(Message(role="user", content=f"課題{number}"),), stop=stop),
            sampling=sampling or Sampling(),
        )
        for number in range(count)
    ]


def answers(backend: str, script: Any, count: int = 1, **settings: Any) -> tuple[dict[str, Generation], list[Call]]:
    """The generations for ``count`` requests by key, and the calls that they took."""
    with serve(script) as server:
        model = OPEN[backend][0](model_spec(backend, server.url, **settings))
        return {one.request_key: one for one in model.generate(requests(count))}, server.calls


@pytest.mark.parametrize("backend", ["gemini", "openai"])
def test_each_request_gets_its_own_answer(backend: str) -> None:
    """100 requests, 32 at once, at 20 % faults: one answer each, in whatever order."""
    wire, seen, lock = OPEN[backend][1], 0, threading.Lock()

    def script(call: Call) -> Step:
        nonlocal seen
        with lock:
            seen += 1
            fault = seen % 5 == 0
        return Step(b"oops", status=503) if fault else wire.reply(f"答え:{wire.asked(call)}").after(0.005)

    found, calls = answers(backend, script, 100)
    assert {f"k{number}": f"答え:課題{number}" for number in range(100)} == {
        key: one.text for key, one in found.items()
    }
    assert 100 < len(calls) < 150


@pytest.mark.parametrize("backend", ["gemini", "openai"])
def test_generation(backend: str) -> None:
    """Text, finish reason, tokens and time come from the reply."""
    wire = OPEN[backend][1]
    cut = "MAX_TOKENS" if backend == "gemini" else "length"
    one = answers(backend, in_turn(wire.reply("途中", finish=cut).after(0.05)))[0]["k0"]
    assert ("途中", "length", 100, 20, None) == (one.text, one.finish_reason, one.tokens_in, one.tokens_out, one.error)
    assert one.seconds is not None
    assert one.seconds >= 0.05


@pytest.mark.parametrize("backend", ["gemini", "openai"])
def test_an_empty_answer_is_an_answer(backend: str) -> None:
    """A model that says nothing has answered; only a missing answer is an error."""
    one = answers(backend, in_turn(OPEN[backend][1].reply("")))[0]["k0"]
    assert ("", "stop", None) == (one.text, one.finish_reason, one.error)


@pytest.mark.parametrize(
    ("backend", "step", "error"),
    [
        ("gemini", google.prompt_blocked(), "blocked for safety: the prompt, PROHIBITED_CONTENT"),
        ("gemini", google.no_candidates(), "empty reply: no candidates"),
        ("gemini", google.error(400, "INVALID_ARGUMENT", "too long"), "request refused: HTTP 400"),
        ("openai", vendor.reply("部分", finish="content_filter"), "blocked for safety: the reply, content_filter"),
        ("openai", vendor.error(400, "too long"), "request refused: HTTP 400"),
        ("openai", vendor.error(500, "oops"), "server error: HTTP 500"),
    ],
)
def test_a_failure_is_no_answer(backend: str, step: Step, error: str) -> None:
    """A server's error never becomes the model's answer."""
    one = answers(backend, in_turn(step))[0]["k0"]
    assert (None, "error") == (one.text, one.finish_reason)
    assert str(one.error).startswith(error)


@pytest.mark.parametrize(
    ("backend", "step"), [("gemini", google.bad_key("canary-key")), ("openai", vendor.error(401, "canary-key"))]
)
def test_a_rejected_key_ends_the_model(backend: str, step: Step) -> None:
    """Of 200 requests only those that had left already are sent, and the error does not show the key."""
    with serve(in_turn(step)) as server:
        model = OPEN[backend][0](model_spec(backend, server.url, in_flight=4))
        with pytest.raises(HarnessError, match="cannot go on: key rejected") as caught:
            list(model.generate(requests(200)))
        assert len(server.calls) <= 4
    assert "canary" not in f"{caught.value}{model!r}{model.fingerprint}"


def test_what_was_answered_before_the_end_is_kept() -> None:
    """Answers that came before the key was withdrawn are yielded before the error."""
    with serve(in_turn(*[vendor.reply("ok")] * 5, vendor.error(401, "no"))) as server:
        model = open_openai(model_spec("openai", server.url, in_flight=1))
        stream = model.generate(requests(20))
        kept = [next(stream) for _ in range(5)]
        with pytest.raises(HarnessError):
            next(stream)
    assert ["ok"] * 5 == [one.text for one in kept]


def test_sampling_on_the_wire() -> None:
    """The run's sampling is sent: penalty where the server knows it, a seed only where tokens are drawn."""
    drawn = Sampling(max_new_tokens=77, temperature=0.7, repetition_penalty=1.1, seed=5)
    with serve(in_turn(vendor.reply("ok"))) as server:
        model = open_openai(model_spec("openai", server.url))
        list(model.generate(requests(1, sampling=drawn, stop=("###",))))
        list(model.generate(requests(1)))
        first, second = (call.body for call in server.calls)
    assert (77, 0.7, 1.1, 5, ["###"]) == tuple(
        first[name] for name in ("max_tokens", "temperature", "repetition_penalty", "seed", "stop")
    )
    assert (512, 0.0, 1.2, False) == (
        *(second[name] for name in ("max_tokens", "temperature", "repetition_penalty")),
        "seed" in second,
    )
    with serve(in_turn(google.reply("ok"))) as server:
        list(open_gemini(model_spec("gemini", server.url)).generate(requests(1, sampling=drawn)))
        config = server.calls[0].body["generationConfig"]
    assert (77, 0.7, 5) == tuple(config[name] for name in ("maxOutputTokens", "temperature", "seed"))


def test_chat_prompts_keep_their_roles() -> None:
    """A chat prompt's messages are sent as they are, a text prompt is one user message."""
    request = requests(1)[0]
    turns = (Message(role="system", content="丁寧に"), Message(role="user", content="首都は？"))
    chat = Request(
        **{name: getattr(request, name) for name in request.__slots__ if name != "rendered"},
        rendered=RenderedPrompt(messages=turns, format="chat"),
    )
    with serve(in_turn(vendor.reply("ok"))) as server:
        list(open_openai(model_spec("openai", server.url)).generate([chat]))
        assert [{"role": turn.role, "content": turn.content} for turn in turns] == server.calls[0].body["messages"]


@pytest.mark.parametrize("backend", ["gemini", "openai"])
def test_bounded_concurrency(backend: str) -> None:
    """Never more calls are open than in_flight says, and that many are."""
    wire = OPEN[backend][1]
    with serve(lambda _: wire.reply("ok").after(0.05)) as server:
        model = OPEN[backend][0](model_spec(backend, server.url, in_flight=6))
        list(model.generate(requests(40)))
        assert 6 == server.most_at_once


def test_leaving_early_stops_the_calls() -> None:
    """A run that is interrupted does not wait for the answers that are still to come."""
    with serve(lambda call: vendor.reply("ok").after(0.0 if call.number < 2 else 600.0)) as server:
        model = open_openai(model_spec("openai", server.url, in_flight=2))
        stream = model.generate(requests(50))
        next(stream)
        started = time.monotonic()
        stream.close()
        assert time.monotonic() - started < PATIENCE
        assert len(server.calls) <= 6


def test_fingerprints() -> None:
    """They change with the server, the model and what is sent, not with key, credentials or pace."""

    def fingerprint(**settings: Any) -> str:
        return open_openai(model_spec("openai", "http://localhost:1/v1", **settings)).fingerprint

    plain = fingerprint()
    assert plain == fingerprint(in_flight=2, base_url="http://me:secret@localhost:1/v1")
    others = [fingerprint(**table) for table in ({"repetition_penalty": False}, {"temperature": "default"})]
    assert 4 == len({plain, *others, fingerprint(base_url="http://localhost:2/v1")})


def test_whole_command(run_cli: RunCli, workplace: Any) -> None:
    """`harness eval --model openai:…` puts a served model on the board; the same again asks nothing."""
    with serve(lambda call: vendor.reply(f"はい、{vendor.asked(call)[:5]}。")) as server:
        (workplace / "harness.toml").write_text(f'[models.openai]\nbase_url = "{server.url}/v1"\n')
        command = ("eval", "--task", "bundled:ja-mini", "--limit", "8", "--model", "openai:served", "--judge", "rules")
        first = run_cli(*command, "--json")
        calls = len(server.calls)
        second = run_cli(*command, "--json")
        assert (8, 8) == (calls, len(server.calls))
    assert (0, 0) == (first.code, second.code)
    row = json.loads(first.out)["rows"][0]
    assert ("openai:served", 8, 0) == (row["model"], row["n"], row["n_unscored"])
