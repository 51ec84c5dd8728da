"""Signing in and out, and the change of a one-time password."""

import re
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from governance.domain import Principal
from governance.identity.sessions import COOKIE
from governance.kernel.errors import GovernanceError, InvalidRequest, Unauthenticated
from governance.web.backend import WebBackend
from governance.web.views import Views

Field = Annotated[str, Form()]

HOME = "/queue"
# Where signing in may lead: pages of ours, never an address that somebody else made up.
_NEXT = re.compile(r"/queue(/[a-z0-9_]{1,64})?|/account")


class Account:
    """Who is signed in, and how they come and go."""

    def __init__(self, backend: WebBackend, views: Views, *, is_federated: bool = False) -> None:
        self._backend = backend
        self._views = views
        self._is_federated = is_federated

    def add_to(self, router: APIRouter) -> None:
        router.add_api_route("/sign-in", self.sign_in_form, methods=["GET"])
        router.add_api_route("/sign-in", self.sign_in, methods=["POST"])
        router.add_api_route("/sign-in/passkey", self.sign_in_by_passkey, methods=["POST"])
        router.add_api_route("/sign-in/passkey/options", self.options, methods=["POST"])
        router.add_api_route("/sign-out", self.sign_out, methods=["POST"])
        router.add_api_route("/password", self.password_form, methods=["GET"])
        router.add_api_route("/password", self.change_password, methods=["POST"])

    def visitor(self, request: Request) -> Principal | None:
        """Who is signed in, if anybody."""
        token = request.cookies.get(COOKIE)
        return self._backend.person(token) if token else None

    def require_person(self, request: Request) -> Principal:
        """Raises Unauthenticated (`session_expired`)."""
        person = self.visitor(request)
        if person is None:
            raise Unauthenticated("session_expired", "Sign in again.")
        return person

    def sign_in_form(self, next: str = HOME) -> Response:
        return self._sign_in_page(next)

    def sign_in(
        self,
        request: Request,
        username: Field = "",
        password: Field = "",
        code: Field = "",
        next: Field = HOME,
    ) -> Response:
        try:
            token = self._backend.sign_in(username, password, request.cookies.get(COOKIE), code)
            return admitted(token, own(next))
        except GovernanceError as fault:
            if fault.code == "password_change_required":
                return self._views.page("password.html", username=username, is_forced=True)
            return self._sign_in_page(next, fault, username)

    def sign_in_by_passkey(
        self, request: Request, credential: Field = "", next: Field = HOME
    ) -> Response:
        try:
            token = self._backend.account.sign_in(credential, request.cookies.get(COOKIE))
            return admitted(token, own(next))
        except GovernanceError as fault:
            return self._sign_in_page(next, fault)

    def refused(self, fault: GovernanceError) -> Response:
        """The page to sign in, saying why it did not work elsewhere."""
        return self._sign_in_page(HOME, fault)

    def options(self) -> Response:
        return self._views.options(self._backend.account.sign_in_options)

    def sign_out(self, request: Request) -> Response:
        token = request.cookies.get(COOKIE)
        if token:
            self._backend.sign_out(token)
        return dismissed("/")

    def password_form(self, request: Request) -> Response:
        return self._views.page(
            "password.html", person=self.visitor(request), username="", is_forced=False
        )

    def change_password(
        self,
        username: Field = "",
        old: Field = "",
        new: Field = "",
        again: Field = "",
        code: Field = "",
    ) -> Response:
        try:
            if new != again:
                raise InvalidRequest(
                    "password_mismatch", "The two new passwords differ; type them again."
                )
            return admitted(self._backend.change_password(username, old, new, code), "/account")
        except GovernanceError as fault:
            return self._views.page(
                "password.html", fault=fault, username=username, is_forced=False
            )

    def _sign_in_page(
        self, next: str, fault: GovernanceError | None = None, username: str = ""
    ) -> Response:
        return self._views.page(
            "sign_in.html",
            fault=fault,
            username=username,
            next=own(next),
            site=self._backend.account.site,
            is_federated=self._is_federated,
        )


def admitted(token: str, target: str) -> Response:
    """Go on with a new session's token."""
    response = RedirectResponse(target, status_code=303)
    keep(response, token)
    return response


def keep(response: Response, token: str) -> None:
    response.set_cookie(COOKIE, token, secure=True, httponly=True, samesite="lax")


def dismissed(target: str) -> Response:
    """Go on without a session."""
    response = RedirectResponse(target, status_code=303)
    response.delete_cookie(COOKIE, secure=True, httponly=True, samesite="lax")
    return response


def own(target: str) -> str:
    return target if _NEXT.fullmatch(target) else HOME
