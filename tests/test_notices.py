"""What is to be known of a run: codes that no wording changes, words in any language, and no emitter without a code."""

import ast
import json
import pickle
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from harness.locale import in_language, tr, trn
from harness.locale.facts import fact_of
from harness.notices import CODES, Notice, about, as_notice, notice_fact, notice_facts, notice_of, notices_of
from tests.conftest import ROOT

PLURAL = Notice("seal_tasks_missing", trn("{n} answer", "{n} answers", 2))
# They hand on what a plugin says, which needs no code.
OF_PLUGINS = {"harness/plugins/metrics.py", "judges/python_file.py"}
# They are words of a report's page, which have codes of their own, and what stands beside one effect of an A/B test.
OTHERS = {"reports/cautions.py", "harness/analysis/prompt_cells.py"}
EMITTERS = {"check_rows", "check_samples", "meet", "notices", "cautions"}


@pytest.mark.parametrize(
    "made", [PLURAL, about("tuned", PLURAL), Notice("x9", "{braces} stay"), as_notice("as a plugin said it")]
)
def test_a_notice_comes_back_from_a_file_and_from_another_process(made: Notice) -> None:
    """Through plain JSON and a pickle, as a part of a record, too: the text, its code, and the words of a language."""
    for again in (notice_of(json.loads(json.dumps(notice_fact(made)))), pickle.loads(pickle.dumps(made))):
        assert isinstance(again, Notice)
        assert (made, made.code) == (again, again.code)
        assert in_language(made, "ja") == in_language(again, "ja")

    @dataclass
    class Record:
        notices: tuple[Notice, ...]

    [copied] = asdict(Record(notices=(made,)))["notices"]
    assert (made, made.code) == (copied, copied.code)


def test_rewording_changes_no_code() -> None:
    """Two wordings of one notice are known by the same word, in English and in Japanese."""
    first, second = (Notice("no_rules", tr(said, name="a")) for said in ("{name} is bare", "there are none for {name}"))
    assert first != second
    assert "no_rules" == first.code == second.code == notice_of(notice_fact(second)).code


@pytest.mark.parametrize(
    "fact",
    ["as it stands", fact_of(tr("{n} answers", n=2)), fact_of("a plugin"), {"text": "why", "notice": "/tmp/x:1"}, None],
)
def test_a_file_from_before_there_were_codes_is_read(fact: object) -> None:
    """Its notices keep their words under the code other; what somebody wrote there is no code."""
    found = notice_of(fact)
    assert "other" == found.code
    assert str(fact["text"] if isinstance(fact, dict) else fact) == found


def test_several_are_a_list_and_not_a_text() -> None:
    """A text would be read letter by letter."""
    texts = (PLURAL, as_notice("as it stands"))
    assert texts == notices_of(notice_facts(texts)) == notices_of([str(text) for text in texts])
    with pytest.raises(TypeError, match="several messages"):
        notices_of("one")


def modules() -> Iterator[tuple[Path, ast.Module]]:
    """Yield every module of the product."""
    for package in ("harness", "judges", "reports", "trainers"):
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path.relative_to(ROOT), ast.parse(path.read_text(encoding="utf-8"))


def test_the_codes_are_those_that_the_product_gives() -> None:
    """Each is a literal at its place, listed once, and none is listed that nothing gives."""
    given: set[str] = set()
    for path, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Notice":
                code = node.args[0]
                if str(path) != "harness/notices.py":
                    assert isinstance(code, ast.Constant), f"{path}:{node.lineno} has no literal code"
                    given.add(str(code.value))
    assert {*CODES} == given | {"other"}
    assert len(CODES) == len({*CODES})


def test_whoever_gives_notices_is_typed_to_give_codes() -> None:
    """What judges, models and task sets of ours say is `Notice` by its annotation, so that mypy finds a bare text."""
    bare = []
    for path, tree in modules():
        if path.parts[:2] == ("harness", "protocols") or str(path) in OF_PLUGINS | OTHERS:
            continue
        for node in ast.walk(tree):
            if not isinstance(node, ast.FunctionDef) or node.name not in EMITTERS or node.returns is None:
                continue
            returned = ast.unparse(node.returns)
            if re.search(r"\b(str|Text)\b", returned):
                bare.append(f"{path}:{node.lineno} {node.name} -> {returned}")
    assert bare == []


def test_no_message_without_a_code_gets_into_a_file() -> None:
    """The check that every test of a run has: a message of ours that lacks its code is an error."""
    with pytest.raises(AssertionError, match="no code"):
        notice_facts([tr("{n} answers", n=2)])
    with pytest.raises(AssertionError, match="no code"):
        about("tuned", tr("{n} answers", n=2))
    assert "other" == notice_fact("as a plugin said it")["notice"]
