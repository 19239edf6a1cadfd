"""A quota of a day: so many replies, then refusals, until the next day begins."""

from harness.testing import Call, Step
from harness.testing.servers.quotas import DailyQuota

CALL = Call(number=0, at=0.0, path="/", headers={}, body=None)


def test_it_refuses_what_is_too_much_and_begins_anew() -> None:
    """Replies are the script's own; both are counted over all days."""
    yes, no = Step(b"yes"), Step(b"no", status=429)
    quota = DailyQuota(lambda call: yes, no, 2)
    assert [yes, yes, no, no] == [quota(CALL) for _ in range(4)]
    quota.renew()
    assert [yes, yes, no] == [quota(CALL) for _ in range(3)]
    assert (4, 3) == (quota.answered, quota.refused)
