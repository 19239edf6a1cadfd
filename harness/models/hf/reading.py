"""Strangers' files are looked at before they are read: what kind of file it is, and how large."""

import json
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.errors import InputError
from harness.locale import tr
from harness.locale.parsers import json_said
from harness.locale.system import system_said

MIB = 1 << 20
CONFIG_BYTES = 4 * MIB
"""Bytes that a configuration may hold; the largest published ones hold a tenth of that."""
TOKENIZER_BYTES = 256 * MIB
"""Bytes that any other text file of a model may hold; vocabularies of 262,000 entries come to 33 MB."""
_CONFIGS = frozenset({"config.json", "generation_config.json", "adapter_config.json", "prompt_contract.json"})
_READ = (".json", ".jinja", ".txt", ".model", ".tiktoken", ".py")  # what transformers and peft may open
_WEIGHTS = (".safetensors", ".gguf")


def check_file(path: Path, limit: int | None = None) -> None:
    """Raise unless a path is a regular file (or a link to one) of at most ``limit`` bytes; None: of any size.

    Raises:
        InputError: it is missing, a device, a pipe or a folder, too large, or cannot be looked at.
    """
    try:
        found = path.stat()
    except OSError as error:
        raise InputError(tr("cannot be read: {strerror}.", strerror=system_said(error)), path=path) from error
    if not stat.S_ISREG(found.st_mode):
        raise InputError(tr("not a regular file, so it is not read."), path=path)
    if limit is not None and found.st_size > limit:
        raise InputError(
            tr(
                "{st_size:,.0f} MB, and such a file may hold {limit:,.0f}.",
                st_size=found.st_size / MIB,
                limit=limit / MIB,
            ),
            path=path,
            hint=tr("It is damaged, or no file of a model."),
        )


def check_folder(folder: Path) -> None:
    """Raise if a file that loading a model would open is no regular file, or absurdly large.

    Raises:
        InputError: which file, and why.
    """
    for path in sorted(folder.iterdir()):
        if path.name.endswith(_WEIGHTS):
            check_file(path)
        elif path.name.endswith(_READ):
            check_file(path, CONFIG_BYTES if path.name in _CONFIGS else TOKENIZER_BYTES)


def _why(error: OSError | ValueError) -> str:
    return system_said(error) if isinstance(error, OSError) else json_said(error)


def json_object(path: Path, limit: int = CONFIG_BYTES) -> Mapping[str, Any]:
    """Return the JSON object in a file.

    Raises:
        InputError: it is no regular file, too large, or holds no JSON object.
    """
    check_file(path, limit)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except RecursionError as error:
        raise InputError(tr("not readable as JSON: nested too deeply."), path=path) from error
    except (OSError, ValueError) as error:
        raise InputError(tr("not readable as JSON: {error}", error=_why(error)), path=path) from error
    if not isinstance(content, dict):
        raise InputError(tr("not a JSON object."), path=path)
    return content
