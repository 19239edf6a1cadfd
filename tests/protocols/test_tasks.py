"""What a source of tasks can do, by its methods."""

from collections.abc import Iterator

from harness.protocols import TellsOfTasks
from harness.types import Sample


class Source:
    """Two samples."""

    def samples(self) -> Iterator[Sample]:
        yield from (Sample(id=str(n), inputs={"input": "x"}) for n in range(2))


class PartOfASet(Source):
    """The same, of a set that has more."""

    notices = ("Read 2 of 100 tasks.",)


def test_only_a_source_with_notices_is_asked_for_them() -> None:
    """A stranger's source needs none."""
    assert [False, True] == [isinstance(source, TellsOfTasks) for source in (Source(), PartOfASet())]
