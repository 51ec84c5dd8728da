"""The account pages' backend: identity, asked on behalf of whoever is signed in."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection

from governance.identity import login, passkeys, sessions, step_up, totp
from governance.identity.passkeys import Site
from governance.identity.sessions import LiveSession
from governance.identity.tables import Person
from governance.kernel.errors import Denied
from governance.lifecycle.context import Context
from governance.web.account_backend import AccountPage, TotpSetup

T = TypeVar("T")


class AccountService:
    """Implements `account_backend.AccountBackend`."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._database = context.database
        self._ledger = context.ledger
        self._settings = context.settings
        self._site = passkeys.site_of(context.settings.base_url)

    @property
    def site(self) -> Site:
        return self._site

    def page(self, token: str) -> AccountPage:
        live = self._live(token)
        with self._database.read() as session:
            return AccountPage(
                username=session.get_one(Person, live.person).username,
                passkeys=tuple(passkeys.list_passkeys(session, live.person)),
                has_totp=totp.is_enrolled(session, live.person),
                since=live.authenticated_at,
                method=live.method,
            )

    def require_fresh(self, token: str) -> None:
        self._fresh(token)

    def sign_in_options(self) -> str:
        return self._database.write(lambda c: passkeys.sign_in_options(c, self._site))

    def sign_in(self, answer: str, replaces: str | None) -> str:
        used = passkeys.check_sign_in(self._database, self._site, answer)

        def begin(connection: Connection) -> str:
            return sessions.start(
                connection,
                passkeys.accept_sign_in(connection, used),
                absolute=self._settings.session_absolute,
                method="passkey",
                replaces=replaces,
            )

        return self._database.write(begin)

    def confirm(self, token: str, password: str, code: str) -> str:
        person = self._live(token).person
        return login.confirm(
            self._database, self._ledger, token, person, password=password, code=code
        )

    def confirm_options(self, token: str) -> str:
        person = self._live(token).person
        return self._database.write(lambda c: passkeys.sign_in_options(c, self._site, person))

    def confirm_by_passkey(self, token: str, answer: str) -> str:
        person = self._live(token).person
        used = passkeys.check_sign_in(self._database, self._site, answer)

        def renew(connection: Connection) -> str:
            passkeys.accept_sign_in(connection, used, person)
            return sessions.renew(connection, token, "passkey")

        return self._database.write(renew)

    def enrolment_options(self, token: str) -> str:
        return self._write(token, lambda c, p: passkeys.enrolment_options(c, self._site, p))

    def enrol(self, token: str, answer: str, name: str) -> None:
        self._write(
            token, lambda c, p: passkeys.enrol(c, self._ledger, self._site, p, answer, name)
        )

    def revoke(self, token: str, credential: str) -> None:
        def change(connection: Connection, person: str) -> None:
            passkeys.revoke(connection, self._ledger, person, credential, by=person)
            sessions.end_others(connection, person, token)  # whoever has the device may be in one

        self._write(token, change)

    def begin_totp(self, token: str) -> TotpSetup:
        def begin(connection: Connection, person: str) -> TotpSetup:
            secret = totp.begin(connection, self._ledger, person)
            address = totp.address(connection, person, secret, passkeys.SITE_NAME)
            return TotpSetup(secret, address)

        return self._write(token, begin)

    def confirm_totp(self, token: str, code: str) -> None:
        self._write(token, lambda c, p: totp.confirm(c, self._ledger, p, code))

    def remove_totp(self, token: str) -> None:
        self._write(token, lambda c, p: totp.remove(c, self._ledger, p, by=p))

    def sign_out_everywhere(self, token: str) -> None:
        person = self._live(token).person
        self._database.write(lambda c: sessions.end_all(c, person))

    def _write(self, token: str, change: Callable[[Connection, str], T]) -> T:
        """Change one's own authenticators, lately authenticated."""
        person = self._fresh(token).person
        return self._database.write(lambda c: change(c, person))

    def _fresh(self, token: str) -> LiveSession:
        live = self._live(token)
        step_up.require_fresh(live.authenticated_at, self._settings.step_up)
        return live

    def _live(self, token: str) -> LiveSession:
        with self._database.read() as session:
            live = sessions.find(session, token, idle=self._settings.session_idle)
        if live.state != "active":
            raise Denied("principal_suspended", "This account is suspended.")
        return live
