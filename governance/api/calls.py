"""One call: its body under a limit, its caller, and what the caller may do."""

import hashlib
from dataclasses import dataclass, replace
from typing import Annotated, Any

import orjson
from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from governance.api.limits import read_body
from governance.api.permissions import requirement_of
from governance.domain import Principal
from governance.evidence.story import Story
from governance.identity import csrf, replay, sessions
from governance.identity.authenticate import authenticate
from governance.identity.request_signature import ReceivedRequest, SignedRequest
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

    snapshot: the role assignments as of the moment in which the caller was authenticated.
    """

    context: Context
    engine: Engine
    principal: Principal
    scopes: frozenset[str] | None
    signed: SignedRequest | None
    body: bytes
    is_spent: bool
    snapshot: Snapshot

    async def allow(self, obj: str, act: str, project: str = "") -> Authorization:
        """Raises Denied (`access_denied`), recorded, unless the caller may."""
        return await self._require(Question(obj, act, self.principal.organisation, project))

    async def allow_on(self, story: Story, obj: str, act: str) -> Authorization:
        """`allow` on a generation: in its project, knowing whether the caller is involved."""
        request = story.request
        return await self._require(
            Question(obj, act, request["organisation"], request["project"], story)
        )

    async def story(self, generation: str, obj: str, act: str) -> Story:
        """A generation that the caller may do this to. Raises NotFound, Denied."""
        with self.context.database.read() as session:
            story = find(session, generation, self.principal.organisation)
        await self.allow_on(story, obj, act)
        return story

    def json(self) -> dict[str, Any]:
        """The body as a JSON object. Raises InvalidRequest (`json_invalid`)."""
        try:
            value = orjson.loads(self.body or b"{}")
        except orjson.JSONDecodeError as error:
            raise InvalidRequest("json_invalid", f"The body is not JSON: {error}.") from None
        if not isinstance(value, dict):
            raise InvalidRequest("json_invalid", "The body must be a JSON object.")
        return value

    async def spend(self) -> None:
        """Spend the signature's nonce, once. Raises Unauthenticated (`signature_replayed`)."""
        signed = self.signed
        if signed is not None and not self.is_spent:
            await self.context.database.write_async(lambda c: replay.spend_nonce(c, signed))

    async def _require(self, question: Question) -> Authorization:
        answer = access.check(self.context, self.principal, self.scopes, question, self.snapshot)
        if not answer.allowed:
            await self.spend()  # one signature leaves one refusal on record
            raise await run_in_threadpool(
                access.refuse, self.context, self.principal, question, answer
            )
        return answer


async def unspent(request: Request) -> Call:
    """The call of an endpoint that spends the signature's nonce in its own transaction."""
    body = await read_body(request)
    call = await identify(request, hashlib.sha256(body).digest() if body else None, body)
    required = requirement_of(request.scope["endpoint"])
    if required is not None and required.scope == "organisation":
        await call.allow(required.obj, required.act)
    return call


async def identify(request: Request, body_sha256: bytes | None, body: bytes = b"") -> Call:
    """The call of whoever sent a request with a body of that digest (None: without a body).

    Raises Unauthenticated; Denied, recorded, for a principal that may do nothing any more.
    """
    context: Context = request.app.state.context
    if "\0" in request.scope["path"] or b"%00" in request.scope["query_string"]:
        # PostgreSQL takes no such text, and nothing has such a name.
        raise InvalidRequest("address_invalid", "The address must not contain a zero byte.")
    received = _received(request, context, body_sha256)
    try:
        with context.database.read() as session:
            known = authenticate(session, received, session_idle=context.settings.session_idle)
            snapshot = context.policies.seen_by(session)
    except Denied as denied:
        await run_in_threadpool(access.record_refused, context, denied)
        raise
    if known.principal.kind == "person":
        csrf.refuse_cross_site(request.method, request.headers, context.settings.base_url)
    token = request.cookies.get(sessions.COOKIE)
    if known.touch and token:
        await context.database.write_async(lambda c: sessions.touch(c, token))
    engine: Engine = request.app.state.engine
    return Call(context, engine, known.principal, known.scopes, known.signed, body, False, snapshot)


async def spent(request: Request) -> Call:
    """The call of every other endpoint: the nonce is spent before anything else happens."""
    call = await unspent(request)
    await call.spend()
    return replace(call, is_spent=True)


Spent = Annotated[Call, Depends(spent)]
Unspent = Annotated[Call, Depends(unspent)]


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
