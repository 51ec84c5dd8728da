"""How a generation comes into each state, by the road that leads there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from freezegun import freeze_time
from numpy.typing import NDArray

from governance.domain import Declaration, GenerationRequest
from governance.evidence.story import State
from governance.kernel import clock
from governance.lifecycle import commands, engine
from governance.lifecycle.context import Context
from governance.lifecycle.statements import Choice
from governance.routing.catalogue import Catalogue
from governance.routing.provider import Job, Order, Provider, Status
from governance.routing.registry import Providers
from tests.house import CLIP, DEAR_CLIP, DOUBTFUL, PICTURE, VENDOR_CLIP, House
from tests.marking import samples
from tests.platform import ORGANISATION

REJECT = Choice("reject", "person_without_consent")
EXPIRY = timedelta(days=8)


class Death(BaseException):
    """What kills a worker in the middle of a step."""


@dataclass
class Wrapped:
    """A provider whose calls go through; tests override one of them."""

    inner: Provider

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def recoverable(self) -> bool:
        return self.inner.recoverable

    def configured(self) -> bool:
        return self.inner.configured()

    def submit(self, order: Order) -> tuple[Job, str]:
        return self.inner.submit(order)

    def poll(self, job: Job) -> Status:
        return self.inner.poll(job)

    def fetch(self, job: Job, target: Path, limit: int) -> None:
        self.inner.fetch(job, target, limit)

    def cancel(self, job: Job) -> bool:
        return self.inner.cancel(job)

    def recover(self, key: str) -> Job | None:
        return self.inner.recover(key)


class DyingAfterPost(Wrapped):
    """The order goes out; its answer is never recorded."""

    def submit(self, order: Order) -> tuple[Job, str]:
        self.inner.submit(order)
        raise Death


def wrapping(context: Context, wrap: Callable[[Provider], Provider]) -> Context:
    """The context with every provider wrapped."""
    names = ("local", "openai-videos")
    return providing(context, {name: wrap(provider_of(context, name)) for name in names})


def provider_of(context: Context, name: str) -> Provider:
    provider = context.providers.get(ORGANISATION, name)
    assert provider is not None
    return provider


def providing(context: Context, instead: Mapping[str, Provider]) -> Context:
    """The context with other providers under these names."""
    makers = {name: lambda _, given=given: given for name, given in instead.items()}
    known = context.providers
    return replace(context, providers=Providers({**known.makers, **makers}, known.accounts))


def without(context: Context, model: str) -> Catalogue:
    """The catalogue once a model has left it."""
    known = context.catalogue
    left = tuple(one for one in known.models if one.id != model)
    groups = {name: known.countries([name]) for name in ("EU",)}
    return Catalogue(left, groups, known.horizon, known.learning)


def submitting(house: House, request: GenerationRequest = PICTURE) -> str:
    """A generation whose worker died after the order went out."""
    generation = house.made(State.ROUTED, request)
    house.service.hurry(generation)
    with pytest.raises(Death):
        engine.run_step(wrapping(house.service.context, DyingAfterPost), generation)
    return generation


def expired(house: House) -> str:
    generation = house.made(State.IN_REVIEW, DOUBTFUL)
    with freeze_time(clock.now() + EXPIRY, tick=True):
        engine.run_step(house.service.context, generation)
    return generation


def withheld(house: House) -> str:
    """An import that is black from beginning to end."""
    file = house.service.context.settings.data_dir / "black.mp4"
    samples.video(file, picture=_black)
    asked = replace(CLIP, model="", prompt="", width=320, height=180)
    caller = house.service.caller(house.producer, "asset", "import")
    generation = house.service.bring(file, asked, caller).id
    house.service.run(generation)
    return generation


def rejected(house: House) -> str:
    generation = house.made(State.IN_REVIEW, DOUBTFUL)
    house.service.decide(generation, house.reviewer, REJECT)
    return generation


def cancelled(house: House) -> str:
    generation = house.ask()
    commands.cancel(house.service.context, generation, house.producer)
    return generation


def recalled(house: House) -> str:
    generation = house.made(State.RELEASED)
    commands.recall(house.service.context, generation, house.officer, "consent_withdrawn")
    return generation


def _black(_: int) -> NDArray[np.uint8]:
    return np.zeros((180, 320, 3), np.uint8)


_ROADS: dict[State, Callable[[House], str]] = {
    State.AWAITING_APPROVAL: lambda house: house.ask(DEAR_CLIP),
    State.SUBMITTING: submitting,
    State.IN_REVIEW: lambda house: house.made(State.IN_REVIEW, DOUBTFUL),
    State.REJECTED: rejected,
    State.DENIED: lambda house: house.ask(replace(PICTURE, declaration=Declaration("no", "yes"))),
    State.FAILED: lambda house: house.made(State.FAILED, VENDOR_CLIP, "[[moderate]]"),
    State.CANCELLED: cancelled,
    State.EXPIRED: expired,
    State.WITHHELD: withheld,
    State.RECALLED: recalled,
    State.UNKNOWN: lambda house: house.made(State.UNKNOWN, VENDOR_CLIP, "[[500]]"),
}


def generation_in(house: House, state: State) -> str:
    """The id of a generation that stands in this state."""
    road = _ROADS.get(state)
    generation = road(house) if road else house.made(state)
    assert house.service.story(generation).state == state
    return generation
