"""One call: its body under a limit, its caller, and what the caller may do."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, NoReturn

import orjson
from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from governance.api.limits import read_body
from governance.api.permissions import Requirement, requirement_of
from governance.api.rates import Rates
from governance.domain import Principal
from governance.evidence.story import Story
from governance.identity import csrf, in_force, mandates, replay, sessions, step_up, tokens
from governance.identity.authenticate import authenticate
from governance.identity.request_signature import ReceivedRequest, SignedRequest
from governance.identity.switches import Switches
from governance.identity.tokens import VerifiedToken
from governance.kernel import epoch
from governance.kernel.errors import Denied, InvalidRequest
from governance.lifecycle import access
from governance.lifecycle.access import Question
from governance.lifecycle.context import Context
from governance.lifecycle.engine import Engine
from governance.lifecycle.views import find
from governance.policy import Authorization
from governance.policy.authorization import Snapshot


@dataclass(frozen=True)
class Call:
    """An authenticated call. `signed` has a nonce that still has to be spent unless `is_spent`.

    snapshot, thrown: the role assignments and the kill switches as of the moment in which the
    caller was authenticated;
    requirement: what its address declares, None where that is nothing for policy to answer;
    authenticated_at: when a person last proved who they are, None for programs.
    """

    context: Context
    engine: Engine
    principal: Principal
    scopes: frozenset[str] | None
    signed: SignedRequest | None
    body: bytes
    is_spent: bool
    snapshot: Snapshot
    thrown: Switches
    requirement: Requirement | None
    authenticated_at: datetime | None = None

    def asking(self, obj: str, act: str) -> "Call":
        """The same call with a further question, which comes with what its body asks for."""
        return replace(self, requirement=Requirement(obj, act, "project"))

    async def allow_in(self, project: str = "") -> Authorization:
        """In a project, or in the whole organisation.

        Raises Denied (`access_denied`), recorded, unless the caller may what the address requires.
        """
        return await self._require(self._question(self.principal.organisation, project))

    async def projects(self) -> list[str] | None:
        """The projects in which the caller may, for a list of what is in them; None for all.

        Raises Denied (`access_denied`), recorded, where there are none.
        """
        question = self._question(self.principal.organisation)
        found = access.projects(
            self.context, self.principal, self.scopes, question, self.snapshot, self.thrown
        )
        if found == []:
            await self.allow_in()
        return found

    async def refuse_stopped(self) -> None:
        """Raises Denied (`stopped`), recorded, before anything is done with what was sent."""
        question = self._question(self.principal.organisation)
        answer = access.stopped(self.context, self.principal, question, self.thrown)
        if answer is not None:
            await self._refuse(question, answer)

    async def allow_on(self, story: Story) -> Authorization:
        """`allow_in` the project of a generation, knowing whether the caller is involved."""
        request = story.request
        return await self._require(
            self._question(request["organisation"], request["project"], story)
        )

    async def story(self, generation: str) -> Story:
        """A generation that the caller may do this to. Raises NotFound, Denied."""
        with self.context.database.read() as session:
            story = find(session, generation, self.principal.organisation)
        await self.allow_on(story)
        return story

    def require_fresh(self) -> None:
        """Raises Denied (`step_up_required`) for a person who signed in too long ago."""
        if self.authenticated_at is not None:
            step_up.require_fresh(self.authenticated_at, self.context.settings.step_up)

    def json(self) -> dict[str, Any]:
        """The body as a JSON object. Raises InvalidRequest (`json_invalid`)."""
        try:
            value = orjson.loads(self.body or b"{}")
        except orjson.JSONDecodeError as error:
            raise InvalidRequest("json_invalid", f"The body is not JSON: {error}.") from None
        if not isinstance(value, dict):
            raise InvalidRequest("json_invalid", "The body must be a JSON object.")
        return value

    async def asked_again(self) -> "Call":
        """The same call as of now, after its body has come in slowly; the signature is spent.

        Raises Denied (`authority_ended`, `stopped`), recorded.
        """
        context, call = self.context, replace(self, is_spent=True)
        keyid = self.signed.keyid if self.signed else None
        try:
            with context.database.read() as session:
                connection = session.connection()
                number = epoch.current(connection)
                in_force.require(connection, self.principal, keyid)
                snapshot = context.policies.as_of(connection, number)
                thrown = context.switches.as_of(connection, number)
                context.providers.as_of(connection, number)
            access.refuse_stopped(self.principal, thrown)
        except Denied as denied:
            await call.record(denied)
            raise
        return replace(call, snapshot=snapshot, thrown=thrown)

    async def record(self, denied: Denied) -> None:
        """Put on record that the caller's mandate does not reach so far; the caller raises it."""
        required = self.requirement
        asked = (required.obj, required.act) if required else ("service", "call")
        await self.spend()  # one signature leaves one refusal on record
        await run_in_threadpool(access.record_refused, self.context, denied, asked)

    async def spend(self) -> None:
        """Spend the signature's nonce, once. Raises Unauthenticated (`signature_replayed`)."""
        signed = self.signed
        if signed is not None and not self.is_spent:
            await self.context.database.write_async(lambda c: replay.spend_nonce(c, signed))

    def _question(
        self, organisation: str, project: str = "", story: Story | None = None
    ) -> Question:
        required = self.requirement
        if required is None:
            raise Denied("address_undeclared", "This address does not declare what it requires.")
        return Question(required.obj, required.act, organisation, project, story)

    async def _require(self, question: Question) -> Authorization:
        answer = access.check(
            self.context, self.principal, self.scopes, question, self.snapshot, self.thrown
        )
        if not answer.allowed:
            await self._refuse(question, answer)
        return answer

    async def _refuse(self, question: Question, answer: Authorization) -> NoReturn:
        await self.spend()  # one signature leaves one refusal on record
        raise await run_in_threadpool(access.refuse, self.context, self.principal, question, answer)


