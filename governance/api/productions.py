"""`/v1/governance/productions`: what requests share; lineage, savings, and promoting a draft."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from governance.api.calls import Call, Spent, Unspent
from governance.api.limits import LimitedRoute
from governance.api.orders import Files
from governance.api.people import ErasureBody
from governance.api.permissions import requires
from governance.api.requests import Body
from governance.api.videos import answered, submit
from governance.domain import Quote
from governance.evidence.story import Story
from governance.kernel import clock
from governance.lifecycle import inputs, producing
from governance.lifecycle.context import Context
from governance.productions import productions
from governance.productions.lineage import lineage
from governance.productions.productions import Version
from governance.productions.savings import savings
from governance.productions.terms import (
    ANY,
    MAX_BRIEF,
    MAX_CLIENT,
    MAX_FILES,
    MAX_ITEMS,
    MAX_STYLE,
    Terms,
    Texts,
    Tier,
    as_body,
)

router = APIRouter(prefix="/v1/governance", tags=["Productions"], route_class=LimitedRoute)
Name = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9._-]{0,63}$")]
Result = TypeVar("Result")


class BudgetBody(Body):
    """amount: decimal number in quotes; currency: ISO 4217."""

    amount: Decimal = Field(gt=0, max_digits=18, decimal_places=6)
    currency: str = Field("USD", pattern="^[A-Z]{3}$")


class ProductionBody(Body):
    """name: unique in your organisation; project: the one of all its requests; models: catalogue
    ids or `vendor/*`; references: sha256 of files; consents: ids; last_day: included. client,
    brief and style are kept apart from the record and can be erased; the style goes to vendors of
    pictures behind every prompt, the brief never does."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "name": "spring-campaign",
                "project": "launch",
                "client": "Meadow Tea",
                "brief": "Thirty seconds of calm for people who come home late.",
                "style": "35 mm, muted greens, long shots",
                "territories": ["EU"],
                "first_day": "2026-11-23",
                "last_day": "2027-03-31",
                "models": ["luma/*", "google/*"],
                "tiers": ["commodity", "premium"],
                "sector": "advertising",
                "budget": {"amount": "500", "currency": "USD"},
            }
        }
    )

    name: Name
    project: Name
    client: str = Field("", max_length=MAX_CLIENT)
    brief: str = Field("", max_length=MAX_BRIEF)
    style: str = Field("", max_length=MAX_STYLE)
    territories: list[str] = Field(min_length=1, max_length=MAX_ITEMS)
    first_day: date
    last_day: date | None = None
    models: list[str] = Field([ANY], min_length=1, max_length=MAX_ITEMS)
    tiers: list[Tier] = Field(["commodity", "premium", "procedural"], min_length=1, max_length=3)
    sector: Name = "general"
    budget: BudgetBody | None = None
    references: list[str] = Field([], max_length=MAX_FILES)
    consents: list[str] = Field([], max_length=MAX_FILES)

    def terms(self) -> Terms:
        budget = self.budget
        return Terms(
            name=self.name,
            project=self.project,
            territories=tuple(self.territories),
            first_day=self.first_day,
            last_day=self.last_day,
            models=tuple(self.models),
            tiers=tuple(self.tiers),
            sector=self.sector,
            budget=Quote(budget.amount, budget.currency) if budget else None,
            references=tuple(self.references),
            consents=tuple(self.consents),
        )

    def texts(self) -> Texts:
        return Texts(self.client, self.brief, self.style)


