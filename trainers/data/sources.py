"""Where samples come from, as typed: a path, and what of a mixture it is to be."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import UsageError
from harness.locale import tr

_NUMBERS = re.compile(r"(?P<path>.+?)(?::(?P<share>[0-9]*\.[0-9]+))?(?::(?P<cap>[0-9]+))?")
_ODD = re.compile(r":[-+]?[0-9.,:eE]+%?$")
_WIDE = re.compile(r"([:：][0-9０-９.．]+)+$")  # numbers typed with a Japanese keyboard
_ROUNDING = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSource:
    """What ``PATH[:SHARE][:ROWS]`` asks for: its share of the mixture, and the most of its samples that are taken."""

    path: str
    share: float | None = None
    cap: int | None = None


def parse_sources(texts: Sequence[str]) -> tuple[DataSource, ...]:
    """Return sources as typed; a path that exists is a name as a whole.

    >>> parse_sources(["a.json:0.7", "hub:org/set:train:0.3:500"])[1]
    DataSource(path='hub:org/set:train', share=0.3, cap=500)
    >>> parse_sources(["a.json:500", "b.json"])[0]
    DataSource(path='a.json', share=None, cap=500)
    >>> parse_sources(["a.json：０．３：５０", "b.json:0.7"])[0]
    DataSource(path='a.json', share=0.3, cap=50)

    Raises:
        UsageError: a number that is neither a share nor a cap; shares for some of them only, or that do not add up.
    """
    sources = tuple(map(_parsed, texts))
    shares = [source.share for source in sources if source.share is not None]
    if shares and len(shares) < len(sources):
        bare = next(source.path for source in sources if source.share is None)
        raise UsageError(
            tr("--data {path} has no share, and others have one.", path=bare),
            hint=tr("Give each a share, for example a.json:0.7 and b.json:0.3, or none."),
        )
    if shares and abs(sum(shares) - 1) > _ROUNDING:
        raise UsageError(
            tr("The shares of --data add up to {total:g}, not to 1.", total=round(sum(shares), 6)),
            hint=tr("For example a.json:0.7 and b.json:0.3; a whole number is a cap: a.json:500."),
        )
    return sources


def _parsed(text: str) -> DataSource:
    if Path(text).expanduser().exists():
        return DataSource(path=text)
    found = _NUMBERS.fullmatch(_WIDE.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text))
    if found is None or _ODD.search(found["path"]):
        raise _no_number(text)
    share = float(found["share"]) if found["share"] else None
    cap = int(found["cap"]) if found["cap"] else None
    if cap == 0 or (share is not None and not 0 < share <= 1):
        raise _no_number(text)
    return DataSource(path=found["path"], share=share, cap=cap)


def _no_number(text: str) -> UsageError:
    return UsageError(
        tr("--data {text}: what follows the last colon is neither a share nor a number of rows.", text=text),
        hint=tr(
            "Write PATH:0.7 for a share above 0 and at most 1, PATH:500 for at most 500 rows, PATH:0.7:500 for both."
        ),
    )
