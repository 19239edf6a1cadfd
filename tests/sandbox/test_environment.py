"""Bounds of single operations: up to a limit everything works as in Jinja2, beyond it nothing does."""

import pytest

from harness.sandbox.environment import MAX_BITS, MAX_RANGE, MAX_TEXT, MAX_WIDTH, BoundedEnvironment, LimitError

VALUES = {"text": "x" * 1000, "number": 3, "items": [1, 2], "big": 2**600}


def filled(expression: str) -> str:
    """An expression's value as a template prints it."""
    return BoundedEnvironment().from_string(f"{{{{ {expression} }}}}").render(VALUES)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("'ab' * 3", "ababab"),
        ("items * 2", "[1, 2, 1, 2]"),
        ("2 ** 10", "1024"),
        ("'%03d' % 7", "007"),
        ("'{:>5}'.format('x')", "    x"),
        ("'x'.ljust(3) ~ '|'", "x  |"),
        ("range(3) | list", "[0, 1, 2]"),
        ("'a' + 'b'", "ab"),
        ("items | tojson", "[1, 2]"),
        ("3.14159 | round(2)", "3.14"),
        (f"(range({MAX_RANGE}) | list | length)", str(MAX_RANGE)),
        (f"('x' * {MAX_TEXT}) | length", str(MAX_TEXT)),
        (f"'x'.ljust({MAX_WIDTH}) | length", str(MAX_WIDTH)),
    ],
)
def test_ordinary_work_is_done_as_jinja_does_it(expression: str, expected: str) -> None:
    """Up to the very limit."""
    assert expected == filled(expression)


@pytest.mark.parametrize(
    "expression",
    [
        f"'x' * {MAX_TEXT + 1}", f"[0] * {MAX_TEXT + 1}", f"{MAX_TEXT + 1} * 'x'", "(text * 600) + (text * 600)",
        f"range({MAX_RANGE + 1})", "range(0, 10**30)", f"2 ** {MAX_BITS + 1}", "big * big", "big ** 2",
        "'%9999d' % 1", "'%*d' % (number, 1)", "'{:9999}'.format(1)", "'{:{}}'.format(1, 9999)",
        f"'x'.center({MAX_WIDTH + 1})", f"'x'.zfill({MAX_WIDTH + 1})", f"'x' | center({MAX_WIDTH + 1})",
        f"'x' | indent({MAX_WIDTH + 1})", f"1.5 | round({MAX_WIDTH + 1})", "'%9999s' | format(1)",
        f"items | tojson(indent={MAX_WIDTH + 1})",
    ],
)  # fmt: skip
def test_what_asks_for_too_much_is_refused(expression: str) -> None:
    """Before it is computed: no text of a gigabyte, no number of a million digits."""
    with pytest.raises(LimitError):
        filled(expression)


def test_nothing_is_random() -> None:
    """A prompt decides under which key its answer is stored."""
    with pytest.raises(Exception, match="random"):
        filled("items | random")


def test_nothing_given_is_changed() -> None:
    """A list of the sample's stays as it is."""
    items = [1]
    with pytest.raises(Exception, match=r"unsafe|not safely"):
        BoundedEnvironment().from_string("{{ items.append(2) }}").render(items=items)
    assert [1] == items
