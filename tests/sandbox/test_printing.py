"""What a template prints is the same each time: no expression shows where an object lies in memory."""

import itertools
import re
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.sandbox.program import Program, TemplateFailure, TemplateSource
from harness.templates import load_template

# Everything that a template can lay hands on and that is neither text nor a plain value.
OBJECTS = {
    "range": "range",
    "dict": "dict",
    "namespace": "namespace",
    "method of text": "input.upper",
    "method of a list": "[1].count",
    "method of a dict": "{'a': 1}.items",
    "method of a number": "(1).bit_length",
    "method by item": "input['upper']",
    "method by filter": "input|attr('upper')",
    "method of the loop": "loop.cycle",
    "loop": "loop",
    "format": "'{}'.format",
    "macro": "m",
    "itself": "self",
    "block": "self.b",
    "items of map": "[1]|map('string')",
    "items of select": "[1]|select",
    "items of batch": "[1]|batch(2)",
    "items of slice": "[1]|slice(2)",
    "items of reverse": "[1]|reverse",
    "items of unique": "[1]|unique",
    "items of items": "{'a': 1}|items",
    "namespace object": "namespace(a=input.upper)",
}
WAYS = {
    "printed": "{{ %s }}",
    "in a list": "{{ [%s] }}",
    "in a dict": "{{ {'a': %s} }}",
    "by tilde": "{{ '' ~ (%s) }}",
    "by string": "{{ (%s)|string }}",
    "by percent": "{{ '%%s' %% [%s] }}",
    "by percent filter": "{{ '%%r'|format(%s) }}",
    "by format": "{{ '{} {!r}'.format(%s, %s) }}",
    "by join": "{{ [%s]|join }}",
    "by pprint": "{{ (%s)|pprint }}",
    "by title": "{{ (%s)|title }}",
    "by replace": "{{ (%s)|replace('0x', '') }}",
    "by escape": "{{ (%s)|e }}",
    "by length of its words": "{{ (%s)|string|length }}",
}
AROUND = (
    "{%% block b %%}{%% endblock %%}{%% macro m() %%}{%% endmacro %%}{%% for a in [1] %%}%s{%% endfor %%}{{ input }}"
)
WORDS = re.compile(r"0x[0-9a-f]{4,}| at 7f", re.IGNORECASE)


@pytest.mark.parametrize("what", OBJECTS)
def test_no_way_of_printing_an_object_shows_an_address(what: str) -> None:
    """Each is refused, or gives the same words twice and in another environment."""
    for way, form in WAYS.items():
        text = AROUND % (form % tuple([OBJECTS[what]] * form.replace("%%", "").count("%s")))
        told = []
        for _ in range(2):
            try:
                told.append(Program([TemplateSource(text=text)], {}).render({"input": "x"})[0])
            except TemplateFailure as failure:
                told.append(failure.message)
        assert told[0] == told[1], (what, way)
        assert WORDS.search(told[0]) is None, (what, way, told[0])


def test_an_object_between_braces_is_refused_by_name(tmp_path: Path) -> None:
    """The message names the template and what it prints."""
    for number, (body, words) in enumerate(
        [("{{ range }}", "range"), ("{{ input.upper }}", "method upper"), ("{{ [1]|map('string') }}", "not joined")]
    ):
        path = tmp_path / f"{number}.j2"
        path.write_text(body + "{{ input }}")
        with pytest.raises(HarnessError) as refused:
            load_template(str(path)).render({"input": "x"})
        assert words in refused.value.message
        assert path.name in refused.value.message


@pytest.mark.parametrize("text", ["<f at 0x7f12ab34cd>", "<object object at 0x55d0c0ffee>", "<a b='1'> at 0x12"])
def test_an_address_that_was_given_is_text(text: str) -> None:
    """A task about Python may hold one, and so may the template itself."""
    assert [text] == Program([TemplateSource(text="{{ input }}")], {}).render({"input": text})
    assert [text] == Program([TemplateSource(text="{{ row.a[0] }}")], {}).render({"row": {"a": [text]}})
    assert [f"{text}x"] == Program([TemplateSource(text=f"{text}{{{{ input }}}}")], {}).render({"input": "x"})


def test_methods_work_as_before() -> None:
    """Under their names alone they can still be called, tested, kept and passed on."""
    cases = {
        "{{ input.upper() }}": "AB",
        "{% set f = input.upper %}{{ f() }}": "AB",
        "{{ input.upper is callable }}{{ input is callable }}": "TrueFalse",
        "{{ {'a': 1}.items()|list }}": "[('a', 1)]",
        "{% for k, v in {'a': 1}.items() %}{{ k }}{{ v }}{% endfor %}": "a1",
        "{{ [1, 2]|map('string')|join('-') }}": "1-2",
        "{{ ([3, 4]|select|first) }}{{ [1, 2]|reverse|list }}{{ [1,2,3]|batch(2)|map('sum')|list }}": "3[2, 1][3, 3]",
        "{{ '{:>4}'.format(input) }}{{ '%s' % input }}": "  abab",
        "{{ [1]|map('string') is iterable }}": "True",
        "{{ dict(a=1).a }}{{ range(3)|list }}{{ namespace(x=1).x }}": "1[0, 1, 2]1",
        "{{ none }}{{ true }}{{ 1.5 }}{{ [input] }}{{ {'a': none} }}": "NoneTrue1.5['ab']{'a': None}",
        "{{ 12345|round }}{{ 99999|tojson }}{{ 5000|round(1) }}": "12345999995000",
        "{% for a, b in [[1, 2]] %}{{ loop.cycle('x', 'y') }}{{ loop.index }}{% endfor %}": "x1",
        "{% macro m(a) %}{{ a }}{{ caller() }}{% endmacro %}{% call m(1) %}c{% endcall %}": "1c",
    }
    for text, expected in cases.items():
        assert [expected] == Program([TemplateSource(text=text)], {}).render({"input": "ab"}), text


def test_nested_ranges_stay_limited(tmp_path: Path) -> None:
    """A long range is refused by its length, nested shorter ones by the time that they take."""
    for outer, inner in itertools.product(("10**5", "9999", "10**4 + 1"), repeat=2):
        path = tmp_path / "n.j2"
        path.write_text(
            f"{{% for a in range({outer}) %}}{{% for b in range({inner}) %}}{{% endfor %}}{{% endfor %}}{{{{ input }}}}"
        )
        with pytest.raises(HarnessError, match="asks for too much"):
            load_template(str(path)).render({"input": "x"})
