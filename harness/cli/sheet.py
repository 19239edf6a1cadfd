"""The page with the verdict, and the fonts it needs: looked for on this machine, and asked for where there is none."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from matplotlib.font_manager import findfont, findSystemFonts, get_font

from harness.errors import MissingFontError
from harness.locale import Language, tr
from reports.run_view import Report
from reports.verdict_sheet import Form, draw_sheet, sheet_text

# By file name, before all others: fonts with Japanese letters that systems and distributions bring along.
_LIKELY = (
    "noto",
    "ipa",
    "hiragino",
    "yugoth",
    "meiryo",
    "msgothic",
    "biz-ud",
    "takao",
    "vl-",
    "source",
    "gothic",
    "cjk",
)
_UNSEEN = "\ufffd\u200b\u200d\ufe0f"  # no glyph is missed where these have none


def verdict_sheet(report: Report, form: Form, language: Language) -> bytes:
    """Return the page as PDF or PNG.

    Raises:
        MissingFontError: no font of this machine has a letter of the page.
    """
    return draw_sheet(report, form, fonts_for(sheet_text(report, language=language)), language=language)


def fonts_for(text: str, installed: Iterable[str] | None = None) -> list[str]:
    """Return font files that have every letter of ``text`` between them; ``installed`` are those to look in.

    The font that comes with matplotlib is the first, and alone where it has them all.

    Raises:
        MissingFontError: a letter is in none of them.
    """
    own = findfont("DejaVu Sans")
    missing = {ord(letter) for letter in text if letter.isprintable() and letter not in _UNSEEN} - _letters(own)
    chosen = []
    for name in _likely_first(findSystemFonts() if installed is None else installed):
        if not missing:
            break
        if found := missing & _letters(name):
            chosen.append(name)
            missing -= found
    if missing:
        raise MissingFontError(
            tr(
                "No font on this machine has these letters, which the page needs: {letters}.",
                letters="".join(map(chr, sorted(missing)[:20])),
            ),
            hint=tr(
                "Install a Japanese font (Debian and Ubuntu: apt-get install fonts-ipafont-gothic; Fedora: dnf install "
                "google-noto-sans-cjk-fonts), or take --format html, which a browser shows with its own fonts."
            ),
        )
    return [own, *chosen]


def _likely_first(names: Iterable[str]) -> Iterator[str]:
    def place(name: str) -> tuple[int, str]:
        file = Path(name).name.lower()
        return next((rank for rank, part in enumerate(_LIKELY) if part in file), len(_LIKELY)), file

    yield from sorted(names, key=place)


def _letters(name: str) -> set[int]:
    """Return what a font can show; nothing if it cannot be read."""
    try:
        return set(get_font(name).get_charmap())
    except (OSError, RuntimeError):
        return set()
