"""A clock of a test's own, for whatever takes its time as an argument."""


class Clock:
    """A clock that moves only when somebody waits: in place of `time.monotonic`, `time.sleep` or an Event to wait for.

    >>> clock = Clock()
    >>> clock.sleep(90), clock.wait(10), clock()
    (None, False, 100.0)
    """

    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """Return the time, as `time.monotonic` does."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass at once, as `time.sleep` does slowly."""
        self.now += seconds

    def wait(self, timeout: float | None = None) -> bool:
        """Let time pass, as an Event does that is never set."""
        self.now += timeout or 0.0
        return False

    def is_set(self) -> bool:
        """Return that nobody has ended the wait."""
        return False
