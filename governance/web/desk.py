"""The reviewer's desk: the queue, and the page on which a person decides."""

from decimal import Decimal, InvalidOperation
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import FileResponse, RedirectResponse, Response

from governance.domain import Principal
from governance.kernel.errors import GovernanceError, InvalidRequest
from governance.web.account import Account
from governance.web.backend import Played, Verdict, WebBackend
from governance.web.views import Views

Field = Annotated[str, Form()]

MAX_COMMENT = 2000  # characters
_NOTHING = Verdict("", "", "", "", Played(Decimal(0), muted=False, blurred=False))


class Desk:
    """The pages of review."""

    def __init__(self, backend: WebBackend, views: Views, account: Account) -> None:
        self._backend = backend
        self._views = views
        self._account = account

    def add_to(self, router: APIRouter) -> None:
        router.add_api_route("/queue", self.queue, methods=["GET"])
        router.add_api_route("/queue/{review}", self.review, methods=["GET"])
        router.add_api_route("/queue/{review}/media", self.media, methods=["GET"])
        router.add_api_route("/queue/{review}/claim", self.claim, methods=["POST"])
        router.add_api_route("/queue/{review}/release", self.release, methods=["POST"])
        router.add_api_route("/queue/{review}/decision", self.decide, methods=["POST"])

    def queue(self, request: Request, done: str = "") -> Response:
        """done: the review on which this person has just decided."""
        person = self._account.require_person(request)
        rows = self._backend.queue(person)
        return self._views.page("queue.html", person=person, rows=rows, done=done)

    def review(self, request: Request, review: str) -> Response:
        return self._show(self._account.require_person(request), review)

    def media(self, request: Request, review: str) -> Response:
        person = self._account.require_person(request)
        path, media_type = self._backend.media(person, review)
        return FileResponse(
            path, media_type=media_type, headers={"Content-Security-Policy": "sandbox"}
        )

    def claim(self, request: Request, review: str) -> Response:
        person = self._account.require_person(request)
        try:
            self._backend.claim(person, review)
        except GovernanceError as fault:
            return self._show(person, review, fault)
        return RedirectResponse(f"/queue/{review}", status_code=303)

    def release(self, request: Request, review: str) -> Response:
        self._backend.release(self._account.require_person(request), review)
        return RedirectResponse("/queue", status_code=303)

    def decide(
        self,
        request: Request,
        review: str,
        decision: Field = "",
        reason: Field = "",
        comment: Field = "",
        digest: Field = "",
        played_seconds: Field = "",
        played_muted: Field = "",
        played_blurred: Field = "",
    ) -> Response:
        person = self._account.require_person(request)
        played = Played(_seconds(played_seconds), played_muted == "yes", played_blurred == "yes")
        verdict = Verdict(decision, reason, comment.strip(), digest, played)
        try:
            if len(verdict.comment) > MAX_COMMENT:
                raise InvalidRequest(
                    "comment_too_long", f"Shorten the comment to {MAX_COMMENT} characters."
                )
            self._backend.decide(person, review, verdict)
        except GovernanceError as fault:
            return self._show(person, review, fault, verdict)
        return RedirectResponse(f"/queue?done={review}", status_code=303)

    def _show(
        self,
        person: Principal,
        review: str,
        fault: GovernanceError | None = None,
        verdict: Verdict = _NOTHING,
    ) -> Response:
        """The review as it is now; with a fault, with what the person had filled in."""
        page = self._backend.review(person, review)
        return self._views.page(
            "review.html",
            fault=fault,
            person=person,
            page=page,
            row=page.row,
            verdict=verdict,
            max_comment=MAX_COMMENT,
        )


def _seconds(text: str) -> Decimal:
    """What a script of ours measured; whatever else is sent counts as nothing played."""
    try:
        value = Decimal(text)
        return value.quantize(Decimal("0.1")) if 0 <= value < 1_000_000 else Decimal(0)
    except InvalidOperation:
        return Decimal(0)
