"""Requests and imports: decided before anything is recorded, recorded before anyone is answered."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, text

from governance.domain import (
    Asset,
    Decision,
    Finding,
    GenerationRequest,
    Mark,
    Principal,
    Quote,
    Route,
)
from governance.evidence.story import State, Story
from governance.identity import lineage, replay
from governance.identity.request_signature import SignedRequest
from governance.kernel import clock, ids
from governance.kernel.errors import Conflict, InvalidRequest
from governance.ledger import Entry
from governance.lifecycle import funding, limits, producing, store
from governance.lifecycle.context import Context
from governance.lifecycle.entries import about, first, media_body, request_body
from governance.lifecycle.producing import Membership
from governance.lifecycle.questions import PROMPT, model_facts
from governance.lifecycle.standing import standing
from governance.lifecycle.steps import wake_at
from governance.lifecycle.tables import IdempotencyKey
from governance.marking.bodies import mark_json
from governance.policy import Authorization, ModelFacts, as_body, decide, decision_input
from governance.policy.inputs import Action
from governance.review import separation
from governance.routing.router import WORDS
from governance.screening.prompt import screen_prompt

_KEYS = IdempotencyKey.__table__  # type: ignore[attr-defined]
# Where another transaction keeps the same key, this waits for its end and then does nothing.
_KEEP = text(
    'INSERT INTO idempotency_key (principal, "key", request_digest, generation) '
    "VALUES (:caller, :idempotency_key, :request_digest, :generation) ON CONFLICT DO NOTHING"
)
_KEPT = select(_KEYS.c.request_digest, _KEYS.c.generation).where(
    _KEYS.c.principal == bindparam("caller"), _KEYS.c.key == bindparam("idempotency_key")
)
MAX_KEY = 255
Body = dict[str, Any]


@dataclass(frozen=True)
class Caller:
    """Who asks, with what proof, and what the authorization answered.

    idempotency_key: as the caller sent it; is_spent: the signature's nonce has been spent.
    """

    principal: Principal
    authorization: Authorization
    signed: SignedRequest | None = None
    idempotency_key: str | None = None
    is_spent: bool = False


@dataclass(frozen=True)
class Assessment:
    """What would happen to a request: decision and price; nothing has been written."""

    request: GenerationRequest
    decision: Decision
    quote: Quote | None
    model: str | None
    production: Body = field(default_factory=dict)  # as the record tells of it


@dataclass(frozen=True)
class Import:
    """A finished file from outside. ingredients: (generation, sha256) of files of ours in it."""

    asset: Asset
    source_type: str
    vendor_marks: tuple[Mark, ...] = ()
    ingredients: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Submission:
    """A decided request, ready to be committed by `commit`; without entries, a repeated one."""

    generation: str
    caller: Caller
    request: GenerationRequest
    entries: tuple[Entry, ...]
    digest: str  # of what was asked; only where there is an idempotency key
    quote: Quote | None = None  # to be set aside
    before: Callable[[Connection], None] = field(default=lambda connection: None)


def assess(
    context: Context,
    request: GenerationRequest,
    principal: Principal,
    action: Action = "generation.create",
) -> Assessment:
    """Screen the prompt, price the request and ask policy. Reads only.

    The request that is assessed has from its production what it leaves open.

    Raises InvalidRequest (`territory_missing`, `territory_unknown`, `model_unknown`,
    `model_retired`, `no_route`, …), Denied (`mandate_exceeded`) with the dimension.
    """
    member = producing.membership(context, request)
    request = member.request
    _require_territories(context, request)
    limits.require_request(principal, request)
    facts, quote = ModelFacts(), None
    if action == "generation.create":
        route = _route(context, member, principal)
        limits.require_affordable(principal, route.quote)
        model = context.catalogue.get(route.model)
        facts = model_facts(model)
        quote = route.quote
    day = clock.now().date()
    stands = standing(context, request, day)
    decision = decide(
        context.policies.policy,
        decision_input(
            request,
            principal,
            stage="request",
            date=day,
            action=action,
            model=facts,
            quote=quote,
            prompt_findings=_screened(context, member.sent),
            consent=stands.consent,
            waivers=stands.waivers,
        ),
    )
    return Assessment(request, decision, quote, facts.id, member.body)


def _route(context: Context, member: Membership, principal: Principal) -> Route:
    """The model that was named, or the best that can be paid for."""
    request, grant = member.request, principal.grant
    find = partial(
        context.router.route,
        request,
        audio=request.audio,
        stopped=context.switches.last.thrown,
        permitted=grant.models if grant else None,
        allowed=member.allowed,
        patient=True,
    )
    if request.model not in WORDS:
        return find()
    per_call = grant.per_call if grant else None
    with context.database.read() as session:
        left = funding.left(session, principal, request)
    payable = min((amount for amount in (per_call, left) if amount is not None), default=None)
    try:
        return find(max_amount=payable)
    except InvalidRequest:
        if payable == per_call:
            raise
        return find(max_amount=per_call)  # setting it aside will say which budget is empty


def _require_territories(context: Context, request: GenerationRequest) -> None:
    if not request.territories:
        raise InvalidRequest(
            "territory_missing",
            "Say where the result will be shown: `territories`, for example EU or DE,FR.",
            param="territories",
        )
    unknown = context.policies.policy.territories.unknown(request.territories)
    if unknown:
        raise InvalidRequest(
            "territory_unknown",
            f"No territory is called {', '.join(unknown[:5])}: use codes of countries (DE) or of "
            "states of the USA (US-CA), or EU.",
            param="territories",
        )


def prepare(
    context: Context, request: GenerationRequest, caller: Caller, generation: str = ""
) -> Submission:
    """Decide on a request for a generation. Raises as `assess` does.

    request: as it was asked, before it has anything from a production: a repeated one is known by
    that, and is not judged again; generation: its id, where its inputs are kept under it already.
    """
    digest = _digest("generation.requested", request, caller)
    if _is_repeated(context, caller, digest):
        return Submission(generation or ids.new_id("gen"), caller, request, (), digest)
    assessment = assess(context, request, caller.principal)
    request = assessment.request
    body = {
        **request_body(request, caller.principal, caller.signed),
        **assessment.production,
        **_descent(request),
        "model": request.model,
        "seconds": request.seconds,
        "width": request.width,
        "height": request.height,
        "references": list(request.references),
    }
    private: tuple[tuple[str, Any], ...] = ((PROMPT, request.prompt),)
    if request.metadata:
        private += (("metadata", dict(request.metadata)),)
    author = producing.author(context, request)
    entries = _entries(
        "generation.requested", body, private, assessment, caller, generation, author
    )
    return _submission(assessment, caller, entries, digest)


def prepare_import(
    context: Context, request: GenerationRequest, imported: Import, caller: Caller
) -> Submission:
    """Decide on a finished file from outside. Raises as `assess` does; request: as in `prepare`."""
    told = (imported.asset.digest, imported.source_type, imported.ingredients)
    digest = _digest("asset.imported", request, caller, told)
    if _is_repeated(context, caller, digest):
        return Submission(ids.new_id("gen"), caller, request, (), digest)
    assessment = assess(context, request, caller.principal, "asset.import")
    request = assessment.request
    body = {
        **request_body(request, caller.principal, caller.signed),
        **assessment.production,
        "asset": media_body(imported.asset),
        "ingredients": [
            {"generation": generation, "digest": digest}
            for generation, digest in imported.ingredients
        ],
        "source_type": imported.source_type,
        "vendor_marks": [mark_json(mark) for mark in imported.vendor_marks],
    }
    private = ((PROMPT, request.prompt),) if request.prompt else ()
    entries = _entries("asset.imported", body, private, assessment, caller)
    return _submission(assessment, caller, entries, digest)


def earlier(context: Context, principal: Principal, key: str | None) -> Story | None:
    """What the principal asked for under that idempotency key before."""
    row = _kept(context, principal, key)
    if row is None:
        return None
    with context.database.read() as session:
        return store.peek(session, row.generation)


def commit(connection: Connection, context: Context, submission: Submission) -> Story:
    """Spend the nonce, honour the idempotency key, append the records, insert the row.

    A repeated request with the same key answers with the first one's story and writes nothing.
    Raises Unauthenticated (`signature_replayed`), InvalidRequest (`idempotency_key_reused`).
    """
    caller = submission.caller
    if caller.signed is not None and not caller.is_spent:
        replay.spend_nonce(connection, caller.signed)
    answered = _keep_key(connection, context, submission)
    if answered is not None:
        return store.get(connection, answered).story
    if not submission.entries:  # what it repeats was there a moment ago
        raise Conflict("request_repeated", "The first of these requests is gone; send it again.")
    submission.before(connection)
    if submission.quote is not None:
        funding.reserve(
            connection,
            caller.principal,
            submission.request,
            submission.generation,
            submission.quote,
        )
    story = store.begin(
        connection, context.ledger, submission.entries, lambda s: wake_at(s, context.settings)
    )
    if story.state == State.AWAITING_APPROVAL:
        chain = caller.principal.chain
        separation.involve(connection, story.id, lineage.involved(connection, chain))
    return story


def _entries(
    event: str,
    body: dict[str, Any],
    private: tuple[tuple[str, Any], ...],
    assessment: Assessment,
    caller: Caller,
    generation: str = "",
    author: str = "",
) -> tuple[Entry, ...]:
    """The first two records of a generation."""
    generation = generation or ids.new_id("gen")
    asked = first(generation, event, body, caller.principal, caller.signed, private, author)
    decided = about(
        Story(id=generation, request=body),
        "policy.decided",
        as_body(assessment.decision, caller.authorization),
    )
    return asked, decided


def _submission(
    assessment: Assessment, caller: Caller, entries: tuple[Entry, ...], digest: str
) -> Submission:
    quote = None if assessment.decision.effect == "deny" else assessment.quote
    return Submission(entries[0].stream, caller, assessment.request, entries, digest, quote)


def _digest(event: str, request: GenerationRequest, caller: Caller, told: object = None) -> str:
    """What is asked, so that a repeated request is recognised; empty without an idempotency key.

    An agent that acts for two people does not answer one with what the other asked for.
    """
    if caller.idempotency_key is None:
        return ""
    if len(caller.idempotency_key) > MAX_KEY:
        raise InvalidRequest("idempotency_key_invalid", f"At most {MAX_KEY} characters, please.")
    asked = repr((event, request, told, caller.principal.accountable))
    return hashlib.sha256(asked.encode()).hexdigest()


def _is_repeated(context: Context, caller: Caller, digest: str) -> bool:
    """Raises InvalidRequest (`idempotency_key_reused`)."""
    row = _kept(context, caller.principal, caller.idempotency_key)
    if row is not None:
        _require_same(row.request_digest, _keyed(context, digest))
    return row is not None


def _kept(context: Context, principal: Principal, key: str | None) -> Row[Any] | None:
    if key is None:
        return None
    with context.database.read() as session:
        given = {"caller": principal.id, "idempotency_key": key}
        return session.connection().execute(_KEPT, given).first()


def _keyed(context: Context, digest: str) -> str:
    """The digest covers the prompt and outlives its erasure: nobody is to guess at it."""
    return hmac.new(context.ledger.keyring.vault, digest.encode(), "sha256").hexdigest()


def _require_same(kept: str, digest: str) -> None:
    if kept != digest:
        raise InvalidRequest(
            "idempotency_key_reused",
            "This Idempotency-Key came with another request before; use a new one.",
        )


def _keep_key(connection: Connection, context: Context, submission: Submission) -> str | None:
    """Keep the caller's key; the generation that answered to it before, None when it is new."""
    if submission.caller.idempotency_key is None:
        return None
    digest = _keyed(context, submission.digest)
    key = {
        "caller": submission.caller.principal.id,
        "idempotency_key": submission.caller.idempotency_key,
    }
    if submission.entries:
        kept = {"request_digest": digest, "generation": submission.generation}
        if connection.execute(_KEEP, {**key, **kept}).rowcount:
            return None
    row = connection.execute(_KEPT, key).first()
    if row is None:
        return None
    _require_same(row.request_digest, digest)
    return str(row.generation)


def _descent(request: GenerationRequest) -> Body:
    """Where a request comes from and what it brings; silent where it is plain."""
    told: Body = {}
    if request.parent is not None:
        told["parent"] = request.parent
    if request.parent is not None or request.task != "generate":
        told["task"] = request.task
    if request.inputs:
        told["inputs"] = [asdict(file) for file in request.inputs]
    if request.audio:
        told["audio"] = True
    if request.voice:
        told["voice"] = request.voice
    return told


def _screened(context: Context, sent: str) -> tuple[Finding, ...]:
    return screen_prompt(sent, context.prompt_rules) if sent else ()
