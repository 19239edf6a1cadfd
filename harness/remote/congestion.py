"""How many calls a server bears at once, learnt from its refusals: those that fewer calls would prevent, and noise.

A refusal (429) may mean that there are too many calls; then fewer of them at once are refused less. Or it comes now and
then whatever one does; then slowing down buys nothing. The law halves at first, as for any refusal (additive increase,
multiplicative decrease: Chiu and Jain 1989), and counts how calls fared at every level on the way. Where a clearly
smaller number of calls at once was refused as often, the refusals are noise: the halving is taken back, and refusals
are let pass as long as they are no more frequent than that (a cumulative sum: Page 1954).
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

_ENOUGH = 10.0  # calls at lower levels, before their refusals say anything
_MOST_NOISE = 0.3  # a server that refuses more than this whatever one does is overloaded all the same
_SOME = 0.5  # refusals, as memory fades: fewer are none
_ERRORS = 2.5  # standard errors beyond which shares differ
_MARGIN = 1.5  # refusals let pass, as a multiple of the share that all calls met
_PATIENCE = 6.0  # refusals in excess of those let pass that mean too many calls
_IN_A_ROW = 8  # refusals one after another that chance does not explain
_MEMORY = 200.0  # calls that are remembered at each level, and that work before a quota is forgotten


@dataclass(slots=True)
class _Tally:
    calls: float = 0.0
    refused: float = 0.0

    @classmethod
    def of(cls, tallies: Sequence["_Tally"]) -> "_Tally":
        """Return all of them as one."""
        return cls(sum(one.calls for one in tallies), sum(one.refused for one in tallies))

    @property
    def share(self) -> float:
        """The share of calls that were refused."""
        return self.refused / self.calls

    def differs_from(self, other: "_Tally") -> bool:
        """Return whether these calls were refused more or less often, beyond chance (two shares, normal test)."""
        if other.calls == 0:
            return False
        share = (self.refused + other.refused) / (self.calls + other.calls)
        error = math.sqrt(share * (1 - share) * (1 / self.calls + 1 / other.calls))
        return abs(other.share - self.share) > _ERRORS * error

    def add(self, refused: bool) -> None:
        fading = 1 - 1 / _MEMORY
        self.calls = self.calls * fading + 1
        self.refused = self.refused * fading + refused


@dataclass(frozen=True, slots=True)
class Ticket:
    """What is to be known of a call when its outcome comes: its number, the cuts before it, the calls beside it."""

    number: int
    cuts: int
    at_once: int


class Congestion:
    """The number of calls that may be in flight: 1 to ``maximum``. Not thread-safe; knows no clock.

    >>> law = Congestion(32)
    >>> law.refused(law.left()), law.current
    (False, 16)
    """

    def __init__(self, maximum: int) -> None:
        self._maximum = maximum
        self._limit = float(maximum)
        self._cuts = 0
        self._before_cuts = float(maximum)
        self._tallies = [_Tally() for _ in range(_level(maximum) + 1)]
        self._excess = 0.0
        self._left = 0
        self._lately_refused = deque[int](maxlen=2 * maximum + _IN_A_ROW)
        self._to_prove = 0.0

    @property
    def current(self) -> int:
        """How many calls may be in flight now."""
        return max(1, int(self._limit))

    def left(self) -> Ticket:
        """Return the ticket of a call that leaves now."""
        self._left += 1
        return Ticket(self._left, self._cuts, self.current)

    def worked(self, ticket: Ticket) -> None:
        """Count a call that was not refused: one call more for each round of calls."""
        self._tallies[_level(ticket.at_once)].add(refused=False)
        self._to_prove -= 1
        self._excess = max(0.0, self._excess - self._let_pass())
        self._limit = min(float(self._maximum), self._limit + 1 / self._limit)
        self._before_cuts = max(self._before_cuts, self._limit)

    def refused(self, ticket: Ticket, *, names_a_quota: bool = False) -> bool:
        """Count a refusal, and return whether it is noise. One that ``names_a_quota`` never is.

        A burst counts once: a call that left before the last cut cannot cut again.
        """
        self._tallies[_level(ticket.at_once)].add(refused=True)
        self._lately_refused.append(ticket.number)
        if names_a_quota or self._is_one_of_a_row(ticket.number):
            self._to_prove = _MEMORY
        let_pass = self._let_pass()
        if let_pass > 0:
            if self._limit < self._before_cuts and self._excess == 0:
                self._limit = self._before_cuts  # what the cuts were for is no better without the calls
            self._excess += 1 - let_pass
            if self._excess < _PATIENCE:
                return True
        if ticket.cuts == self._cuts:
            self._cuts += 1
            self._excess = 0.0
            self._limit = max(1.0, self._limit / 2)
        return False

    def _is_one_of_a_row(self, number: int) -> bool:
        """Return whether calls that left one after another were all refused; refusals overtake what is answered."""
        refused, first, last = set(self._lately_refused), number, number
        while first - 1 in refused:
            first -= 1
        while last + 1 in refused:
            last += 1
        return last - first + 1 >= _IN_A_ROW

    def _let_pass(self) -> float:
        """Return the share of refusals that is noise: what all calls met, if few at once met as many; else 0."""
        if self._to_prove > 0:
            return 0.0
        for split in range(1, len(self._tallies)):
            few, many = _Tally.of(self._tallies[:split]), _Tally.of(self._tallies[split:])
            if few.calls >= _ENOUGH and few.differs_from(many):
                return 0.0
        fewer, together = _Tally.of(self._tallies[:-1]), _Tally.of(self._tallies)
        if fewer.calls < _ENOUGH or fewer.refused < _SOME or together.share > _MOST_NOISE:
            return 0.0
        return min(_MOST_NOISE, _MARGIN * together.share)


def _level(calls: int) -> int:
    """Return the level of a number of calls: 1, 2, 3-4, 5-8, 9-16 …; a lower one has half as many or fewer."""
    return (calls - 1).bit_length()
