"""The catalogue of messages: complete, with the same places as the English, and compiled from what stands in it."""

import ast
import io
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import TypeGuard

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from harness.locale import Text, in_language, language_of, listing, tr, trn

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "harness/locale/ja/LC_MESSAGES"
KEYWORDS = {"tr": None, "trn": (1, 2)}
PACKAGES = ("harness", "judges", "reports", "trainers", "prompts")


@pytest.fixture(scope="module")
def japanese() -> Catalog:
    """The Japanese catalogue as translators edit it."""
    with (FOLDER / "harness.po").open("rb") as file:
        return read_po(file, locale="ja")


def extracted() -> Iterator[tuple[str, str | tuple[str, ...]]]:
    """Every message of the program with the file it stands in."""
    for package in PACKAGES:
        found = extract_from_dir(
            ROOT / package, method_map=[("**.py", "harness.locale.extract:extract")], keywords=KEYWORDS
        )
        for file, _, message, _, _ in found:
            yield f"{package}/{file}", message


def out_of_reach(source: str) -> list[str]:
    """Return the messages of a program that the extractor cannot find: inside f-strings, or not written out."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            found += [ast.unparse(part) for part in ast.walk(node) if _is_message(part)]
        elif _is_message(node) and isinstance(node.args[0], ast.JoinedStr | ast.BinOp):
            found.append(ast.unparse(node))
    return found


def _is_message(node: ast.AST) -> TypeGuard[ast.Call]:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KEYWORDS


def test_no_message_stands_where_it_is_not_found() -> None:
    """Babel sees no call inside an f-string before Python 3.12, and no text that is put together."""
    assert ["tr('b')", "tr(f'{x}')"] == out_of_reach("f\"a {tr('b')}\"; tr('c'); tr(f'{x}'); f'{x}'")
    found = {
        str(path.relative_to(ROOT)): messages
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if (messages := out_of_reach(path.read_text(encoding="utf-8")))
    }
    assert {} == found


def test_every_message_is_in_the_catalogue(japanese: Catalog) -> None:
    """`make messages` was run after the last message was written or changed."""
    missing = [(file, message) for file, message in extracted() if japanese.get(message) is None]
    assert [] == missing, "run: make messages"


def test_every_message_is_translated(japanese: Catalog) -> None:
    """Nobody reads English in the middle of Japanese: what is new is translated in harness.po."""
    texts = [(message.id, message.string) for message in japanese if message.id]
    assert [] == [english for english, text in texts if not (all(text) if isinstance(text, tuple) else text)]


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_translations_have_the_places_of_the_english(japanese: Catalog) -> None:
    """A place that the English does not fill would be an error in the middle of an error."""
    wrong = []
    for message in japanese:
        ids = [message.id] if isinstance(message.id, str) else list(message.id)
        texts = [message.string] if isinstance(message.string, str) else list(message.string)
        wrong += [text for text in texts if message.id and text and not places(text) <= places(ids[-1])]
    assert [] == wrong


# A bracket, comma or mark of half width at Japanese text.
_HALF = re.compile(r"[ぁ-んァ-ヶ一-龠ー][(),;!?]|[(),;!?][ぁ-んァ-ヶ一-龠]|[ぁ-んァ-ヶ一-龠]\.(\s|$)")


def test_japanese_has_japanese_punctuation(japanese: Catalog) -> None:
    """Of full width, and no blank is left at an end that the English has not."""
    texts = [(message.id, str(message.string)) for message in japanese if message.id and isinstance(message.id, str)]
    assert [] == [text for _, text in texts if _HALF.search(text)]
    assert [] == [text for _, text in texts if "：" in text], "one colon for all: a narrow one, with a blank behind it"
    assert [] == [text for english, text in texts if text != text.rstrip(" ") and english == english.rstrip(" ")]


def test_the_compiled_catalogue_is_that_of_the_text(japanese: Catalog) -> None:
    """harness.mo is what harness.po compiles to."""
    compiled = io.BytesIO()
    write_mo(compiled, japanese)
    assert compiled.getvalue() == (FOLDER / "harness.mo").read_bytes(), "run: make messages"


def test_a_message_is_said_in_another_language() -> None:
    """Values are filled in anew, messages among them too; without a translation it stays as it is."""
    message = tr("No {kind} named {name!r}.", kind=tr("judge"), name="gemeni")
    assert "No judge named 'gemeni'." == message == in_language(message, "en")
    assert "gemeni" in in_language(message, "ja")
    assert message != in_language(message, "ja")
    assert "plain" == in_language("plain", "ja")
    assert "nobody translated {this}" == in_language(Text("nobody translated {this}", {}), "ja")


@pytest.mark.parametrize(
    ("what", "english", "japanese"),
    [
        ("The server hung up.", "Cannot listen on ., port 1: The server hung up.", "hung up。"),
        ("it holds “a.”", "Cannot listen on ., port 1: it holds “a.”.", "it holds “a.”。"),
        ("(see above.)", "Cannot listen on ., port 1: (see above.).", "(see above.)。"),
        ("..", "Cannot listen on ., port 1: ...", "..。"),
        ("切れました。", "Cannot listen on ., port 1: 切れました.", "切れました。"),
        ("and so on …", "Cannot listen on ., port 1: and so on ….", "and so on …。"),
    ],
)
def test_a_sentence_within_a_sentence_has_one_full_stop(what: str, english: str, japanese: str) -> None:
    """What a server or a library says often ends in one of its own; folders keep their dots."""
    said = tr("Cannot listen on {host}, port {port}: {strerror}.", host=".", port=1, strerror=what)
    assert english == said
    assert in_language(said, "ja").endswith(japanese), in_language(said, "ja")


@pytest.mark.parametrize("name", ["第1回.", "結果。", "etc.", "(old.)"])
def test_a_name_keeps_its_full_stop(name: str) -> None:
    """It belongs to a file, a folder or an answer of the user's, which is found by no other name."""
    said = tr("Another process is training into {folder}.", folder=name)
    assert f"Another process is training into {name}." == said
    assert name in in_language(said, "ja")
    for names in ([name], ["一", name], ["a.", "b.", name]):
        said = tr("The columns are: {columns}.", columns=listing(names))
        assert f"The columns are: {', '.join(names)}." == said
        assert name in in_language(said, "ja")
    said = tr("What would do: {remedies}.", remedies=listing([tr("Close it."), tr("Open it.")]))
    assert "What would do: Close it., Open it." == said
    said = tr("Run {run} gives no row: {said}.", run="r", said=tr("nothing."))
    assert "Run r gives no row: nothing." == said