class ChangeBody(ProductionBody):
    """All terms and texts, the unchanged ones too. replaces: the version that you have read."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "replaces": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                "name": "spring-campaign",
                "project": "launch",
                "territories": ["DE", "FR"],
                "first_day": "2026-11-23",
            }
        }
    )

    replaces: str = Field(pattern="^[0-9a-f]{64}$")


class PromotionBody(Body):
    """model: a catalogue id, or `final` for the best one that is allowed."""

    model_config = ConfigDict(json_schema_extra={"example": {"model": "final"}})

    model: str = Field("final", min_length=1, max_length=100)


@router.post("/productions", status_code=201)
@requires("production", "create", scope="project")
async def create(body: ProductionBody, call: Spent) -> dict[str, Any]:
    """Open a production; requests name it as `production` and inherit what it lays down."""
    await call.allow_in(body.project)
    made = await run_in_threadpool(
        producing.create,
        call.context,
        call.principal.organisation,
        body.terms(),
        body.texts(),
        call.principal.id,
    )
    return _shown(made)


@router.get("/productions")
@requires("production", "read", scope="project")
async def list_productions(call: Spent, after: str = "") -> dict[str, Any]:
    """Productions of the projects that you may see, 100 at a time, without client, brief and style;
    `after`: the last id of the page before."""
    projects = await call.projects()
    with call.context.database.read() as session:
        found = productions.list_productions(
            session, call.principal.organisation, projects=projects, after=after
        )
    return {"object": "list", "data": [_shown(one) for one in found]}


@router.get("/productions/{production}")
@requires("production", "read", scope="project")
async def read(production: str, call: Spent) -> dict[str, Any]:
    """One production as it is now, with what has not been erased, and its versions."""
    found = await _found(production, call)
    with call.context.database.read() as session:
        texts = productions.texts_of(session, call.context.ledger.vault, found)
        told = productions.versions(session.connection(), production)
    listed = [{"version": one.digest, "number": one.number, "action": one.action} for one in told]
    return {**_shown(found), **vars(texts), "versions": listed}


@router.put("/productions/{production}")
@requires("production", "change", scope="project")
async def change(production: str, body: ChangeBody, call: Spent) -> dict[str, Any]:
    """Lay down other terms for the requests from now on; those made before keep their version.
    Another budget than before takes somebody who may manage budgets."""
    found = await _found(production, call)
    if body.terms().budget != found.terms.budget:
        await _require_manager(call, found)
    made = await run_in_threadpool(
        lambda: producing.change(
            call.context,
            production,
            call.principal.organisation,
            body.terms(),
            body.texts(),
            replaces=body.replaces,
            by=call.principal.id,
        )
    )
    return _shown(made)


@router.post("/productions/{production}/close")
@requires("production", "change", scope="project")
async def close(production: str, call: Spent) -> dict[str, Any]:
    """Take no more requests; what is under way goes on."""
    await _found(production, call)
    context, principal = call.context, call.principal
    made = await context.database.write_async(
        lambda c: productions.close(
            c,
            context.ledger,
            production,
            organisation=principal.organisation,
            by=principal.id,
        )
    )
    return _shown(made)


@router.post("/productions/{production}/erase")
@requires("production", "erase", scope="project")
async def erase(production: str, body: ErasureBody, call: Spent) -> dict[str, Any]:
    """Erase client, briefs and styles, and close it. Records and log stay valid."""
    await _found(production, call)
    context, principal = call.context, call.principal
    erased = await context.database.write_async(
        lambda c: productions.erase(
            c,
            context.ledger,
            production,
            organisation=principal.organisation,
            basis=body.basis,
            by=principal.id,
        )
    )
    return {"id": production, "object": "production", "state": "erased", "values_erased": erased}


@router.get("/productions/{production}/lineage")
@requires("production", "read", scope="project")
async def read_lineage(production: str, call: Spent) -> dict[str, Any]:
    """Which generation was made from which: nodes and edges, with ancestors from elsewhere."""
    organisation = call.principal.organisation

    def told(stories: list[Story]) -> dict[str, Any]:
        with call.context.database.read() as session:
            family = producing.with_ancestors(session, stories, organisation)
        return lineage(family).as_dict()

    return {"object": "lineage", "production": production, **await _told(production, call, told)}


@router.get("/productions/{production}/savings")
@requires("production", "read", scope="project")
async def read_savings(production: str, call: Spent) -> dict[str, Any]:
    """What drafting on commodity models has saved against making everything on a premium one."""

    def told(stories: list[Story]) -> dict[str, Any]:
        return savings(stories).as_dict()

    return {"object": "savings", "production": production, **await _told(production, call, told)}


@router.post("/generations/{generation}/promote")
@requires("generation", "create", scope="project")
async def promote(
    generation: str, body: PromotionBody, request: Request, call: Unspent
) -> JSONResponse:
    """Make a released draft again as a final, on a better model: same prompt, same references."""
    draft = await call.story(generation)
    await call.asking("generation", "read").allow_on(draft)
    asked = await run_in_threadpool(producing.promoted, call.context, draft, body.model)
    files = await run_in_threadpool(_inputs, call.context, draft)
    story, receipt = await submit(request, call, asked, files)
    return answered(story, receipt)  # the words are the draft's author's


def _inputs(context: Context, draft: Story) -> Files:
    """The files that a draft was made from, to be kept with what is made from them again."""
    return tuple((one.role, one.path.read_bytes()) for one in inputs.of(context, draft))


async def _found(production: str, call: Call) -> Version:
    """A production of the caller's organisation, in whose project it may do this."""
    with call.context.database.read() as session:
        found = productions.current(session.connection(), production, call.principal.organisation)
    await call.allow_in(found.terms.project)
    return found


async def _require_manager(call: Call, found: Version) -> None:
    """Raises Denied (`access_denied`, `step_up_required`), as setting that budget itself does."""
    await call.asking("budget", "manage").allow_in(found.terms.project)
    call.require_fresh()


async def _told(production: str, call: Call, tell: Callable[[list[Story]], Result]) -> Result:
    await _found(production, call)

    def run() -> Result:
        with call.context.database.read() as session:
            stories = producing.stories(session, production)
        return tell(stories)

    return await run_in_threadpool(run)


def _shown(found: Version) -> dict[str, Any]:
    terms = as_body(found.terms)
    first_day, last_day = terms.pop("from"), terms.pop("until")
    return {
        "id": found.production,
        "object": "production",
        "state": found.state(clock.now().date()),
        "version": found.digest,
        "number": found.number,
        **terms,
        "first_day": first_day,
        "last_day": last_day,
    }
