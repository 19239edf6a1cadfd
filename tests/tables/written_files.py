"""Files written for a test, and what reading them says."""

from pathlib import Path
from typing import Any

import pytest

from harness.errors import InputError
from harness.tables import read_rows


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def values(path: Path) -> list[dict[str, Any]]:
    return [dict(row.values) for row in read_rows(path)]


def refused(path: Path) -> InputError:
    with pytest.raises(InputError) as caught:
        read_rows(path)
    return caught.value
