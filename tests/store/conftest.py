"""An open store."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path}/deep/down/store.sqlite", lock_timeout=0.2) as opened:
        yield opened
