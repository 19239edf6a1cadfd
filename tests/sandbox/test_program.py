"""Templates compiled and filled: what they need, what goes wrong in them, and in which line."""

import pytest

from harness.sandbox.environment import MAX_TEXT
from harness.sandbox.program import MAX_PARTS, MissingPartsError, Program, TemplateFailure, TemplateSource, inspect


def failure(text: str, **variables: object) -> TemplateFailure:
    """What goes wrong where a template is compiled and filled."""
    with pytest.raises(TemplateFailure) as caught:
        Program([TemplateSource(text=text)], {}).render(variables)
    return caught.value


def test_variables_are_those_that_nobody_sets() -> None:
    """Of all sources and of the files that they include; loop variables and built-ins are none."""
    text = "{% set a = 1 %}{% for x in range(n) %}{{ x }}{{ a }}{% endfor %}{% include 'p.j2' %}"
    found = inspect(
        [TemplateSource(text=text), TemplateSource(text="{{ b }}")], {"p.j2": "{{ c }}", "unused.j2": "{{ d }}"}
    )
    assert {"n", "b", "c"} == set(found.variables)
    assert {"p.j2": "{{ c }}"} == found.parts


def test_included_files_that_are_not_given_are_named_with_who_wants_them() -> None:
    """Those of included files, too; a published template may include nothing."""
    sources = [TemplateSource(text="{% include 'a.j2' %}{% include 'b.j2' %}")]
    with pytest.raises(MissingPartsError) as caught:
        inspect(sources, {"a.j2": "{% include 'c.j2' %}"})
    assert {"b.j2": None, "c.j2": "a.j2"} == caught.value.wanted
    with pytest.raises(TemplateFailure, match="a published template stands alone"):
        inspect(sources, None)
    with pytest.raises(TemplateFailure, match="must be written out, not computed"):
        inspect([TemplateSource(text="{% include name %}")], {})
    many = {f"{n}.j2": "x" for n in range(MAX_PARTS + 1)}
    with pytest.raises(TemplateFailure, match=f"more than {MAX_PARTS} included files"):
        inspect([TemplateSource(text="".join(f"{{% include '{name}' %}}" for name in many))], many)


@pytest.mark.parametrize(
    ("text", "kind", "message", "line"),
    [
        ("a\n{{ b", "syntax", "ends where '}}' should stand", 2),
        ("a\n\n{% endfor %}", "syntax", "tag 'endfor' is unknown", 3),
        ("{{ missing }}", "undefined", "'missing' is undefined", None),
        ("{{ given.nothing }}", "undefined", "has no attribute 'nothing'", None),
        ("{{ 1 / 0 }}", "failed", "ZeroDivisionError", None),
        ("{{ 'x' * 2000000 }}", "limit", f"more than {MAX_TEXT:,} items", None),
        ("{% for a in range(10000) %}{% for b in range(101) %}x{% endfor %}{% endfor %}", "limit", "a prompt of", None),
        ("{{ given.__class__ }}", "failed", "the sandbox refuses it", None),
        ("{{ ''.join }}", "failed", "", None),
        ("a \u202e b", "syntax", "U+202E hides the order of the text", 1),
    ],
)
def test_each_failure_has_its_kind_and_its_line(text: str, kind: str, message: str, line: int | None) -> None:
    """The line, where the source is to blame and not what it was filled with."""
    found = failure(text, given="x")
    assert (kind, True) == (found.kind, message in found.message), found.message
    if line is not None:
        assert line == found.line


def test_lines_are_those_of_the_file() -> None:
    """A body below front matter begins further down."""
    with pytest.raises(TemplateFailure) as caught:
        inspect([TemplateSource(text="x\n{{ a", first_line=7)], None)
    assert 8 == caught.value.line


def test_doubts_are_what_the_sandbox_refuses_when_it_comes_to_it() -> None:
    """Named with their lines before anything is rendered."""
    found = inspect([TemplateSource(text="{{ a._b }}\n{{ a['__c'] }}\n{{ a|attr('d') }}\n{{ a.e }}")], None)
    assert [(1, "'_b'"), (2, "'__c'"), (3, "the filter 'attr'")] == [
        (doubt.line, doubt.text.split(" is ")[0].split(" reaches")[0]) for doubt in found.doubts
    ]


def test_every_source_is_filled_with_the_same_values() -> None:
    """Texts keep their line ends and what looks like a template in a value is text."""
    program = Program(
        [TemplateSource(text="{{ a }}\n"), TemplateSource(text="{% include 'p.j2' %}")], {"p.j2": "<{{ a }}>"}
    )
    assert [["{{ 7*7 }}\n", "<{{ 7*7 }}>"], ["二\n", "<二>"]] == program.render_all([{"a": "{{ 7*7 }}"}, {"a": "二"}])
