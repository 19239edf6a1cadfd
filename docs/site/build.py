"""Build the documentation, in both languages: `make docs`. Warnings are errors, and so is a dead link.

A page is docs/NAME.md in English and docs/NAME.ja.md in Japanese. They are staged as NAME.md in a folder for each
language, with the pages that are made from the program, and Sphinx makes HTML of them. Nothing is fetched.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import links
import reference

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PAGES = ROOT / "docs"
LANGUAGES = ("en", "ja")
_FILE_BLOCK = re.compile(r"<!-- file: (?P<file>\S+) -->\n(?:<!-- [^>]+ -->\n)?```(?P<kind>\w+)\n")
_REMARK = re.compile(r"^<!-- (?:not run|stand-ins|no newline)[^>]*-->\n", re.MULTILINE)
_LEXERS = {"jinja": "jinja", "csv": "text", "console": "console", "pycon": "pycon", "json": "text", "svg": "xml"}
_TO_README = re.compile(r"\((?:\.\./)?README(?:\.ja)?\.md(#[^)]*)?\)")
_TO_PAGE = re.compile(r"\((?:\.\./)?(?:docs/)?([\w./-]+?)(?:\.ja)?\.md(#[^)]*)?\)")
_TO_SOURCE = re.compile(r"\[([^\]]+)\]\((?!https?:|#|mailto:)([^)#]+)(#[^)]*)?\)")
_BROKEN_LINE = re.compile(r"[、-〿ぁ-ヿ一-鿿！-～]\n[「『（【〈ぁ-ヿ一-鿿][^\n]*\Z")
_OTHER_LANGUAGE = re.compile(
    r"^(?:English|日本語)[：:] ?\[[^\]]+\]\([^)]+\)\n\n?", re.MULTILINE
)  # the site has a switch
_ABOUT = (
    "> A benchmark harness for people who fine-tune Japanese LLMs: it compares a base model and its adapters on the "
    "same tasks and says with honest statistics whether a difference is one. It also trains the adapters (QLoRA)."
)
_ONLY_ENGLISH = "```{note}\nこのページは英語だけです。\n```\n\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Pages that stand together in the sidebar."""

    title: str
    pages: tuple[str, ...]


def main() -> int:
    """Build, check, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "site")
    parser.add_argument("--external", action="store_true", help="ask for every address in the pages instead (network)")
    options = parser.parse_args()
    output: Path = options.output
    shutil.rmtree(output, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="ja-harness-docs-") as scratch:
        staged = {language: Path(scratch, language) for language in LANGUAGES}
        for language, folder in staged.items():
            stage(language, folder)
        builder = "linkcheck" if options.external else "html"
        running = {language: _sphinx(builder, language, folder, output) for language, folder in staged.items()}
        codes = [process.wait() for process in running.values()]
        if any(codes):
            return 1
        for language, folder in staged.items():
            _publish_text(folder, output / language)
    if options.external:
        return 0
    (output / "index.html").write_text(_entrance(), encoding="utf-8")
    (output / "llms.txt").write_text(llms_text(output), encoding="utf-8")
    (output / ".nojekyll").touch()
    dead = [*links.dead_links(output), *links.dead_links_of_text(ROOT)]
    for line in dead:
        print(line, file=sys.stderr)
    return 1 if dead else 0


def _sphinx(builder: str, language: str, source: Path, output: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "sphinx", "-b", builder, "-W", "--keep-going", "-q", "-c", str(HERE)]
    command += ["-d", str(source.parent / f"{language}.cache"), str(source), str(output / language)]
    return subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "HARNESS_DOCS_LANGUAGE": language, "PYTHONPATH": str(ROOT)}
    )


def sections(language: str, known: set[str]) -> list[Section]:
    """Return the sidebar's sections with the pages that there are; a page that none names stands under "How to"."""
    table = tomllib.loads((HERE / "navigation.toml").read_text(encoding="utf-8"))
    named = {page for section in table["section"] for page in section["pages"]}
    rest = sorted(known - named - {"index"} - {page for page in known if page.startswith("reference/commands/")})
    found = []
    for place, section in enumerate(table["section"]):
        pages = [page for page in section["pages"] if page in known] + (rest if place == 1 else [])
        found.append(Section(title=section["title"][language], pages=tuple(pages)))
    return found


def stage(language: str, folder: Path) -> None:
    """Write the pages of one language, as Sphinx is to read them."""
    folder.mkdir(parents=True)
    table = tomllib.loads((HERE / "navigation.toml").read_text(encoding="utf-8"))
    names = {path.name.removesuffix(".md").removesuffix(".ja") for path in PAGES.glob("*.md")}
    for name in names:
        own = PAGES / (f"{name}.md" if language == "en" else f"{name}.ja.md")
        note = "" if own.exists() else _ONLY_ENGLISH
        text = (own if own.exists() else PAGES / f"{name}.md").read_text(encoding="utf-8")
        (folder / f"{name}.md").write_text(_after_title(staged_text(text), note), encoding="utf-8")
    for name, path in table["elsewhere"].items():
        text = staged_text((ROOT / path).read_text(encoding="utf-8"))
        note = _ONLY_ENGLISH if language == "ja" else ""
        (folder / f"{name}.md").write_text(_after_title(text, note), encoding="utf-8")
    for name, text in reference.pages(language).items():
        target = folder / f"{name}.md"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    known = {str(path.relative_to(folder)).removesuffix(".md") for path in folder.rglob("*.md")}
    with (folder / "index.md").open("a", encoding="utf-8") as index:
        for section in sections(language, known):
            pages = "\n".join(section.pages)
            index.write(f"\n```{{toctree}}\n:hidden:\n:maxdepth: 1\n:caption: {section.title}\n\n{pages}\n```\n")
    for part in ("pictures", "report.png", "report.ja.png"):
        source = PAGES / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / part)
    shutil.copytree(HERE / "locale", folder / "locale")
    if (ROOT / "examples").is_dir():
        shutil.copytree(ROOT / "examples", folder / "examples")


