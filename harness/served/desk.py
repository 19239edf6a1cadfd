"""What a served rating knows and does, whoever asks: pages, what raters send, and how far they are."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from harness.analysis.people_so_far import RatingState
from harness.human.draw import Export
from harness.human.page import RatingPage
from harness.human.ratings import Rating
from harness.human.sent import KeptRating, read_sent
from harness.locale import Language
from harness.runs.rated import served_ratings, state_of, together
from harness.runs.run import Run
from harness.store.ratings import KeptNow, keep_ratings, kept_ratings
from harness.store.store import Store
from harness.types import Scale
from reports.rating_page import rating_html
from reports.rating_progress import progress_html


@dataclass(slots=True, kw_only=True)
class Desk:
    """One rating. ``export`` is its draw, ``imported`` what was imported before, ``pages`` the raters' by their names.

    ``clock`` says what time it is; ``told`` is called after something new was kept, by whichever thread kept it.
    """

    run: Run
    export: Export
    imported: tuple[Rating, ...]
    pages: Mapping[str, RatingPage]
    store: Store
    scale: Scale
    language: Language
    clock: Callable[[], datetime]
    told: Callable[[], None] = lambda: None
    _html: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def page_html(self, rater: str) -> str:
        """Return a rater's page."""
        if rater not in self._html:
            self._html[rater] = rating_html(self.pages[rater], language=self.language, served=True)
        return self._html[rater]

    def kept(self, rater: str) -> list[KeptRating]:
        """Return what this rater's page has sent so far.

        Raises:
            StoreError: the store cannot be read.
        """
        page = self.pages[rater]
        return [one for one in kept_ratings(self.store, [page.tag]) if one.page == page.digest]

    def keep(self, rater: str, text: str) -> KeptNow:
        """Keep what a rater's page sends; it is in the store when this returns.

        Raises:
            HarnessError: it is no message of this page, or the store cannot be written.
        """
        page = self.pages[rater]
        sent = read_sent(text, page)
        with self._lock:  # of one process; other processes wait for the store's own lock
            found = keep_ratings(self.store, page, sent, date=self.clock().isoformat(timespec="seconds"))
        if found.saved:
            self.told()
        return found

    def state(self) -> RatingState:
        """Return how far the rating is, with what was imported before."""
        sent = served_ratings(self.run, self.export, self.store.url, self.scale)
        return state_of(self.run, self.export, together(self.imported, sent), self.scale, sent.last)

    def progress(self) -> str:
        """Return the host's page."""
        return progress_html(self.state(), now=self.clock().isoformat(timespec="seconds"), language=self.language)
