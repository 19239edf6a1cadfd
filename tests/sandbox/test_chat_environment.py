"""What chat templates of the Hub are written for: loops with breaks, namespaces, a clock that is given, refusals."""

import datetime as dt

import pytest

from harness.sandbox.chat_environment import ChatProgram
from harness.sandbox.program import RefusedError, TemplateFailure

NOW = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
HELLO = [{"role": "user", "content": "はい"}]


def written(template: str, messages: list | None = None, **more: object) -> str:
    """What a template makes of messages."""
    return ChatProgram(template).render({"messages": HELLO if messages is None else messages, **more}, NOW)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{% for n in range(9) %}{% if n == 2 %}{% break %}{% endif %}{{ n }}{% endfor %}", "01"),
        ("{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}", "1"),
        ("{{ strftime_now('%Y-%m-%d') }}", "2026-01-02"),
        ("{% generation %}{{ messages[0].content }}{% endgeneration %}", "はい"),
        ("{{ messages[0] | tojson }}", '{"role": "user", "content": "はい"}'),
        ("  {% if true %}\n  x\n  {% endif %}\n", "  x\n"),
        ("{{ nothing_given is defined }}", "False"),
    ],
)
def test_it_writes_what_transformers_writes(template: str, expected: str) -> None:
    """Known values; the comparison with transformers itself is in test_chats."""
    assert expected == written(template)


def test_a_template_may_refuse_messages_in_its_own_words() -> None:
    """Told apart from a template that fails."""
    template = "{% if messages[0].role != 'user' %}{{ raise_exception('users first') }}{% endif %}ok"
    assert "ok" == written(template)
    with pytest.raises((TemplateFailure, RefusedError), match="users first") as caught:
        written(template, [{"role": "system", "content": "x"}])
    assert "refused" == getattr(caught.value, "kind", "refused")


def test_thoughts_have_the_name_that_templates_read() -> None:
    """Whichever of the usual ones they came under."""
    template = "{{ messages[0].reasoning_content }}"
    for name in ("reasoning_content", "thinking", "reasoning"):
        assert "考え" == written(template, [{"role": "assistant", "content": "x", name: "考え"}])


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{% for m in messages %}", "end of a block is missing: 'endfor'"),
        ("{{ messages.__class__.__mro__ }}", "private"),
        ("{{ 'x' * 10000000 }}", "more than"),
        ("{{ messages[0].content.nothing.more }}", "undefined|no attribute"),
    ],
)
def test_what_goes_wrong_is_a_failure(template: str, message: str) -> None:
    """Not an exception of Jinja2's."""
    with pytest.raises(TemplateFailure, match=message):
        written(template)
