"""Templates to responses."""

from collections.abc import Callable
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from governance import __version__
from governance.kernel import clock
from governance.kernel.errors import (
    Conflict,
    Denied,
    GovernanceError,
    InvalidRequest,
    NotFound,
    Throttled,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from governance.web import words
from governance.web.assets import Assets

STEP_UP = "step_up_required"
_STATUS: dict[type[GovernanceError], int] = {
    InvalidRequest: 422,
    Unauthenticated: 401,
    Denied: 403,
    NotFound: 404,
    Conflict: 409,
    TooLarge: 413,
    Throttled: 429,
    Unavailable: 503,
}


class Views:
    """Renders pages; values are escaped, a name that a template misspells is an error."""

    def __init__(self, assets: Assets) -> None:
        self._templates = Environment(
            loader=PackageLoader("governance.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals.update(
            asset=assets.url, now=clock.now, version=__version__, person=None, fault=None
        )
        for filter_ in (
            words.term,
            words.moment,
            words.clock_time,
            words.span,
            words.amount,
            words.seconds,
            words.size,
            words.short,
            words.people,
        ):
            self._templates.filters[filter_.__name__] = filter_

    def page(
        self, template: str, *, fault: GovernanceError | None = None, **values: Any
    ) -> HTMLResponse:
        """A page; with a fault it says so and carries the fault's status."""
        html = self._templates.get_template(template).render(fault=fault, **values)
        response = HTMLResponse(html, status(fault) if fault else 200)
        if isinstance(fault, Throttled):
            response.headers["Retry-After"] = str(fault.details.get("retry_after", 1))
        return response

    def options(self, ask: Callable[[], str]) -> Response:
        """JSON that a script of ours asked for; why it cannot be had is in `message`.

        Whoever has to sign in first, or to prove who they are, is led there by `refusal`.
        """
        try:
            return Response(ask(), media_type="application/json")
        except GovernanceError as fault:
            if _leads_elsewhere(fault):
                raise
            return JSONResponse({"message": fault.message}, status(fault))

    def refusal(self, request: Request, fault: GovernanceError) -> Response:
        """What a person sees instead of a page; whoever is not signed in may do that first."""
        if isinstance(fault, Unauthenticated):
            target = f"?next={request.url.path}" if request.method == "GET" else ""
            return RedirectResponse(f"/sign-in{target}", status_code=303)
        if fault.code == STEP_UP:
            return RedirectResponse("/confirm", status_code=303)
        return self.page("error.html", fault=fault)


def _leads_elsewhere(fault: GovernanceError) -> bool:
    return fault.code in ("session_expired", STEP_UP)


def status(fault: GovernanceError) -> int:
    """The HTTP status of a fault; 500 for what nobody should see."""
    return next((code for kind, code in _STATUS.items() if isinstance(fault, kind)), 500)
