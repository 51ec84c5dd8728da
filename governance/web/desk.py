"""The reviewer's desk: the queue, and the page on which a person decides."""

from decimal import Decimal, InvalidOperation
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import FileResponse, RedirectResponse, Response
from pydantic import BaseModel

from governance.domain import Principal
from governance.identity.sessions import COOKIE
from governance.kernel.errors import GovernanceError, InvalidRequest
from governance.lifecycle.determination import DeepFake
from governance.web.account import Account, keep
from governance.web.account_backend import AccountPage
from governance.web.backend import Played, Verdict, WebBackend
from governance.web.views import STEP_UP, Views

MAX_COMMENT = 2000  # characters
_NOTHING = Verdict("", "", "", "", Played(Decimal(0), muted=False, blurred=False))


class DecisionForm(BaseModel):
    """The fields of a decision. credential: JSON of what a passkey answered;

    confirm_password, confirm_code: of somebody who signed in a while ago and does not sign.
    """

    decision: str = ""
    reason: str = ""
    comment: str = ""
    digest: str = ""
    deep_fake: str = ""
    played_seconds: str = ""
    played_muted: str = ""
    played_blurred: str = ""
    credential: str = ""
    confirm_password: str = ""
    confirm_code: str = ""

    @property
    def confirms(self) -> bool:
        return bool(self.confirm_password or self.confirm_code)

    def verdict(self) -> Verdict:
        return Verdict(
            decision=self.decision,
            reason=self.reason,
            comment=self.comment.strip(),
            digest=self.digest,
            played=Played(
                _seconds(self.played_seconds),
                muted=self.played_muted == "yes",
                blurred=self.played_blurred == "yes",
            ),
            deep_fake=_answer(self.deep_fake),
            answer=self.credential,
        )


Filled = Annotated[DecisionForm, Form()]


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
        router.add_api_route("/queue/{review}/statement", self.state, methods=["POST"])
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

    def state(self, request: Request, review: str, form: Filled) -> Response:
        """What the person's passkey has to sign, for this decision to bear their signature."""
        person = self._account.require_person(request)
        verdict = form.verdict()
        return self._views.options(lambda: self._backend.statement_options(person, review, verdict))

    def decide(self, request: Request, review: str, form: Filled) -> Response:
        person = self._account.require_person(request)
        before = token = request.cookies[COOKIE]
        verdict = form.verdict()
        try:
            if len(verdict.comment) > MAX_COMMENT:
                raise InvalidRequest(
                    "comment_too_long", f"Shorten the comment to {MAX_COMMENT} characters."
                )
            token = self._confirmed(token, form)
            self._backend.decide(person, review, verdict)
            response: Response = RedirectResponse(f"/queue?done={review}", status_code=303)
        except GovernanceError as fault:
            is_asked = fault.code == STEP_UP or (form.confirms and token == before)
            confirm = self._backend.account.page(token) if is_asked else None
            response = self._show(person, review, fault, verdict, confirm)
        if token != before:
            keep(response, token)
        return response

    def _confirmed(self, token: str, form: DecisionForm) -> str:
        """The session's token, new if the person proved who they are with this form.

        Raises Denied (`step_up_required`) for an approval that is neither signed nor made by
        somebody who has proved it lately.
        """
        if form.confirms:
            account = self._backend.account
            token = account.confirm(token, form.confirm_password, form.confirm_code)
        if form.decision == "approve" and not form.credential:
            self._backend.account.require_fresh(token)
        return token

    def _show(
        self,
        person: Principal,
        review: str,
        fault: GovernanceError | None = None,
        verdict: Verdict = _NOTHING,
        confirm: AccountPage | None = None,
    ) -> Response:
        """The review as it is now; with a fault, with what the person had filled in.

        confirm: how the person signs in, who has to prove now who they are.
        """
        page = self._backend.review(person, review)
        return self._views.page(
            "review.html",
            fault=fault,
            person=person,
            page=page,
            row=page.row,
            verdict=verdict,
            max_comment=MAX_COMMENT,
            confirm=confirm,
            site=self._backend.account.site,
        )


def _seconds(text: str) -> Decimal:
    """What a script of ours measured; whatever else is sent counts as nothing played."""
    try:
        value = Decimal(text)
        return value.quantize(Decimal("0.1")) if 0 <= value < 1_000_000 else Decimal(0)
    except InvalidOperation:
        return Decimal(0)


def _answer(text: str) -> DeepFake:
    return "yes" if text == "yes" else "no" if text == "no" else ""
