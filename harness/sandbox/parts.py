"""The files that a template includes: ``.j2`` files of its own folder, and nothing else."""

import re
from pathlib import Path

from harness.locale import tr
from harness.locale.system import system_said
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
            "syntax",
            inside(
                by,
                tr("includes {wanted!r}: only .j2 files in the template's own folder can be included", wanted=wanted),
            ),
        )
    try:
        if not path.is_file():
            raise TemplateFailure(
                "syntax", inside(by, tr("includes {wanted!r}, and there is no such file", wanted=wanted))
            )
        if path.stat().st_size > MAX_SOURCE:
            large = tr("includes {wanted!r}, which holds more than {most:,} bytes", wanted=wanted, most=MAX_SOURCE)
            raise TemplateFailure("limit", inside(by, large))
        return path.read_text(encoding="utf-8-sig").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError) as error:
        why = system_said(error) if isinstance(error, OSError) else tr("no UTF-8 text")
        unread = tr("includes {wanted!r}, which cannot be read: {error}", wanted=wanted, error=why)
        raise TemplateFailure("syntax", inside(by, unread)) from error
