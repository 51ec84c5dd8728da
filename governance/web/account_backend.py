"""What the pages of one's own account need from the service."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from governance.identity.passkeys import Owned, Site
from governance.identity.sessions import Method


@dataclass(frozen=True)
class AccountPage:
    """How somebody signs in; since: when and method: how they last proved who they are."""

    username: str
    passkeys: tuple[Owned, ...]
    has_totp: bool
    since: datetime
    method: Method


@dataclass(frozen=True)
class TotpSetup:
    """For the authenticator app. secret: base32, to type; address: `otpauth://…`, for a QR code."""

    secret: str
    address: str


class AccountBackend(Protocol):
    """Whoever is signed in is named by their session's token.

    Options are JSON for `navigator.credentials`, answers are JSON of what it returned. Every
    method may raise GovernanceError: Unauthenticated (`session_expired`) for a session that is
    over; Denied (`step_up_required`) where somebody must have proved lately who they are.
    """

    @property
    def site(self) -> Site:
        """Where passkeys belong to."""
        ...

    def page(self, token: str) -> AccountPage: ...

    def require_fresh(self, token: str) -> None: ...

    def sign_in_options(self) -> str: ...

    def sign_in(self, answer: str, replaces: str | None) -> str:
        """The session's token; replaces: the token that the browser had before."""
        ...

    def confirm(self, token: str, password: str, code: str) -> str:
        """Prove again who one is; the session's new token."""
        ...

    def confirm_options(self, token: str) -> str: ...

    def confirm_by_passkey(self, token: str, answer: str) -> str:
        """As `confirm`."""
        ...

    def enrolment_options(self, token: str) -> str: ...

    def enrol(self, token: str, answer: str, name: str) -> None: ...

    def revoke(self, token: str, credential: str) -> None: ...

    def begin_totp(self, token: str) -> TotpSetup: ...

    def confirm_totp(self, token: str, code: str) -> None: ...

    def remove_totp(self, token: str) -> None: ...

    def sign_out_everywhere(self, token: str) -> None: ...
