"""How a server is asked for JSON: what it refuses is not asked for again, and a real fault changes nothing."""

from typing import Any

import pytest

from harness.remote.structure import Structure
from harness.testing.servers import openai as wire
from harness.testing.servers.loopback import Call, Step, in_turn, serve
from judges.openai import open_openai
from tests.judges.served import answer, judge_all, number_of, sample, score_of, spec
from tests.remote.test_openai import PROMPT, client


def form(call: Call) -> str:
    """The form of JSON that a call asks for."""
    return str(call.body.get("response_format", {}).get("type", "text"))


def refusing(status: int, message: str, *forms: str) -> Any:
    """The script of a server that does not know some forms."""
    return lambda call: wire.error(status, message) if form(call) in forms else wire.reply('{"score": 3}')


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (400, "response_format is not supported"),
        (422, '[{"loc": ["body", "response_format", "type"], "msg": "unexpected value"}]'),
        (500, "Internal Server Error"),
        (500, ""),
    ],
)
@pytest.mark.parametrize("forms", [["json_schema"], ["json_schema", "json_object"]])
def test_a_refused_form_is_asked_for_once(status: int, message: str, forms: list[str]) -> None:
    """The weaker form is tried at once, without a back-off, costs no verdict, and is the one from then on."""
    with serve(refusing(status, message, *forms)) as server:
        judge = open_openai(spec("openai", server.url, wait_initial=30.0, wait_max=30.0))
        assert [3.0] * 4 == [judge.judge(sample(n), answer(n)).score for n in range(4)]
        assert [*forms, *["text" if len(forms) == 2 else "json_object"] * 4] == [form(call) for call in server.calls]


def test_a_real_500_is_none_of_the_form() -> None:
    """A server that fails in every form is asked for the schema again when it works."""
    fault = wire.error(500, "oops")
    with serve(in_turn(fault, fault, fault, wire.reply('{"score": 4}'))) as server:
        judge = open_openai(spec("openai", server.url))
        assert [4.0, 4.0] == [judge.judge(sample(n), answer(n)).score for n in range(2)]
        assert ["json_schema", "json_object", "text", "json_schema", "json_schema"] == [form(c) for c in server.calls]


def test_a_form_that_has_worked_is_not_doubted() -> None:
    """A 500 after a reply in JSON is a fault like any other, with a back-off and in the same form."""
    with serve(in_turn(wire.reply('{"score": 4}'), wire.error(500, "oops"), wire.reply('{"score": 4}'))) as server:
        judge = open_openai(spec("openai", server.url))
        assert [4.0, 4.0] == [judge.judge(sample(n), answer(n)).score for n in range(2)]
        assert ["json_schema"] * 3 == [form(call) for call in server.calls]


def test_a_server_that_is_down_is_not_asked_three_times_over() -> None:
    """After a few calls that failed in every form, one form is enough to see that it is down."""
    with serve(in_turn(wire.error(500, "oops"))) as server:
        judge = open_openai(spec("openai", server.url, attempts=12))
        assert judge.judge(sample(1), answer(1)).status == "error"
        assert 4 * 3 + 8 == len(server.calls)


def test_one_bad_moment_among_many_calls() -> None:
    """Of 32 calls at once the first meets a passing 500: the schema that the others bring home is kept."""

    def script(call: Call) -> Step:
        if call.number == 0:
            return wire.error(500, "oops")
        score = score_of(number_of(call.body["messages"][0]["content"]))
        return wire.reply(f'{{"score": {score}}}').after(0.05)

    with serve(script) as server:
        judge = open_openai(spec("openai", server.url))
        judge_all(judge, 100)
        assert {"json_schema"} == {form(call) for call in server.calls[-50:]}


def test_a_server_that_ignores_the_schema() -> None:
    """Prose where a schema was asked for: the second question asks in a weaker form, and later calls as well."""

    def script(call: Call) -> Step:
        return wire.reply('{"score": 2}' if form(call) == "json_object" else "よい回答だと思います。")

    with serve(script) as server:
        judge = open_openai(spec("openai", server.url))
        assert [2.0] * 3 == [judge.judge(sample(n), answer(n)).score for n in range(3)]
        assert ["json_schema", *["json_object"] * 3] == [form(call) for call in server.calls]


@pytest.mark.parametrize("status", [401, 404, 429, 502, 503])
def test_other_refusals_are_not_about_the_form(status: int) -> None:
    """Only 400, 422 and 500 can be."""
    assert Structure("auto").weaker("schema", status, "response_format") is None


def test_a_chosen_form_is_kept() -> None:
    """What was asked for by name is neither given up nor found out."""
    with serve(refusing(500, "no", "json_schema")) as server:
        service = client(server, structured="schema")
        with pytest.raises(Exception, match="HTTP 500"):
            service.send(PROMPT)
        assert 1 == len(server.calls)
