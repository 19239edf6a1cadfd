"""Which form of JSON reply a server takes: found out by its refusals, and kept."""

import threading
from typing import Literal

Mode = Literal["schema", "json", "text"]

_MODES: tuple[Mode, ...] = ("schema", "json", "text")
_WORDS = ("response_format", "json_schema", "json_object", "guided", "grammar", "structured output")
_MOST_VAIN_DESCENTS = 4


class Structure:
    """How one server is asked for JSON: by a schema, by a word, or not at all. Thread-safe.

    A 400 or 422 that names the format refuses it. A bare 500 may mean that (llama-cpp-python answers so) or may be a
    real one: the weaker forms are tried at once, and only one that works is kept. A form that has brought JSON before
    is not doubted any more, and one that brings none is ignored by the server: the next call takes a weaker one.

    >>> structure = Structure("auto")
    >>> structure.weaker("schema", 500, "Internal Server Error"), structure.mode
    ('json', 'schema')
    >>> structure.worked("json", '{"score": 3}'); structure.mode
    'json'
    """

    def __init__(self, choice: Literal["auto", "schema", "json", "text"]) -> None:
        self._is_chosen = choice != "auto"
        self._mode: Mode = "schema" if choice == "auto" else choice
        self._proven = set[Mode]()
        self._vain = 0
        self._lock = threading.Lock()

    @property
    def mode(self) -> Mode:
        """The form to ask in."""
        return self._mode

    def weaker(self, mode: Mode, status: int, refusal: str) -> Mode | None:
        """Return the form to try at once after a refusal, or None: it is not about the form."""
        if self._is_chosen or mode == _MODES[-1]:
            return None
        following = _MODES[_MODES.index(mode) + 1]
        with self._lock:
            if status in {400, 422} and any(word in refusal for word in _WORDS):
                if self._mode == mode:
                    self._mode = following
                return following
            may_be_the_form = status == 500 and not self._proven and self._vain < _MOST_VAIN_DESCENTS  # noqa: PLR2004 - HTTP's number
            return following if may_be_the_form else None

    def failed(self) -> None:
        """Count a call that failed in every form: the form was not at fault."""
        with self._lock:
            self._vain += 1

    def worked(self, mode: Mode, text: str) -> None:
        """Learn from a reply in a form."""
        if self._is_chosen:
            return
        with self._lock:
            self._vain = 0
            if "{" in text and mode != _MODES[-1]:
                self._proven.add(mode)
                self._mode = next(one for one in _MODES if one in self._proven)
            elif self._mode != mode and _MODES.index(mode) > _MODES.index(self._mode) and not self._proven:
                self._mode = mode
            elif mode not in self._proven and mode == self._mode != _MODES[-1]:
                self._mode = _MODES[_MODES.index(mode) + 1]
