"""A vendor that takes no order: another model is asked where the caller named none."""

from copy import copy
from dataclasses import dataclass, replace

import pytest

from governance.domain import Route
from governance.evidence.story import State, Story
from governance.lifecycle import choosing
from governance.lifecycle.context import Context
from governance.routing.provider import Fault, FaultKind, Job, Order
from tests.house import VENDOR_CLIP, House
from tests.lifecycle.states import Wrapped, provider_of, providing
from tests.platform import Service, counted

BEST, OTHER = "local/procedural-video", "self/wan2.2-a14b"
AUTO = replace(VENDOR_CLIP, model="auto", width=640, height=352)


@dataclass
class Refusing(Wrapped):
    """Takes no order, for one reason."""

    kind: FaultKind = "exhausted"

    def submit(self, order: Order) -> tuple[Job, str]:
        raise Fault(self.kind, "Not today.")


def refusing(context: Context, kind: FaultKind) -> Context:
    """The vendor of the model that is best takes no order; the vendor of the other is well."""
    inner = provider_of(context, "local")
    catalogue = copy(context.catalogue)
    catalogue.models = tuple(
        replace(model, tier="commodity") if model.id == BEST else model
        for model in context.catalogue.models
    )
    changed = providing(context, {"local": Refusing(inner, kind)})
    return replace(
        changed, catalogue=catalogue, router=replace(context.router, catalogue=catalogue)
    )


@pytest.mark.parametrize("kind", ["exhausted", "throttled", "unavailable"])
def test_another_model_makes_it_and_both_attempts_are_on_record(
    house: House, service: Service, kind: FaultKind
) -> None:
    generation = house.ask(AUTO)
    context = refusing(service.context, kind)
    story = service.run(generation, context=context)
    assert story.state == State.RELEASED
    assert story.route and story.route["model"] == OTHER
    assert story.tried == [{"model": BEST, "fault": kind}]
    events = service.events(generation)
    assert counted(events, "provider.intended") == counted(events, "route.chosen") == 2
    rejected = {c["model"]: c["rejected"] for c in story.route["candidates"]}
    assert rejected[BEST] == f"{kind} for this request"


@pytest.mark.parametrize("kind", ["refused", "invalid", "auth"])
def test_a_refusal_is_not_taken_from_door_to_door(
    house: House, service: Service, kind: FaultKind
) -> None:
    generation = house.ask(AUTO)
    story = service.run(generation, State.FAILED, refusing(service.context, kind))
    assert story.tried == []
    assert story.fault and (story.fault["fault"], story.fault["final"]) == (kind, True)


def test_a_model_that_was_named_is_not_replaced(house: House, service: Service) -> None:
    generation = house.ask(replace(AUTO, model=BEST))
    story = service.run(generation, State.FAILED, refusing(service.context, "exhausted"))
    assert story.route and story.route["model"] == BEST
    assert story.tried == []


def test_a_stand_in_takes_no_other_models_place(house: House, service: Service) -> None:
    generation = house.ask(AUTO)
    inner = provider_of(service.context, "openai-videos")
    context = providing(service.context, {"openai-videos": Refusing(inner, "exhausted")})
    assert service.run(generation, State.FAILED, context).tried == []


def test_no_model_is_taken_of_which_policy_would_ask_more(
    house: House, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def stricter(context: Context, story: Story, route: Route) -> bool:
        asked.append(route.model)
        return route.model == OTHER

    monkeypatch.setattr(choosing, "_asks_more", stricter)
    story = service.run(house.ask(AUTO), State.FAILED, refusing(service.context, "exhausted"))
    assert OTHER in asked
    assert story.fault and story.fault["fault"] == "exhausted"
