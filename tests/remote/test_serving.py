"""What a served judge and a served model have in common, on a client that follows a script."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from harness.errors import HarnessError, ModelUnavailableError, QuotaEndedError
from harness.protocols import CallLimits, Delay, Served
from harness.remote.call import CallError, Reply, Trouble
from harness.remote.quota import CountsInMemory
from harness.remote.serving import Serving
from harness.remote.settings import RemoteSettings
from tests.remote.test_retry import FAST, OK, PROMPT, Scripted

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


class Parrot(Serving):
    """Something that a server runs."""

    _unavailable = ModelUnavailableError

    def ask(self) -> Reply:
        return self._caller.call(PROMPT)

    def _says(self, error: CallError) -> str:
        return f"The parrot cannot go on: {error}."

    def end_if_final(self, error: CallError) -> None:
        self._end_if_final(error, "Feed it.")


class Keyless(Scripted):
    """A client whose key is rejected, also when it is asked for its models."""

    def hurried(self, seconds: float) -> "Keyless":
        return self

    def models(self) -> Sequence[str]:
        raise CallError("key")


def parrot(*outcomes: Reply | CallError, **settings: float) -> Parrot:
    client = Scripted(lambda number: outcomes[min(number, len(outcomes) - 1)])
    return Parrot("polly", client, RemoteSettings(**(FAST | settings)))  # type: ignore[arg-type]


def test_it_is_what_the_protocol_asks_for() -> None:
    """So that the command line can pace and count it."""
    assert isinstance(parrot(OK), Served)


def test_a_limit_given_later_goes_before_that_of_the_settings() -> None:
    """And one that says nothing leaves it."""
    service = parrot(OK, requests_per_minute=60, requests_per_day=500)
    assert CallLimits(requests_per_minute=60, requests_per_day=500) == service.limits
    service.limit(CallLimits(requests_per_minute=15))
    assert (15, 500, 15) == (
        service.limits.requests_per_minute, service.limits.requests_per_day, service.requests_per_minute,
    )  # fmt: skip
    service.limit(CallLimits())
    assert 60 == service.requests_per_minute


def test_calls_are_counted_and_repeats_told_under_its_name() -> None:
    """Where the store counts them, and whoever prints hears of them."""
    heard: list[Delay] = []
    service = parrot(CallError("server"), OK, requests_per_day=9)
    service.attach(CountsInMemory(), heard.append)
    assert OK == service.ask()
    assert ["polly"] == [delay.name for delay in heard]
    assert 2 == service.used_today()


@pytest.mark.parametrize("trouble", ["server", "timeout", "network", "reply", "rate", "safety", "empty", "size"])
def test_what_may_pass_ends_nothing(trouble: Trouble) -> None:
    """It is the item's affair: nothing is raised, and the next call is made."""
    service = parrot(OK)
    service.end_if_final(CallError(trouble))
    assert OK == service.ask()


@pytest.mark.parametrize("trouble", ["key", "quota", "model"])
def test_what_will_not_pass_ends_it_with_its_sentence(trouble: Trouble) -> None:
    """Of the kind that a judge or a model has, with the next step."""
    with pytest.raises(ModelUnavailableError, match="The parrot cannot go on: ") as caught:
        parrot(OK).end_if_final(CallError(trouble))
    assert "Feed it." == caught.value.hint


def test_a_quota_that_begins_anew_says_when() -> None:
    """It is no defect of the server: the same command goes on then."""
    with pytest.raises(QuotaEndedError, match="The parrot cannot go on: ") as caught:
        parrot(OK).end_if_final(CallError("day", until=NOON))
    assert NOON == caught.value.until


def test_after_a_rejected_key_it_can_be_asked_again() -> None:
    """Somebody put the key right."""
    service = parrot(CallError("key"), OK)
    for _ in range(2):
        with pytest.raises(CallError, match="key rejected"):
            service.ask()
    service.resume()
    assert OK == service.ask()


def test_a_key_that_is_rejected_is_said_before_the_run() -> None:
    """With what to look at."""
    service = Parrot("polly", Keyless(lambda _: OK), RemoteSettings(**FAST))  # type: ignore[arg-type]
    with pytest.raises(HarnessError, match="The parrot cannot go on: key rejected") as caught:
        service.look_up(1.0)
    assert "Check the API key in the environment." == caught.value.hint
