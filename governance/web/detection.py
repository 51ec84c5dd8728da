"""The page for everybody who holds a file and wants to know what it is."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from governance.web.account import Account
from governance.web.views import Views


class DetectionPage:
    """Works without an account; a script of the page sends the file to `/v1/detect`."""

    def __init__(self, views: Views, account: Account) -> None:
        self._views = views
        self._account = account

    def add_to(self, router: APIRouter) -> None:
        router.add_api_route("/detect", self.show, methods=["GET"])

    def show(self, request: Request) -> Response:
        return self._views.page("detect.html", person=self._account.visitor(request))
