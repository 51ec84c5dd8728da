"""`/v1/governance`: records, proofs, checkpoints, keys, bundles, reports: what auditors take."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import PlainTextResponse, Response
from pydantic import ConfigDict, Field
from sqlmodel import Session, select
from starlette.concurrency import run_in_threadpool

from governance.api.calls import Call, Spent
from governance.api.limits import LimitedRoute
from governance.api.permissions import requires
from governance.api.requests import PROJECT, Body, Moment
from governance.evidence.encoding import encode64
from governance.kernel.errors import InvalidRequest, NotFound
from governance.ledger import read_stream, tree
from governance.ledger.publisher import latest
from governance.ledger.tables import LogRecord
from governance.lifecycle.views import find
from governance.reporting.issue import Scope, issue_export, issue_report

router = APIRouter(prefix="/v1/governance", tags=["Evidence"], route_class=LimitedRoute)
Project = Annotated[str, Field(pattern=f"^{PROJECT.pattern}$")]


class ScopeBody(Body):
    """What a report covers: generations requested in [from, to)."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "from": "2026-11-01T00:00:00Z",
                "to": "2026-12-01T00:00:00Z",
                "project": "spring-campaign",
            }
        }
    )

    start: Moment = Field(alias="from")
    end: Moment = Field(alias="to")
    project: Project | None = None


class ExportBody(Body):
    """What a bundle covers; `disclose` opens personal data that has not been erased."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"project": "spring-campaign", "disclose": False}}
    )

    project: Project | None = None
    disclose: bool = False


@router.get("/records")
@requires("record", "read", "generation")
async def list_records(call: Spent, generation: str = Query(max_length=64)) -> dict[str, Any]:
    """All records of one generation in order, as signed (DSSE envelopes)."""
    await call.story(generation)
    with call.context.database.read() as session:
        records = read_stream(session, generation)
    return {
        "object": "list",
        "data": [
            {
                "id": item.id,
                "event": item.event,
                "seq": item.seq,
                "occurred_at": item.occurred_at,
                "leaf": item.leaf,
                "envelope": item.line.decode(),
            }
            for item in records
        ],
    }


@router.get("/decisions")
@requires("record", "read", "generation")
async def list_decisions(call: Spent, generation: str = Query(max_length=64)) -> dict[str, Any]:
    """What policy decided on a generation, with the whole input, so that it can be replayed."""
    await call.story(generation)
    with call.context.database.read() as session:
        records = read_stream(session, generation)
    decided = [item for item in records if item.event == "policy.decided"]
    return {
        "object": "list",
        "data": [{"id": item.id, "occurred_at": item.occurred_at, **item.body} for item in decided],
    }


@router.get("/records/{record}", response_class=Response)
@requires("record", "read", "generation")
async def get_record(record: str, call: Spent) -> Response:
    """One record: the envelope exactly as it was signed and hashed."""
    with call.context.database.read() as session:
        row = await _record(session, call, record)
    return Response(row.line, media_type="application/vnd.dsse.envelope.v1+json")


@router.get("/records/{record}/proof")
@requires("record", "read", "generation")
async def get_proof(record: str, call: Spent) -> dict[str, Any]:
    """The proof that a record is in the log, with the checkpoint it leads to (RFC 6962)."""
    with call.context.database.read() as session:
        row = await _record(session, call, record)
        index, leaf = tree.position(session, row.id)
        published = latest(session)
        if published is None or published[0].size <= index:
            raise NotFound(
                "not_integrated", "The record is in no checkpoint yet; ask again in a few seconds."
            )
        head, note = published
        proof = tree.inclusion(session.connection(), index, head.size)
    return {
        "object": "inclusion_proof",
        "record": row.id,
        "index": index,
        "leaf": leaf.hex(),
        "path": [encode64(step) for step in proof],
        "checkpoint": note.decode(),
    }


@router.get("/checkpoint", response_class=PlainTextResponse)
@requires("checkpoint", "read")
async def get_checkpoint(call: Spent) -> PlainTextResponse:
    """The newest checkpoint, a signed note (https://c2sp.org/tlog-checkpoint)."""
    with call.context.database.read() as session:
        published = latest(session)
    if published is None:
        raise NotFound("no_checkpoint", "Nothing has been published yet; ask again in a second.")
    return PlainTextResponse(published[1].decode())


@router.get("/checkpoint/consistency")
@requires("checkpoint", "read")
async def get_consistency(call: Spent, old: int = Query(gt=0)) -> dict[str, Any]:
    """The proof that the log of today continues the log of `old` records."""
    with call.context.database.read() as session:
        published = latest(session)
        if published is None or old > published[0].size:
            raise InvalidRequest("size_unknown", "The log has never had that size.", param="old")
        head, note = published
        proof = tree.consistency(session.connection(), old, head.size)
    return {
        "object": "consistency_proof",
        "old": old,
        "new": head.size,
        "path": [encode64(step) for step in proof],
        "checkpoint": note.decode(),
    }


@router.get("/keys", response_class=PlainTextResponse)
@requires("checkpoint", "read")
async def get_keys(call: Spent) -> PlainTextResponse:
    """The key manifest, signed by the root key. Pin the root's fingerprint from elsewhere."""
    return PlainTextResponse(call.context.ledger.keyring.chain.decode())


@router.post("/exports", response_class=Response)
@requires("export", "create", "project")
async def create_export(body: ExportBody, call: Spent) -> Response:
    """An evidence bundle (zip) that verifies offline. `export.made` is recorded first."""
    await call.allow_in(body.project or "")
    if body.disclose:
        await call.asking("disclosure", "read").allow_in(body.project or "")
    issued = await run_in_threadpool(
        issue_export,
        call.context,
        call.principal.organisation,
        body.project,
        by=call.principal.id,
        disclose=body.disclose,
    )
    return _file(issued.data, "application/zip", f"{issued.id}.zip")


@router.post("/reports", response_class=Response)
@requires("report", "create", "project")
async def create_report(body: ScopeBody, call: Spent) -> Response:
    """A PDF report with its evidence inside. `report.issued` is recorded first."""
    await call.allow_in(body.project or "")
    scope = Scope(call.principal.organisation, body.project, body.start, body.end)
    issued = await run_in_threadpool(issue_report, call.context, scope, by=call.principal.id)
    return _file(issued.data, "application/pdf", f"{issued.id}.pdf")


async def _record(session: Session, call: Call, record: str) -> LogRecord:
    """A record of a generation that the caller may read. Raises NotFound, Denied."""
    missing = NotFound("record_not_found", "There is no such record of a generation.")
    row = session.exec(select(LogRecord).where(LogRecord.id == record)).one_or_none()
    if row is None:
        raise missing
    try:  # a record of the service itself belongs to no generation
        story = find(session, row.stream, call.principal.organisation)
    except NotFound:
        raise missing from None
    await call.allow_on(story)
    return row


def _file(data: bytes, media_type: str, name: str) -> Response:
    disposition = f'attachment; filename="{name}"'
    return Response(data, media_type=media_type, headers={"content-disposition": disposition})
