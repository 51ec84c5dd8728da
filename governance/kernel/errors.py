"""The service's errors. Each carries a stable code and a sentence that says what to do.

Raised where the fact is known; `api/` alone maps a kind to an HTTP status.
"""

from typing import Any


class GovernanceError(Exception):
    """Base of all errors that a caller may see.

    code: stable, snake_case; message: one or two sentences for people;
    param: the request's field at fault; details: further facts, JSON-serialisable.
    """

    def __init__(
        self, code: str, message: str, *, param: str | None = None, **details: Any
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param
        self.details = details


class InvalidRequest(GovernanceError):
    """The input breaks a rule of form; the caller must change it."""


class Unauthenticated(GovernanceError):
    """We don't know who is asking, or the proof does not hold."""


class Denied(GovernanceError):
    """We know who is asking, and they may not."""


class NotFound(GovernanceError):
    """There is no such thing, or none that the caller may see."""


class Conflict(GovernanceError):
    """The thing is in a state that does not allow this."""


class TooLarge(GovernanceError):
    """A size limit is exceeded."""


class Throttled(GovernanceError):
    """Too many requests; `retry_after` (seconds) is in the details."""


class Unavailable(GovernanceError):
    """A part that is needed does not answer; the same call may work later."""


class ConfigurationError(GovernanceError):
    """The service refuses to start, or a file that people edit is wrong."""


class IntegrityError(GovernanceError):
    """Stored evidence contradicts itself; nothing is written until a person has looked."""
