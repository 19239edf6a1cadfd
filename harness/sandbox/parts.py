"""The files that a template includes: ``.j2`` files of its own folder, and nothing else."""

import re
from pathlib import Path

from harness.sandbox.program import MAX_SOURCE, TemplateFailure, inside

_PART_NAME = re.compile(r"[\w-][\w.-]*(?:/[\w-][\w.-]*)*\.j2")


def read_part(wanted: str, folder: Path, by: str | None) -> str:
    """Return the text of an included file, if it lies in the template's own folder.

    Raises:
        TemplateFailure: it lies elsewhere, also by way of a link, is no file, too large, or no text.
    """
    path = folder / wanted
    if not _PART_NAME.fullmatch(wanted) or not path.resolve().is_relative_to(folder.resolve()):
        raise TemplateFailure(
            "syntax", f"{inside(by)}includes {wanted!r}: only .j2 files in the template's own folder can be included"
        )
    try:
        if not path.is_file():
            raise TemplateFailure("syntax", f"{inside(by)}includes {wanted!r}, and there is no such file")
        if path.stat().st_size > MAX_SOURCE:
            raise TemplateFailure(
                "limit", f"{inside(by)}includes {wanted!r}, which holds more than {MAX_SOURCE:,} bytes"
            )
        return path.read_text(encoding="utf-8-sig").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError) as error:
        raise TemplateFailure("syntax", f"{inside(by)}includes {wanted!r}, which cannot be read: {error}") from error
