"""Requests and their production: what they have from it, what is sent, what is compared with it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, select
from sqlmodel import Session, col

from governance.domain import GenerationRequest, Purpose
from governance.evidence.story import State, Story
from governance.kernel import clock
from governance.kernel.errors import Conflict, InvalidRequest, NotFound
from governance.lifecycle.context import Context
from governance.lifecycle.entries import money
from governance.lifecycle.inputs import takes_source
from governance.lifecycle.questions import prompt_of, request_of
from governance.lifecycle.store import load, peek
from governance.lifecycle.tables import Generation
from governance.lifecycle.views import find
from governance.productions import inherit, productions
from governance.productions.inherit import UNSAID_PROJECT
from governance.productions.lineage import edges_of, production_of
from governance.productions.productions import Version
from governance.productions.terms import Terms, Texts
from governance.rights import consents
from governance.spending import budgets

Body = dict[str, Any]
MAX_ANCESTORS = 1000


@dataclass(frozen=True)
class Membership:
    """A request with what it has from its production.

    body: what its record says of it; allowed: catalogue ids, None where any is; sent: what the
    vendor will be told, which is what has to be screened.
    """

    request: GenerationRequest
    body: Body
    allowed: frozenset[str] | None
    sent: str


def membership(context: Context, request: GenerationRequest) -> Membership:
    """The request with the present terms of its production, or of its parent's. Reads only.

    Raises NotFound (`production_not_found`), InvalidRequest (`parent_unknown`,
    `production_exceeded`), Conflict (`production_closed`).
    """
    if request.production is None and request.parent is None:
        return Membership(request, {}, None, request.prompt)
    with context.database.read() as session:
        asked = _with_parent(session, request)
        if asked.production is None:
            return Membership(asked, {}, None, asked.prompt)
        found = productions.current(session.connection(), asked.production, asked.organisation)
        style = productions.texts_of(session, context.ledger.vault, found).style
    places = context.policies.policy.territories
    inherited = inherit.inherit(asked, found, clock.now().date(), places.within)
    allowed = _allowed(context, found.terms)
    _require_model(context, inherited, found, allowed)
    return Membership(
        inherited,
        {"production": {"id": found.production, "version": found.digest}},
        allowed,
        inherit.sent(asked.prompt, asked.media, style),
    )


def allowed(context: Context, story: Story) -> frozenset[str] | None:
    """The models on which a generation may be made, as its production was when it was asked for."""
    found = _version_of(context, story)
    return _allowed(context, found.terms) if found else None


def sent_prompt(context: Context, story: Story) -> str:
    """What the vendor is told. Raises Conflict (`prompt_erased`), also once the style is erased."""
    prompt = prompt_of(context, story)
    found = _version_of(context, story)
    if found is None:
        return prompt
    with context.database.read() as session:
        newest = productions.current(session.connection(), found.production, found.organisation)
        style = productions.texts_of(session, context.ledger.vault, found).style
    if newest.action == "erased":
        raise Conflict("prompt_erased", "What the production lays down for its prompt was erased.")
    return inherit.sent(prompt, story.request["media"], style)


def premium(context: Context, story: Story) -> Body:
    """For `route.chosen`: what each premium model would have cost, where there is a production."""
    models = allowed(context, story)
    if models is None:
        return {}
    request, today = request_of(story), clock.now().date()
    quotes = [
        {"model": model.id, "quote": money(quote)}
        for model in context.catalogue.models
        if model.tier == "premium"
        and model.id in models
        and model.media == request.media
        and model.provider is not None
        and not model.retired(today)
        and (quote := model.quote(request.seconds, request.width, request.height, request.audio))
        is not None
    ]
    return {"premium": quotes}


def promoted(context: Context, draft: Story, model: str) -> GenerationRequest:
    """The request that makes a draft again as a final: same prompt, same references.

    model: a catalogue id, or `final` for the best that is allowed. A seed is not carried over: it
    means nothing to another model. Its input files have to be brought along again.
    Raises Conflict (`not_promotable`, `prompt_erased`).
    """
    _require_promotable(draft)
    purpose: Purpose = "final"
    return replace(
        request_of(draft, prompt_of(context, draft)),
        model=model,
        purpose=purpose,
        parent=draft.id,
        task="generate",
        inputs=(),
    )


def author(context: Context, request: GenerationRequest) -> str:
    """Whose words a request repeats: of a promotion, the draft's. Empty for the caller's own."""
    found, parent, task = "", request.parent, request.task
    with context.database.read() as session:
        while parent is not None and task == "generate":
            body = peek(session, parent).request
            found = body["principal"]["accountable"]
            parent, task = body.get("parent"), body.get("task", "generate")
    return found


def stories(session: Session, production: str) -> list[Story]:
    """Everything that was asked for in a production, the oldest first."""
    rows = session.connection().execute(
        select(col(Generation.story))
        .where(col(Generation.production) == production)
        .order_by(col(Generation.id))
    )
    return [load(row.story) for row in rows]


def with_ancestors(session: Session, told: Iterable[Story], organisation: str) -> list[Story]:
    """The stories, and those of their organisation that they were made from, at most
    MAX_ANCESTORS of them."""
    found = {story.id: story for story in told}
    waiting, room = list(found.values()), MAX_ANCESTORS
    while waiting and room:
        missing = {edge.parent for story in waiting for edge in edges_of(story)} - found.keys()
        rows = session.connection().execute(
            select(col(Generation.story)).where(
                col(Generation.id).in_(sorted(missing)[:room]),
                col(Generation.organisation) == organisation,
            )
        )
        waiting = [load(row.story) for row in rows]
        found.update((story.id, story) for story in waiting)
        room -= len(waiting)
    return list(found.values())


def create(context: Context, organisation: str, terms: Terms, texts: Texts, by: str) -> Version:
    """Open a production, with its budget. Raises as `productions.create` does, and InvalidRequest
    (`model_unknown`, `sector_unknown`, `territory_unknown`), NotFound (`consent_unknown`)."""
    _require_known(context, organisation, terms)

    def run(connection: Connection) -> Version:
        made = productions.create(
            connection, context.ledger, organisation=organisation, terms=terms, texts=texts, by=by
        )
        _set_budget(connection, context, made, by)
        return made

    return context.database.write(run)


def change(
    context: Context,
    production: str,
    organisation: str,
    terms: Terms,
    texts: Texts,
    *,
    replaces: str,
    by: str,
) -> Version:
    """Lay down other terms, and their budget where that is another one than before: a limit that
    people have set since stays otherwise. Raises as `productions.change` and `create` do."""
    _require_known(context, organisation, terms)

    def run(connection: Connection) -> Version:
        made = productions.change(
            connection,
            context.ledger,
            production,
            organisation=organisation,
            terms=terms,
            texts=texts,
            replaces=replaces,
            by=by,
        )
        if terms.budget != productions.version(connection, replaces).terms.budget:
            _replace_budget(connection, context, made, by)
        return made

    return context.database.write(run)


def _require_promotable(draft: Story) -> None:
    if draft.is_import or draft.state != State.RELEASED:
        state = "a file from outside" if draft.is_import else draft.state
        raise Conflict(
            "not_promotable",
            f"{draft.id} is {state}; only what the service made and released is promoted.",
        )
    task = draft.request.get("task", "generate")
    if takes_source(task):
        raise Conflict(
            "not_promotable",
            f"{draft.id} changes another file ({task}): promote that one, then {task} it.",
        )


def _with_parent(session: Session, request: GenerationRequest) -> GenerationRequest:
    """A request belongs to its parent's production unless it names one."""
    if request.parent is None:
        return request
    try:
        parent = find(session, request.parent, request.organisation)
    except NotFound:
        raise InvalidRequest(
            "parent_unknown", f"There is no generation {request.parent[:64]}.", param="parent"
        ) from None
    if request.production is None and production_of(parent):
        request = replace(request, production=production_of(parent))
    if request.project == UNSAID_PROJECT:
        request = replace(request, project=parent.request["project"])
    return request