def test_numbers_choose_the_form() -> None:
    """English has two forms, and values beside the number are filled too."""
    assert "1 task of x" == trn("{n} task of {name}", "{n} tasks of {name}", 1, name="x")
    assert "0 tasks of x" == trn("{n} task of {name}", "{n} tasks of {name}", 0, name="x")


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "ja_JP.UTF-8"}, "ja"),
        ({"LANG": "ja_JP.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LANG": "ja_JP.UTF-8", "HARNESS_LANG": "en"}, "en"),
        ({"LANG": "en_US.UTF-8", "HARNESS_LANG": "ja"}, "ja"),
    ],
)
def test_the_language_of_the_environment(
    environment: dict[str, str], language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HARNESS_LANG goes before the system's language."""
    for name in ("HARNESS_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert language == language_of(None, None)


# What no catalogue has: a stranger's error with its name.
NOT_OURS = {
    "harness/plugins/__init__.py",
    "harness/remote/batching.py",
    "harness/templates/contract.py",
    "judges/python_file.py",
}
BUILT_IN = {
    "AttributeError",
    "ConnectError",
    "ConnectionError",
    "CaptureError",
    "KeyError",
    "LookupError",
    "TypeError",
    "ValueError",
}


def glued(path: Path) -> Iterator[int]:
    """Yield the lines on which an error's message or hint is an f-string, which nobody can translate any more."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func).rpartition(".")[2]
        if (name.endswith("Error") and name not in BUILT_IN) or name in {"fault", "_end_if_final"}:
            given = [*node.args, *(keyword.value for keyword in node.keywords)]
            called = [
                one.func.value for one in given if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute)
            ]
            yield from (one.lineno for one in [*given, *called] if isinstance(one, ast.JoinedStr))


@pytest.mark.parametrize("package", ["harness", "judges", "reports", "trainers"])
def test_a_message_is_not_glued_together(package: str) -> None:
    """An f-string of two messages is English in every language."""
    files = [
        path
        for path in sorted((ROOT / package).rglob("*.py"))
        if "sandbox" not in path.parts and "testing" not in path.parts
    ]
    found = {str(path.relative_to(ROOT)): [*glued(path)] for path in files}
    assert {} == {path: lines for path, lines in found.items() if lines and path not in NOT_OURS}