async def unspent(request: Request) -> Call:
    """The call of an endpoint that spends the signature's nonce in its own transaction."""
    body = await read_body(request)
    return await identify(request, hashlib.sha256(body).digest() if body else None, body)


async def identify(request: Request, body_sha256: bytes | None, body: bytes = b"") -> Call:
    """The call of whoever sent a request with a body of that digest (None: without a body).

    Raises Unauthenticated; Throttled; Denied, recorded, for a principal that may do nothing any
    more, or not what the address requires in its organisation.
    """
    context: Context = request.app.state.context
    if "\0" in request.scope["path"] or b"%00" in request.scope["query_string"]:
        # PostgreSQL takes no such text, and nothing has such a name.
        raise InvalidRequest("address_invalid", "The address must not contain a zero byte.")
    rates: Rates = request.app.state.rates
    received = _received(request, context, body_sha256)
    token = await _token(context, received)
    try:
        with context.database.read() as session:
            known = authenticate(
                session,
                received,
                session_idle=context.settings.session_idle,
                delegations=context.delegations,
                token=token,
            )
            connection = session.connection()
            number = epoch.current(connection)
            snapshot = context.policies.as_of(connection, number)
            thrown = context.switches.as_of(connection, number)
            context.providers.as_of(connection, number)
        access.refuse_stopped(known.principal, thrown)
    except Denied as denied:
        rates.count(denied.details["principal"], None)
        await run_in_threadpool(access.record_refused, context, denied)
        raise
    once = known.once
    if once is not None:
        await context.database.write_async(lambda c: replay.spend_proof(c, once))
    if known.principal.kind == "person":
        csrf.refuse_cross_site(request.method, request.headers, context.settings.base_url)
    required = requirement_of(request.scope["endpoint"])
    rates.count(known.principal.id, required)
    cookie = request.cookies.get(sessions.COOKIE)
    if known.touch and cookie:
        await context.database.write_async(lambda c: sessions.touch(c, cookie))
    if known.unseen:
        await context.database.write_async(
            lambda c: mandates.keep(c, context.ledger, known.unseen, known.principal)
        )
    engine: Engine = request.app.state.engine
    who = (known.principal, known.scopes, known.signed)
    call = Call(
        context, engine, *who, body, False, snapshot, thrown, required, known.authenticated_at
    )
    if required is not None and required.scope == "organisation":
        await call.allow_in()
    elif required is not None:
        await call.refuse_stopped()
    if required is not None and step_up.is_due(request.method, required.obj, required.act):
        call.require_fresh()
    return call


async def spent(request: Request) -> Call:
    """The call of every other endpoint: the nonce is spent before anything else happens."""
    call = await unspent(request)
    await call.spend()
    return replace(call, is_spent=True)


Spent = Annotated[Call, Depends(spent)]
Unspent = Annotated[Call, Depends(unspent)]


async def _token(context: Context, received: ReceivedRequest) -> VerifiedToken | None:
    """The request's access token. In a thread: its issuer's keys may have to be fetched."""
    if not tokens.is_presented(received.headers):
        return None
    return await run_in_threadpool(
        tokens.read, context.issuers, received, context.settings.base_url
    )


def _received(request: Request, context: Context, body_sha256: bytes | None) -> ReceivedRequest:
    raw_path: bytes = request.scope.get("raw_path") or request.url.path.encode()
    return ReceivedRequest(
        method=request.method,
        authority=context.settings.authority,
        path=raw_path.decode("ascii", "replace"),
        query=request.scope["query_string"].decode("ascii", "replace"),
        headers=[(k.decode("latin-1"), v.decode("latin-1")) for k, v in request.headers.raw],
        body_sha256=body_sha256,
    )