def _version_of(context: Context, story: Story) -> Version | None:
    belongs = story.request.get("production")
    if belongs is None:
        return None
    with context.database.read() as session:
        return productions.version(session.connection(), belongs["version"])


def _allowed(context: Context, terms: Terms) -> frozenset[str]:
    models = context.catalogue.models
    return frozenset(model.id for model in models if inherit.allows(terms, model.id, model.tier))


def _require_model(
    context: Context, request: GenerationRequest, found: Version, allowed: frozenset[str]
) -> None:
    """A model that is named; whether it exists is the router's to say."""
    named = next(
        (m.id for m in context.catalogue.models if request.model in (m.id, *m.aliases)), None
    )
    if named is not None and named not in allowed:
        terms = found.terms
        limit = f"{', '.join(terms.models)} of the tiers {', '.join(terms.tiers)}"
        raise inherit.exceeded(found.production, "model", named, limit)


def _require_known(context: Context, organisation: str, terms: Terms) -> None:
    """What a typing error would leave without effect, or make every request fail."""
    policy = context.policies.policy
    unknown = policy.territories.unknown(terms.territories)
    if unknown:
        raise InvalidRequest(
            "territory_unknown", f"No territory is called {unknown[0][:16]}.", param="territories"
        )
    if any(
        list(error.instance_path) == ["sector"]
        for error in policy.accepts.iter_errors({"sector": terms.sector})
    ):
        raise InvalidRequest(
            "sector_unknown", f"Policy knows no sector {terms.sector}.", param="sector"
        )
    models = {model.id for model in context.catalogue.models}
    for name in terms.models:
        if not name.endswith("*") and name not in models:
            raise InvalidRequest(
                "model_unknown",
                f"The catalogue has no model {name[:100]}; name its id, or `vendor/*`.",
                param="models",
            )
    with context.database.read() as session:
        for consent in terms.consents:
            consents.find(session, consent, organisation)


def _set_budget(connection: Connection, context: Context, made: Version, by: str) -> None:
    budget = made.terms.budget
    if budget is not None:
        budgets.set_budget(
            connection,
            context.ledger,
            organisation=made.organisation,
            scope=_scope(made.production),
            period="total",
            amount=budget.amount,
            currency=budget.currency,
            by=by,
        )


def _replace_budget(connection: Connection, context: Context, made: Version, by: str) -> None:
    if made.terms.budget is not None:
        _set_budget(connection, context, made, by)
        return
    organisation, scope = made.organisation, _scope(made.production)
    limit = budgets.limit_of(connection, organisation, scope, "total")
    if limit is not None:
        budgets.remove_budget(connection, context.ledger, limit, organisation=organisation, by=by)


def _scope(production: str) -> str:
    return f"production/{production}"
