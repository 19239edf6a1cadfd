"""Dead links inside the built site and between the texts of the repository, without a network."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_REMOTE_ALLOWED = {"a"}  # a page links to other sites, and loads nothing from them


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag is called and where it points."""
        for name, value in attrs:
            if name in {"id", "name"} and value:
                self.ids.add(value)
            if name in {"href", "src"} and value:
                self.links.append((tag, value))


def dead_links(site: Path) -> list[str]:
    """Return a line for every link of the site that leads nowhere, and for all that is loaded from elsewhere."""
    pages = {path.resolve(): _read(path) for path in site.rglob("*.html")}
    dead = []
    for path, page in pages.items():
        where = path.relative_to(site.resolve())
        for tag, link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                if tag not in _REMOTE_ALLOWED and parts.scheme != "data":
                    dead.append(f"{where}: loads {link}")
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.exists():
                dead.append(f"{where}: {link}: no such file")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].ids:
                dead.append(f"{where}: {link}: no such place on that page")
    return dead


def dead_links_of_text(root: Path) -> list[str]:
    """Return a line for every relative link of the repository's Markdown to a file that is not there."""
    dead = []
    for path in [*root.glob("*.md"), *(root / "docs").glob("*.md"), *(root / "bench").glob("*.md")]:
        for link in _links(path.read_text(encoding="utf-8")):
            target = unquote(urlsplit(link).path)
            if not urlsplit(link).scheme and target and not (path.parent / target).exists():
                dead.append(f"{path.relative_to(root)}: {link}: no such file")
    return dead


def _links(text: str) -> Iterator[str]:
    return (match[1] for match in _LINK.finditer(re.sub(r"```.*?```|`[^`\n]+`", "", text, flags=re.DOTALL)))


def _read(path: Path) -> _Page:
    page = _Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page
