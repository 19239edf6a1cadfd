"""A served rating: a run, its draw, and the desk that its pages talk to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.human.draw import Export
from harness.runs.run import Run
from harness.served.desk import Desk
from harness.store.store import Store
from tests.rated_run import desk_of, draw_of, make_run


@pytest.fixture(scope="module")
def drawn_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Export]:
    folder = tmp_path_factory.mktemp("served")
    run = make_run(folder)
    return run, draw_of(run, folder)


@pytest.fixture
def desk(drawn_run: tuple[Run, Export], tmp_path: Path) -> Iterator[Desk]:
    """Two raters, sato and tanaka, and a store in which nothing was sent yet."""
    with Store(str(tmp_path / "sent.sqlite")) as store:
        yield desk_of(*drawn_run, store)