def staged_text(text: str) -> str:
    """Return a page as Sphinx is to read it: captions for files, links between pages, no remarks for the tests."""

    def captioned(match: re.Match[str]) -> str:
        kind = _LEXERS.get(match["kind"], match["kind"])
        return f"```{{code-block}} {kind}\n:caption: {match['file']}\n\n"

    text = _REMARK.sub("", _FILE_BLOCK.sub(captioned, _OTHER_LANGUAGE.sub("", text)))
    fenced = re.split(r"(^```.*?^```$)", text, flags=re.MULTILINE | re.DOTALL)
    text = "".join(part if place % 2 else joined(part) for place, part in enumerate(fenced))
    text = re.sub(r"^```(csv|json)$", "```text", text, flags=re.MULTILINE)
    parts = re.split(r"(^```.*?^```$|`[^`\n]+`)", text, flags=re.MULTILINE | re.DOTALL)
    return "".join(part if place % 2 else _linked(part) for place, part in enumerate(parts))


def joined(text: str) -> str:
    r"""Return prose whose lines end between Japanese characters as one line: HTML would show a blank there.

    >>> joined("## 区間\n真の値を\n含みます。\nOK\nです")
    '## 区間\n真の値を含みます。\nOK\nです'
    """
    lines: list[str] = []
    for line in text.split("\n"):
        if lines and not lines[-1].startswith(("#", "|")) and _BROKEN_LINE.search(f"{lines[-1]}\n{line}"):
            lines[-1] += line
        else:
            lines.append(line)
    return "\n".join(lines)


def _linked(text: str) -> str:
    text = _TO_README.sub(r"(index.md)", text)
    for name, path in (("changelog", "CHANGELOG"), ("contributing", "CONTRIBUTING"), ("benchmarks", "bench/README")):
        text = re.sub(rf"\((?:\.\./)?{path}\.md(#[^)]*)?\)", rf"({name}.md\1)", text)
    text = _TO_PAGE.sub(r"(\1.md\2)", text)
    text = text.replace("(../examples/", "(examples/").replace("(docs/report.png)", "(report.png)")
    # What is a file of the source and no page is named, not linked: it has no address.
    return _TO_SOURCE.sub(lambda match: match[0] if _is_staged(match[2]) else f"{match[1]} (`{match[2]}`)", text)


def _is_staged(target: str) -> bool:
    return target.endswith((".md", ".html")) or target.startswith(("pictures/", "examples/", "report."))


def _after_title(text: str, note: str) -> str:
    title, line, rest = text.partition("\n")
    return f"{title}{line}\n{note}{rest}" if note else text


def _publish_text(folder: Path, output: Path) -> None:
    """Lay the pages' text beside their HTML, for programs that read."""
    for path in folder.rglob("*.md"):
        target = output / path.relative_to(folder)
        if target.parent.is_dir():
            shutil.copy(path, target)


def _entrance() -> str:
    """Return the page that sends a reader to his language."""
    return """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>ja-harness</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<script>
location.replace((navigator.language || "en").toLowerCase().startsWith("ja") ? "ja/index.html" : "en/index.html")
</script></head>
<body><p><a href="en/index.html">English</a> · <a href="ja/index.html" lang="ja">日本語</a></p></body></html>
"""


def llms_text(output: Path) -> str:
    """Return llms.txt (llmstxt.org): what there is to read, for programs, each page with its first sentence."""
    lines = [
        "# ja-harness",
        "",
        _ABOUT,
        "",
        "Each page is here as Markdown. Commands: `harness --help`, `harness COMMAND --help`. Python: `import harness`",
    ]
    for language, name in (("en", ""), ("ja", " (日本語)")):
        known = {str(path.relative_to(output / language)).removesuffix(".md") for path in _texts(output / language)}
        for section in sections(language, known):
            lines += ["", f"## {section.title}{name}", ""]
            for page in section.pages:
                title, summary = _summary((output / language / f"{page}.md").read_text(encoding="utf-8"))
                lines.append(f"- [{title}]({language}/{page}.md): {summary}")
    return "\n".join(lines) + "\n"


def _texts(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*.md") if "_sources" not in path.parts)


def _summary(text: str) -> tuple[str, str]:
    """Return the title of a page and the first sentence of its prose."""
    title, _, rest = text.partition("\n")
    rest = re.sub(r"^```.*?^```$", "", rest, flags=re.MULTILINE | re.DOTALL)
    prose = next(
        (part for part in rest.split("\n\n") if part.strip() and not part.strip().startswith(("#", "|", "!"))), ""
    )
    line = re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", " ".join(prose.split()))
    first = re.match(r".+?(?:[.!?](?=\s|$)|。)", line)
    return title.lstrip("# ").strip(), (first[0] if first else line)


if __name__ == "__main__":
    sys.exit(main())
