"""How often a principal may call: a moving window per principal, in the memory of each process.

Counted once the caller is known, so strangers use up nobody's rate. Where anybody may ask for work
they have one of their own by address; elsewhere a proxy in front limits addresses. What is over the
rate is answered with 429 and not recorded, or whoever is throttled could still write the log; the
request's line in the service's log tells of it.
"""

import math

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from governance.api.permissions import Requirement
from governance.kernel import clock
from governance.kernel.errors import Throttled

# What keeps a core busy for seconds has a rate of its own besides.
EXPENSIVE = (("export", "create"), ("report", "create"), ("policy", "read"))


class Rates:
    """The rates of one process, each as text: `600/minute`."""

    def __init__(self, ordinary: str, expensive: str, strangers: str = "30/minute") -> None:
        self._windows = MovingWindowRateLimiter(MemoryStorage())
        self._ordinary = parse(ordinary)
        self._expensive = parse(expensive)
        self._strangers = parse(strangers)

    def count(self, principal: str, required: Requirement | None) -> None:
        """Count a call to an address. Raises Throttled (`rate_limited`); that call counts not."""
        self._count(self._ordinary, "any", principal)
        if required is not None and (required.obj, required.act) in EXPENSIVE:
            self._count(self._expensive, "expensive", principal)

    def count_stranger(self, address: str) -> None:
        """Count work that somebody without a credential asks for. Raises as `count` does."""
        self._count(self._strangers, "stranger", address)

    def _count(self, rate: RateLimitItem, kind: str, principal: str) -> None:
        if self._windows.hit(rate, kind, principal):
            return
        reset = self._windows.get_window_stats(rate, kind, principal).reset_time
        wait = max(1, math.ceil(reset - clock.now().timestamp()))
        raise Throttled(
            "rate_limited",
            f"Too many requests: at most {rate.amount} in {rate.get_expiry()} seconds. Try again "
            f"in {wait} seconds.",
            retry_after=wait,
        )
