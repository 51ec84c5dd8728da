"""Signing in at an enterprise's own identity provider."""

from typing import Protocol

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from governance.identity.oidc import CALLBACK, COOKIE, MAX_SECONDS, Begun, Provider, admit
from governance.identity.sessions import COOKIE as SESSION
from governance.kernel.errors import GovernanceError
from governance.lifecycle.context import Context
from governance.web.account import HOME, Account, admitted


class FederationBackend(Protocol):
    """What the two addresses need from the service."""

    def begin(self) -> Begun: ...

    def finish(self, ticket: str, answer: dict[str, str], replaces: str | None) -> str:
        """The token of a new session."""
        ...


class FederationService:
    """The identity provider that the settings name."""

    def __init__(self, context: Context) -> None:
        settings = context.settings
        self._context = context
        self._provider = Provider(
            settings.oidc_issuer,
            settings.oidc_client_id,
            settings.oidc_client_secret.get_secret_value(),
            organisation=settings.organisation,
            base_url=settings.base_url,
        )

    def begin(self) -> Begun:
        return self._provider.begin()

    def finish(self, ticket: str, answer: dict[str, str], replaces: str | None) -> str:
        provider = self._provider
        subject = provider.finish(ticket, answer)
        absolute = self._context.settings.session_absolute
        return self._context.database.write(
            lambda c: admit(c, provider, subject, absolute=absolute, replaces=replaces)
        )


class Federation:
    """Leaving for the provider, and coming back."""

    def __init__(self, backend: FederationBackend, account: Account) -> None:
        self._backend = backend
        self._account = account

    def add_to(self, router: APIRouter) -> None:
        router.add_api_route("/sign-in/oidc", self.leave, methods=["GET"])
        router.add_api_route(CALLBACK, self.come_back, methods=["GET"])

    def leave(self) -> Response:
        try:
            begun = self._backend.begin()
        except GovernanceError as fault:
            return self._account.refused(fault)
        response = RedirectResponse(begun.address, status_code=303)
        response.set_cookie(
            COOKIE,
            begun.ticket,
            max_age=MAX_SECONDS,
            secure=True,
            httponly=True,
            samesite="lax",  # `strict` would not come back with the provider's redirect
        )
        return response

    def come_back(self, request: Request) -> Response:
        ticket = request.cookies.get(COOKIE, "")
        answer = dict(request.query_params)
        try:
            token = self._backend.finish(ticket, answer, request.cookies.get(SESSION))
            response = admitted(token, HOME)
        except GovernanceError as fault:
            response = self._account.refused(fault)
        response.delete_cookie(COOKIE, secure=True, httponly=True, samesite="lax")
        return response
