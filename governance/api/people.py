"""`/v1/governance/people`: accounts of people."""

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import ConfigDict, Field

from governance.api.calls import Call, Spent
from governance.api.limits import LimitedRoute
from governance.api.permissions import requires
from governance.api.requests import Body, Line
from governance.identity import people
from governance.kernel import clock
from governance.lifecycle import accounts

router = APIRouter(
    prefix="/v1/governance/people", tags=["Administration"], route_class=LimitedRoute
)


class PersonBody(Body):
    model_config = ConfigDict(
        json_schema_extra={"example": {"username": "paula", "name": "Paula Winter"}}
    )

    username: Line
    name: Line


class ErasureBody(Body):
    """basis: the lawful basis of the erasure, a code."""

    model_config = ConfigDict(json_schema_extra={"example": {"basis": "consent_withdrawn"}})

    basis: str = Field(pattern="^[a-z][a-z0-9_]{0,63}$")


@router.post("", status_code=201)
@requires("person", "manage")
async def add_person(body: PersonBody, call: Spent) -> dict[str, Any]:
    """Make an account. The password in this answer only serves to choose another."""
    context = call.context
    made = await context.database.write_async(
        lambda c: people.add_person(
            c,
            context.ledger,
            organisation=call.principal.organisation,
            username=body.username,
            name=body.name,
            by=call.principal.id,
        )
    )
    return {"id": made.id, "object": "person", "one_time_password": made.password}


@router.get("")
@requires("person", "manage")
async def list_people(call: Spent, after: str = "") -> dict[str, Any]:
    """The organisation's people, 100 at a time; `after`: the last id of the page before."""
    with call.context.database.read() as session:
        found = people.list_people(session, call.principal.organisation, after=after)
    data = [
        {
            "id": person.id,
            "object": "person",
            "username": person.username,
            "name": person.name,
            "state": person.state,
            "created_at": clock.rfc3339(person.created_at),
        }
        for person in found
    ]
    return {"object": "list", "data": data}


@router.post("/{person}/erase")
@requires("person", "manage")
async def erase_person(person: str, body: ErasureBody, call: Spent) -> dict[str, Any]:
    """Erase a person's data from what was disclosed to records: prompts, names, comments.

    The records, their signatures and the log stay valid; `disclosure.erased` says what was erased.
    """
    _require_own(call, person)
    context = call.context
    erased = await context.database.write_async(
        lambda c: context.ledger.erase(c, person, basis=body.basis, by=call.principal.id)
    )
    return {"id": person, "object": "person", "values_erased": erased}


@router.post("/{person}/password")
@requires("person", "manage")
async def reset_password(person: str, call: Spent) -> dict[str, Any]:
    """Replace a forgotten password by one that only serves to choose another; sessions end."""
    _require_own(call, person)
    context = call.context
    password = await context.database.write_async(
        lambda c: people.reset_password(c, context.ledger, person, by=call.principal.id)
    )
    return {"id": person, "object": "person", "one_time_password": password}


@router.post("/{person}/{action}")
@requires("person", "manage")
async def change_person(
    person: str, action: Literal["suspend", "resume", "revoke"], call: Spent
) -> dict[str, Any]:
    """Suspend, resume or revoke; it holds for all they answer for, from the next request on."""
    _require_own(call, person)
    context = call.context
    change = {
        "suspend": accounts.suspend_person,
        "resume": people.resume_person,
        "revoke": accounts.revoke_person,
    }[action]
    await context.database.write_async(
        lambda c: change(c, context.ledger, person, by=call.principal.id)
    )
    return {"id": person, "object": "person"}


def _require_own(call: Call, person: str) -> None:
    """Raises NotFound (`person_not_found`)."""
    with call.context.database.read() as session:
        people.require_person_of(session, person, call.principal.organisation)
