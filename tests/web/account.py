"""Accounts in memory: passkeys whose answers are names, an app whose code is always the same."""

import json
from datetime import timedelta
from typing import Protocol

from governance.identity import step_up
from governance.identity.passkeys import Owned, Site, site_of
from governance.kernel import clock, ids
from governance.kernel.errors import Conflict, InvalidRequest, NotFound, Unauthenticated
from governance.web.account_backend import AccountPage, TotpSetup

CODE = "123456"
PASSKEY_OPTIONS = {"challenge": "AAAA", "rpId": "localhost", "userVerification": "required"}
WINDOW = 1800.0


class Known(Protocol):
    """What accounts need to know of the rest."""

    base_url: str
    sessions: dict[str, str]
    people: dict[str, tuple[str, str]]


class MemoryAccount:
    """An `AccountBackend`. apps: who has one; ages: seconds since a session was authenticated."""

    def __init__(self, service: Known) -> None:
        self._service = service
        self.reset()

    def reset(self) -> None:
        self.passkeys: dict[str, list[Owned]] = {}
        self.apps: set[str] = set()
        self.ages: dict[str, float] = {}

    @property
    def site(self) -> Site:
        return site_of(self._service.base_url)

    def page(self, token: str) -> AccountPage:
        username = self._username(token)
        return AccountPage(
            username=username,
            passkeys=tuple(self.passkeys.get(username, [])),
            has_totp=username in self.apps,
            since=clock.now() - timedelta(seconds=self.ages.get(token, 0)),
            method="password",
        )

    def require_fresh(self, token: str) -> None:
        step_up.require_fresh(self.page(token).since, WINDOW)

    def sign_in_options(self) -> str:
        return json.dumps(PASSKEY_OPTIONS)

    def sign_in(self, answer: str, replaces: str | None) -> str:
        for username, held in self.passkeys.items():
            if answer in [passkey.credential for passkey in held]:
                return self._start(username)
        raise Unauthenticated("passkey_refused", "This passkey is not accepted here.")

    def confirm(self, token: str, password: str, code: str) -> str:
        username = self._username(token)
        expected = CODE if username in self.apps else self._service.people[username][1]
        if expected not in (password, code):
            raise Unauthenticated("login_failed", "User name or password is wrong.")
        del self._service.sessions[token]
        return self._start(username)

    def confirm_options(self, token: str) -> str:
        return self.sign_in_options()

    def confirm_by_passkey(self, token: str, answer: str) -> str:
        return self.sign_in(answer, token)

    def enrolment_options(self, token: str) -> str:
        self.require_fresh(token)
        return json.dumps(PASSKEY_OPTIONS)

    def enrol(self, token: str, answer: str, name: str) -> None:
        if not answer:
            raise InvalidRequest("passkey_invalid", "The answer cannot be used; try again.")
        made = Owned(answer, name or "Passkey", "Ed25519", clock.now(), None)
        self.passkeys.setdefault(self._username(token), []).append(made)

    def revoke(self, token: str, credential: str) -> None:
        held = self.passkeys.get(self._username(token), [])
        kept = [passkey for passkey in held if passkey.credential != credential]
        if len(kept) == len(held):
            raise NotFound("passkey_unknown", "There is no such passkey.")
        self.passkeys[self._username(token)] = kept

    def begin_totp(self, token: str) -> TotpSetup:
        self.require_fresh(token)
        if self._username(token) in self.apps:
            raise Conflict("totp_enrolled", "Remove the present app first.")
        secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
        return TotpSetup(secret, f"otpauth://totp/Governance:ana?secret={secret}&issuer=Governance")

    def confirm_totp(self, token: str, code: str) -> None:
        if code != CODE:
            raise InvalidRequest("code_wrong", "This code is not right.")
        self.apps.add(self._username(token))

    def remove_totp(self, token: str) -> None:
        self.apps.discard(self._username(token))

    def sign_out_everywhere(self, token: str) -> None:
        username = self._username(token)
        sessions = self._service.sessions
        for one in [known for known, whose in sessions.items() if whose == username]:
            del sessions[one]

    def _start(self, username: str) -> str:
        token = ids.secret_text()
        self._service.sessions[token] = username
        return token

    def _username(self, token: str) -> str:
        if token not in self._service.sessions:
            raise Unauthenticated("session_expired", "Sign in again.")
        return self._service.sessions[token]
