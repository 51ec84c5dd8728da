"""The step from permission to a route, and to another one when a vendor takes no order.

The model that policy was asked about may be no longer the one that is chosen. Another is taken only
where policy, asked about it, would permit as much and demand no more than was decided.
"""

from collections.abc import Sequence
from decimal import Decimal

from governance.domain import Decision, Route
from governance.evidence.story import Story
from governance.kernel import clock
from governance.kernel.errors import InvalidRequest
from governance.lifecycle import producing, stops
from governance.lifecycle.context import Context
from governance.lifecycle.entries import about, no_route_body, route_body
from governance.lifecycle.outcome import Outcome
from governance.lifecycle.questions import model_facts, principal_of, request_of
from governance.lifecycle.standing import standing
from governance.policy import decide, decision_input
from governance.routing.provider import FaultKind
from governance.routing.router import RESTING, STOPPED, WORDS
from governance.screening.prompt import screen_prompt

# Nothing was spent, and the fault is the vendor's, not the order's. A refusal is none of these: a
# request that one vendor refuses is not taken from door to door.
FAILS_OVER: Sequence[FaultKind] = ("throttled", "exhausted", "unavailable")
PASSING = (STOPPED, RESTING)  # what stands against a candidate for a while only
ASKS_MORE = "policy asks more of this model than was decided"


def choose_route(context: Context, story: Story) -> Outcome:
    """`route.chosen`, with every candidate and why it was or was not taken.

    Where only a kill switch, or a vendor's bad spell, stands against a candidate that could serve,
    it waits for the end of that.
    """
    context.providers.refresh()
    try:
        route = _route(context, story, _barred(story))
        body = route_body(route) | producing.premium(context, story)
    except InvalidRequest as error:
        candidates = error.details.get("candidates", [])
        if any(candidate["rejected"] in PASSING for candidate in candidates):
            return Outcome(delay=stops.WAIT)
        body = no_route_body(candidates)
    return Outcome((about(story, "route.chosen", body),))


def fails_over(context: Context, story: Story, fault: FaultKind) -> bool:
    """Whether another model is to be asked after this fault: only where the caller named none."""
    if fault not in FAILS_OVER or story.request["model"] not in WORDS:
        return False
    try:
        _route(context, story, {**_barred(story), (story.route or {})["model"]: fault})
    except InvalidRequest:
        return False
    return True


def _barred(story: Story) -> dict[str, str]:
    return {tried["model"]: f"{tried['fault']} for this request" for tried in story.tried}


def _route(context: Context, story: Story, barred: dict[str, str]) -> Route:
    """Raises InvalidRequest as the router does."""
    request = request_of(story)
    while True:
        route = context.router.route(
            request,
            max_amount=_decided_amount(story),
            audio=request.audio,
            stopped=context.switches.current().thrown,
            permitted=story.request["principal"].get("grant", {}).get("models"),
            allowed=producing.allowed(context, story),
            barred=barred,
        )
        if not _asks_more(context, story, route):
            return route
        barred = {**barred, route.model: ASKS_MORE}


def _decided_amount(story: Story) -> Decimal | None:
    """What policy, and perhaps a person, agreed to: the order may not become dearer since."""
    quote = story.decisions[0]["quote"]
    return Decimal(quote["amount"]) if quote else None


def _asks_more(context: Context, story: Story, route: Route) -> bool:
    """Whether policy would be stricter about this model than about the one that was decided on."""
    decided = story.decisions[0]
    if route.model == decided["model"]:
        return False
    asked = _decide(context, story, route)
    if asked.effect != "permit" and asked.effect != decided["effect"]:
        return True
    due = {(duty.kind, str(duty.parameters)) for duty in asked.duties if duty.mode == "enforce"}
    met = {(kind, str(parameters)) for kind, parameters in story.enforced.items()}
    return not due <= met


def _decide(context: Context, story: Story, route: Route) -> Decision:
    request, day = request_of(story), clock.now().date()
    stands = standing(context, request, day)
    return decide(
        context.policies.policy,
        decision_input(
            request,
            principal_of(story),
            stage="request",
            date=day,
            action="generation.create",
            model=model_facts(context.catalogue.get(route.model)),
            quote=route.quote,
            prompt_findings=screen_prompt(
                producing.sent_prompt(context, story), context.prompt_rules
            ),
            consent=stands.consent,
            waivers=stands.waivers,
        ),
    )
