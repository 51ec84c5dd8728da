"""The router of the pages."""

from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import Response

from governance.web.account import Account
from governance.web.assets import Assets
from governance.web.authenticators import Authenticators
from governance.web.backend import WebBackend
from governance.web.desk import Desk
from governance.web.detection import DetectionPage
from governance.web.federation import Federation, FederationBackend
from governance.web.guard import guarded_route
from governance.web.views import Views

MAX_FORM = 64 * 1024  # bytes


def router(backend: WebBackend, federation: FederationBackend | None = None) -> APIRouter:
    """All pages, with their guard and headers; to be included without a prefix.

    federation: where people may sign in elsewhere.
    """
    assets = Assets()
    views = Views(assets)
    address = urlsplit(backend.base_url)
    pages = APIRouter(
        route_class=guarded_route(views, f"{address.scheme}://{address.netloc}"),
        include_in_schema=False,
        max_body_size=MAX_FORM,
    )
    account = Account(backend, views, is_federated=federation is not None)
    account.add_to(pages)
    if federation is not None:
        Federation(federation, account).add_to(pages)
    Authenticators(backend, views, account).add_to(pages)
    Desk(backend, views, account).add_to(pages)
    DetectionPage(views, account).add_to(pages)

    def start(request: Request) -> Response:
        return views.page(
            "start.html",
            person=account.visitor(request),
            status=backend.status(),
            base_url=backend.base_url,
        )

    pages.add_api_route("/", start, methods=["GET"])
    pages.add_api_route("/static/{version}/{name:path}", assets.response, methods=["GET"])
    return pages
