"""`/v1/governance/consents`: the register of consents of the people shown."""

from datetime import date
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import ConfigDict, Field
from sqlalchemy import Connection

from governance.api.calls import Spent
from governance.api.limits import LimitedRoute
from governance.api.people import ErasureBody
from governance.api.permissions import requires
from governance.api.requests import Body, Line
from governance.kernel import clock
from governance.rights import consents
from governance.rights.consents import ANY, NewConsent, Scope
from governance.rights.tables import Consent

router = APIRouter(prefix="/v1/governance/consents", tags=["Rights"], route_class=LimitedRoute)


class ConsentBody(Body):
    """name: of the person shown; document: sha256 of the signed form, which stays with you;
    projects, territories: `*` alone is any; until: last day; subject: of a consent that the same
    person has given before."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "name": "Mara Lindqvist",
                "document": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                "covers": "likeness",
                "media": ["video", "image"],
                "projects": ["launch"],
                "territories": ["EU"],
                "until": "2027-06-30",
            }
        }
    )

    name: Line
    document: str = Field(pattern="^[0-9a-f]{64}$")
    covers: Literal["person", "likeness", "voice"]
    media: list[Literal["video", "image", "audio"]] = Field(min_length=1, max_length=3)
    projects: list[str] = Field(min_length=1, max_length=consents.MAX_ITEMS)
    territories: list[str] = Field(min_length=1, max_length=consents.MAX_ITEMS)
    until: date
    subject: str | None = Field(None, pattern="^sub_[0-9a-f]{32}$")


@router.post("", status_code=201)
@requires("consent", "create", scope="project")
async def register(body: ConsentBody, call: Spent) -> dict[str, Any]:
    """Register a signed consent; requests name it by its id."""
    for project in body.projects:
        await call.allow_in("" if project == ANY else project)
    context = call.context
    scope = Scope(
        body.covers,
        tuple(body.media),
        tuple(body.projects),
        tuple(body.territories),
        body.until,
    )

    def run(connection: Connection) -> NewConsent:
        return consents.register(
            connection,
            context.ledger,
            organisation=call.principal.organisation,
            scope=scope,
            name=body.name,
            document=body.document,
            subject=body.subject,
            by=call.principal.id,
        )

    made = await context.database.write_async(run)
    return {"id": made.id, "object": "consent", "subject": made.subject}


@router.get("")
@requires("consent", "read")
async def list_consents(call: Spent, after: str = "") -> dict[str, Any]:
    """The organisation's consents, 100 at a time, without names; `after`: the last id before."""
    with call.context.database.read() as session:
        found = consents.list_consents(session, call.principal.organisation, after=after)
    return {"object": "list", "data": [_shown(consent) for consent in found]}


@router.get("/{consent}")
@requires("consent", "read")
async def read(consent: str, call: Spent) -> dict[str, Any]:
    """One consent, with the name of the person unless it was erased."""
    with call.context.database.read() as session:
        found = consents.find(session, consent, call.principal.organisation)
        name = consents.name_of(session, call.context.ledger.vault, found)
    return {**_shown(found), "name": name}


@router.post("/{consent}/withdraw")
@requires("consent", "withdraw")
async def withdraw(consent: str, call: Spent) -> dict[str, Any]:
    """The person has withdrawn: nothing more is made, released or handed over on this consent."""
    context = call.context
    await context.database.write_async(
        lambda c: consents.withdraw(
            c,
            context.ledger,
            consent,
            organisation=call.principal.organisation,
            by=call.principal.id,
        )
    )
    return {"id": consent, "object": "consent", "state": "withdrawn"}


@router.post("/{consent}/erase")
@requires("consent", "erase")
async def erase(consent: str, body: ErasureBody, call: Spent) -> dict[str, Any]:
    """Erase the person's data; every consent of theirs ends. Records and log stay valid."""
    context = call.context
    erased = await context.database.write_async(
        lambda c: consents.erase(
            c,
            context.ledger,
            consent,
            organisation=call.principal.organisation,
            basis=body.basis,
            by=call.principal.id,
        )
    )
    return {"id": consent, "object": "consent", "state": "erased", "values_erased": erased}


def _shown(consent: Consent) -> dict[str, Any]:
    return {
        "id": consent.id,
        "object": "consent",
        "subject": consent.subject,
        "state": consents.standing_of(consent, clock.now().date()),
        "covers": consent.covers,
        "media": consent.media.split(),
        "projects": consent.projects.split(),
        "territories": consent.territories.split(),
        "until": consent.until.isoformat(),
        "document": consent.document,
    }
