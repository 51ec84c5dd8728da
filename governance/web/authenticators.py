"""What somebody signs in with: the page of one's account, and proving again that it is oneself."""

from collections.abc import Callable

import segno
from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from markupsafe import Markup

from governance.identity.sessions import COOKIE
from governance.kernel.errors import GovernanceError
from governance.web.account import Account, Field, admitted, dismissed, own
from governance.web.account_backend import TotpSetup
from governance.web.backend import WebBackend
from governance.web.views import Views

PAGE = "/account"
_DONE = {
    "passkey": "Your passkey is enrolled. Decisions that you take with it are signed.",
    "revoked": "The passkey is revoked, and you are signed out everywhere else.",
    "totp": "Your authenticator app is set up. Signing in with the password asks for its code.",
    "removed": "The authenticator app is removed.",
}


class Authenticators:
    """Passkeys, the authenticator app, sessions. Changes need somebody lately authenticated."""

    def __init__(self, backend: WebBackend, views: Views, account: Account) -> None:
        self._backend = backend.account
        self._views = views
        self._account = account

    def add_to(self, router: APIRouter) -> None:
        for path, change in (
            ("/account/passkeys", self.enrol),
            ("/account/passkeys/options", self.enrolment_options),
            ("/account/passkeys/revoke", self.revoke),
            ("/account/totp", self.begin_totp),
            ("/account/totp/confirm", self.confirm_totp),
            ("/account/totp/remove", self.remove_totp),
            ("/account/sign-out", self.sign_out_everywhere),
            ("/confirm", self.confirm),
            ("/confirm/passkey", self.confirm_by_passkey),
            ("/confirm/passkey/options", self.confirm_options),
        ):
            router.add_api_route(path, change, methods=["POST"])
        router.add_api_route(PAGE, self.page, methods=["GET"])
        router.add_api_route("/confirm", self.confirm_form, methods=["GET"])

    def page(self, request: Request, done: str = "") -> Response:
        return self._show(request, done=_DONE.get(done, ""))

    def enrolment_options(self, request: Request) -> Response:
        return self._views.options(lambda: self._backend.enrolment_options(self._token(request)))

    def enrol(self, request: Request, credential: Field = "", name: Field = "") -> Response:
        return self._change(
            request, "passkey", lambda token: self._backend.enrol(token, credential, name)
        )

    def revoke(self, request: Request, passkey: Field = "") -> Response:
        return self._change(request, "revoked", lambda token: self._backend.revoke(token, passkey))

    def begin_totp(self, request: Request) -> Response:
        return self._show(request, setup=self._backend.begin_totp(self._token(request)))

    def confirm_totp(self, request: Request, code: Field = "") -> Response:
        return self._change(request, "totp", lambda token: self._backend.confirm_totp(token, code))

    def remove_totp(self, request: Request) -> Response:
        return self._change(request, "removed", self._backend.remove_totp)

    def sign_out_everywhere(self, request: Request) -> Response:
        self._backend.sign_out_everywhere(self._token(request))
        return dismissed("/")

    def confirm_form(self, request: Request, next: str = PAGE) -> Response:
        return self._ask(request, next)

    def confirm(
        self, request: Request, password: Field = "", code: Field = "", next: Field = PAGE
    ) -> Response:
        token = self._token(request)
        return self._confirmed(request, next, lambda: self._backend.confirm(token, password, code))

    def confirm_by_passkey(
        self, request: Request, credential: Field = "", next: Field = PAGE
    ) -> Response:
        token = self._token(request)
        return self._confirmed(
            request, next, lambda: self._backend.confirm_by_passkey(token, credential)
        )

    def confirm_options(self, request: Request) -> Response:
        return self._views.options(lambda: self._backend.confirm_options(self._token(request)))

    def _token(self, request: Request) -> str:
        """Raises Unauthenticated (`session_expired`)."""
        self._account.require_person(request)
        return request.cookies[COOKIE]

    def _change(self, request: Request, done: str, change: Callable[[str], None]) -> Response:
        token = self._token(request)
        self._backend.require_fresh(token)
        try:
            change(token)
        except GovernanceError as fault:
            return self._show(request, fault=fault)
        return RedirectResponse(f"{PAGE}?done={done}", status_code=303)

    def _confirmed(self, request: Request, next: str, prove: Callable[[], str]) -> Response:
        try:
            return admitted(prove(), own(next))
        except GovernanceError as fault:
            return self._ask(request, next, fault)

    def _show(
        self,
        request: Request,
        *,
        fault: GovernanceError | None = None,
        done: str = "",
        setup: TotpSetup | None = None,
    ) -> Response:
        return self._views.page(
            "account.html",
            fault=fault,
            person=self._account.require_person(request),
            page=self._backend.page(self._token(request)),
            site=self._backend.site,
            done=done,
            setup=setup,
            qr=_qr(setup.address) if setup else "",
        )

    def _ask(self, request: Request, next: str, fault: GovernanceError | None = None) -> Response:
        return self._views.page(
            "confirm.html",
            fault=fault,
            person=self._account.require_person(request),
            page=self._backend.page(self._token(request)),
            site=self._backend.site,
            next=own(next),
        )


def _qr(address: str) -> Markup:
    """A QR code as inline SVG, without a style of its own."""
    svg = segno.make(address, error="m", micro=False).svg_inline(
        omitsize=True, svgclass="qr", lineclass=None, title="QR code for your authenticator app"
    )
    return Markup(svg)  # noqa: S704  made here, from an address that is escaped into modules
