"""A crew in the place of the models that the engine asks."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from harness.errors import ModelLoadError
from harness.locale import tr
from harness.models.hf.crew.crew import Crew, Enlisted, Event
from harness.models.places import Place
from harness.protocols import ModelBackend, ModelStopped
from harness.types import Generation, Request


class Member:
    """A model whose requests a crew answers; all members of one answer together."""

    def __init__(self, label: str, fingerprint: str, crew: Crew) -> None:
        self.fingerprint = fingerprint
        self._label = label
        self._crew = crew

    @property
    def company(self) -> Crew:
        """The crew."""
        return self._crew

    def generate(self, requests: Sequence[Request]) -> Iterator[Generation]:
        """Yield the answers as they come.

        Raises:
            HarnessError: the model can answer no more.
        """
        for event in self._crew.answers({self._label: requests}):
            if isinstance(event, ModelStopped):
                raise ModelLoadError(
                    event.reason, hint=tr("With --gpus 1 one process answers; what is there already is kept.")
                )
            yield event

    def generate_together(self, asked: Mapping[str, Sequence[Request]]) -> Iterator[Event]:
        """Yield the answers of all members as they come."""
        yield from self._crew.answers(asked)


@contextmanager
def crew_of(
    models: Mapping[str, ModelBackend], enlisted: Mapping[str, Enlisted], places: Sequence[Place], *, stays: bool = True
) -> Iterator[Mapping[str, ModelBackend]]:
    """Give models by label with a crew in the place of those enlisted; its processes end with the block.

    ``stays`` False: they end whenever there is nothing to do, for whoever needs the memory meanwhile.
    """
    crew = Crew(places, enlisted, stays=stays)
    try:
        yield {
            label: Member(label, enlisted[label].fingerprint, crew) if label in enlisted else backend
            for label, backend in models.items()
        }
    finally:
        crew.close()
