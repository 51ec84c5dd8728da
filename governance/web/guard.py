"""What every page has: a guard against other sites, headers, and faults shown as pages."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from governance.identity.csrf import refuse_cross_site
from governance.kernel.errors import GovernanceError
from governance.web.views import Views

# Scripts and styles only as files of ours; no frames, no plug-ins, no foreign form targets.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
        "object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # `no-referrer` would make browsers send `Origin: null` with our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cache-Control": "no-store",
}
_HTTPS_ONLY = {"Strict-Transport-Security": "max-age=31536000"}


def guarded_route(views: Views, origin: str) -> type[APIRoute]:
    """The route class of the pages; origin: the service's own, `https://host[:port]`."""
    headers = HEADERS | (_HTTPS_ONLY if origin.startswith("https:") else {})

    class GuardedRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def guarded(request: Request) -> Response:
                try:
                    refuse_cross_site(request.method, request.headers, origin)
                    response = await handle(request)
                except GovernanceError as fault:
                    response = views.refusal(request, fault)
                for name, value in headers.items():
                    response.headers.setdefault(name, value)
                return response

            return guarded

    return GuardedRoute
