"""The echo model."""

from harness.models.echo import open_echo
from harness.protocols import AnswerFile
from harness.types import Generation, Message, ModelSpec, RenderedPrompt, Request, Sampling

ECHO = open_echo(ModelSpec(text="echo", label="echo", backend="echo"))


def request(key: str, *messages: Message) -> Request:
    return Request(
        key=key,
        task="t",
        sample_id="0",
        model="echo",
        prompt="plain.v1",
        repeat=0,
        rendered=RenderedPrompt(messages=messages),
        sampling=Sampling(),
    )


def test_answers_with_the_last_user_message() -> None:
    """System text and earlier turns are not echoed; tokens are characters."""
    asked = request(
        "k",
        Message(role="system", content="システム"),
        Message(role="user", content="前の問い"),
        Message(role="assistant", content="前の答え"),
        Message(role="user", content="### 指示\n問い\x00\ud83d"),
    )
    expected = Generation(
        request_key="k", text="### 指示\n問い\x00\ud83d", tokens_in=len(asked.rendered.text), tokens_out=11
    )
    assert [expected] == list(ECHO.generate([asked]))


def test_a_prompt_without_a_user_message_gives_an_empty_answer() -> None:
    """There is nothing to echo, which is an answer and no failure."""
    [generation] = ECHO.generate([request("k", Message(role="system", content="x"))])
    assert (generation.text, generation.error) == ("", None)


def test_answers_one_by_one() -> None:
    """The first answer does not wait for the last request."""
    first = next(ECHO.generate([request(str(number), Message(role="user", content="x")) for number in range(3)]))
    assert first.request_key == "0"


def test_sees_the_prompt() -> None:
    """Echo is no answer file: it answers anew under each template."""
    assert not isinstance(ECHO, AnswerFile)
    assert ECHO.fingerprint == "echo.v1"


def test_ten_thousand_answers() -> None:
    """One for each."""
    requests = [request(str(number), Message(role="user", content="問い" * 50)) for number in range(10_000)]
    assert sum(1 for _ in ECHO.generate(requests)) == 10_000
