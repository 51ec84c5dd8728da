"""What needs a person who has lately proved who they are: approving, and changing who may do what.

A decision that the person's authenticator signs is such a proof itself.
"""

from datetime import datetime, timedelta

from governance.identity.csrf import SAFE_METHODS
from governance.kernel import clock
from governance.kernel.errors import Denied

# Every change of who may do what is an action of this name.
MANAGE = "manage"
SWITCH = "switch"
APPROVALS = frozenset({("waiver", "decide")})


def is_due(method: str, obj: str, act: str) -> bool:
    """Whether a request needs it: by its HTTP method; object and action as policy names them.

    Not asked here, because it depends on what is decided: reviews and spends, where only an
    approval needs it, and switches, where stopping never waits and lifting needs it.
    """
    changes_authority = act == MANAGE and obj != SWITCH
    return method not in SAFE_METHODS and (changes_authority or (obj, act) in APPROVALS)


def is_fresh(authenticated_at: datetime, window: float) -> bool:
    """window: seconds."""
    return clock.now() - authenticated_at <= timedelta(seconds=window)


def require_fresh(authenticated_at: datetime, window: float) -> None:
    """Raises Denied (`step_up_required`)."""
    if not is_fresh(authenticated_at, window):
        raise Denied(
            "step_up_required",
            "It has been a while since you signed in: confirm that it is you, then try again.",
        )
