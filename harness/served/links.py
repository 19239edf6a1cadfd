"""The links of a rating that is served: a secret for each rater and one for the host, kept so that they hold again."""

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.errors import UnwritableError
from harness.locale import tr

_BYTES = 18  # of chance in a link: 144 bits
_SHORTEST = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """``host`` and ``raters`` (by name) are what links end in; ``port``: where they led last, 0 for nowhere yet."""

    host: str
    raters: Mapping[str, str]
    port: int = 0

    def rater(self, token: str) -> str | None:
        """Return whose link ends in ``token``, in a time that does not tell how much of it is right."""
        found = None
        for name, known in self.raters.items():
            if secrets.compare_digest(known.encode(), token.encode()):
                found = name
        return found

    def is_host(self, token: str) -> bool:
        """Return whether ``token`` is the host's, likewise."""
        return secrets.compare_digest(self.host.encode(), token.encode())


def read_links(path: Path, raters: Sequence[str], *, anew: bool = False) -> Links:
    """Return the links of some raters: those of the file where it has them, so that open pages go on; else new ones.

    ``anew``: none of the file's. A file that cannot be read, or that somebody has shortened, counts as none.
    """
    known = {} if anew else _known(path)
    port = known.get("port")
    host = known.get("host")
    given = known.get("raters")
    old = given if isinstance(given, dict) else {}
    return Links(
        host=host if _is_token(host) else secrets.token_urlsafe(_BYTES),  # type: ignore[arg-type]
        raters={name: old[name] if _is_token(old.get(name)) else secrets.token_urlsafe(_BYTES) for name in raters},
        port=port if isinstance(port, int) and 0 < port < 2**16 else 0,
    )


def write_links(path: Path, links: Links) -> None:
    """Keep links in a file that its owner alone can read.

    Raises:
        UnwritableError: no space or no permission.
    """
    text = json.dumps({"schema": 1, **asdict(links)}, ensure_ascii=False, indent=1) + "\n"
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.unlink(missing_ok=True)
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise UnwritableError(
            tr("Cannot write {path}: {strerror}.", path=path, strerror=error.strerror or error),
            hint=tr("Free some space or choose another folder: set runs in harness.toml."),
        ) from error


def _known(path: Path) -> dict[str, object]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _is_token(value: object) -> bool:
    return isinstance(value, str) and len(value) >= _SHORTEST and value.isascii()
