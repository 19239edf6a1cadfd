"""Every page of docs/ in both languages: its files are written, its commands run, and what it shows is what they say.

Pages that need more than an empty folder (an adapter, a package, a hypothesis profile) have a test of their own.
"""

import re
import shlex
from pathlib import Path

import pytest

from tests.conftest import ROOT, RunCli
from tests.docs.pages import Block, blocks, commands, run_page

OWN_TEST = {"plugins", "python", "rules", "servers", "story", "templates", "testing", "training"}
PAGES = sorted((ROOT / "docs").glob("*.md"))


def name_of(page: Path) -> str:
    return page.name.removesuffix(".md").removesuffix(".ja")


def ids(page: Path) -> str:
    return page.name


@pytest.mark.parametrize("page", [page for page in PAGES if name_of(page) not in OWN_TEST], ids=ids)
def test_every_block_of_a_page_runs(page: Path, run_cli: RunCli) -> None:
    """From top to bottom in an empty folder, in the language of the page."""
    run_page(page, run_cli)


@pytest.mark.parametrize("page", [page for page in PAGES if not page.name.endswith(".ja.md")], ids=ids)
def test_a_page_is_there_in_both_languages_with_the_same_sections(page: Path) -> None:
    """As many headings of each level and blocks of each kind, and the same commands, so that neither says less."""
    twin = page.with_name(f"{name_of(page)}.ja.md")
    assert twin.exists(), f"{page.name} has no Japanese twin"

    def shape(path: Path) -> tuple[list[str], list[tuple[object, ...]]]:
        prose = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        found = [
            (block.kind, block.file, bool(block.reason), bool(block.stand_ins), typed(block)) for block in blocks(path)
        ]
        return re.findall(r"^#+(?= )", prose, flags=re.MULTILINE), found

    def typed(block: Block) -> list[list[str]]:
        if block.kind != "console" or not (block.stand_ins or block.reason):
            return []  # run on both pages
        return [shlex.split(command, comments=True) for command, _ in commands(block.text)]

    assert shape(page) == shape(twin)


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md", ROOT / "README.ja.md"], ids=ids)
def test_no_address_is_a_stand_in(page: Path) -> None:
    """The project has no published address yet, and no page makes one up."""
    assert not re.search(r"OWNER|example\.(?:com|org)|github\.com/(?:USER|ME|YOUR)", page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.ja.md"], ids=ids)
def test_a_japanese_page_leads_to_japanese_pages(page: Path) -> None:
    """But for the link to its own English twin, and pages that serve both languages."""
    if not page.name.endswith(".ja.md"):
        return
    links = re.findall(r"\]\(((?:docs/)?[\w-]+)\.md[)#]", page.read_text(encoding="utf-8"))
    twins = [link for link in links if (page.parent / f"{link}.ja.md").exists() and Path(link).name != name_of(page)]
    assert [] == twins
