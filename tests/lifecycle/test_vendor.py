"""Vendors that fail, over real HTTP: at most one paid order each, and an honest record."""

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from freezegun import freeze_time
from pydantic import SecretStr

from governance.evidence.story import State
from governance.kernel import clock
from governance.lifecycle import engine
from governance.lifecycle.generating import MAX_ATTEMPTS
from governance.lifecycle.questions import private_of
from governance.routing.account import Account
from governance.routing.provider import Job, Order
from governance.routing.providers.openai_videos import OpenAIVideos
from governance.simulators.openai_videos import RETRY_AFTER
from tests.house import PICTURE, VENDOR_CLIP, House
from tests.lifecycle.states import Wrapped, providing, submitting, wrapping
from tests.platform import Service, counted

QUOTE = {"amount": "0.05", "currency": "USD"}


@dataclass
class Busy(Wrapped):
    """The vendor's first answers are 429; the order that it takes in the end is the caller's."""

    times: int = 1

    def submit(self, order: Order) -> tuple[Job, str]:
        if self.times:
            self.times -= 1
            order = replace(order, prompt="[[429]]")
        return self.inner.submit(order)


class Broken(Wrapped):
    """An adapter with a fault of its own, after the order went out."""

    def submit(self, order: Order) -> tuple[Job, str]:
        self.inner.submit(order)
        raise ZeroDivisionError


def test_a_busy_vendor_is_asked_again_later_with_both_attempts_on_record(
    house: House, service: Service
) -> None:
    busy = wrapping(service.context, Busy)
    generation = house.made(State.ROUTED, VENDOR_CLIP)
    asked_at = clock.now()
    assert service.step(generation, busy).state == State.ROUTED
    assert not engine.run_step(busy, generation)
    with freeze_time(asked_at + timedelta(seconds=RETRY_AFTER - 3), tick=True):
        assert not engine.run_step(busy, generation)
    with freeze_time(clock.now() + timedelta(seconds=RETRY_AFTER), tick=True):
        assert engine.run_step(busy, generation)
    story = service.run(generation)
    assert story.state == State.RELEASED
    assert story.attempts == 2
    events = service.events(generation)
    assert counted(events, "provider.intended") == 2
    assert events[4:7] == ["provider.failed", "provider.intended", "provider.submitted"]
    failed = service.records(generation)[4].body
    assert (failed["fault"], failed["final"], failed["attempt"]) == ("throttled", False, 1)
    assert house.vendor.posts(generation) == 2


def test_a_vendor_that_stays_busy_is_not_asked_for_ever(house: House) -> None:
    generation = house.made(State.FAILED, VENDOR_CLIP, "[[429]]")
    story = house.service.story(generation)
    assert story.attempts == MAX_ATTEMPTS == house.vendor.posts(generation)
    assert story.fault and (story.fault["fault"], story.fault["final"]) == ("throttled", True)
    assert story.held is None


@pytest.mark.parametrize(
    "prompt, fault",
    [
        ("[[moderate]]", "refused"),
        ("[[late-moderate]]", "refused"),
        ("[[quota]]", "exhausted"),
        ("[[no-model]]", "gone"),
        ("[[invalid]]", "invalid"),
        ("[[fail]]", "internal"),
        ("[[failed-http]]", "internal"),
        ("[[odd-status]]", "internal"),
        ("[[wrong-media]]", "internal"),
        ("[[redirect]]", "internal"),
        ("[[expired]]", "gone"),
    ],
)
def test_a_vendor_that_says_no_ends_the_generation_after_one_order(
    house: House, prompt: str, fault: str
) -> None:
    generation = house.made(State.FAILED, VENDOR_CLIP, prompt)
    story = house.service.story(generation)
    assert story.fault and (story.fault["fault"], story.fault["final"]) == (fault, True)
    assert story.held is None
    assert house.vendor.posts(generation) == 1
    assert house.service.files(generation) == set()


@pytest.mark.parametrize("prompt", ["[[500]]", "[[drop]]", "[[garbled]]", "[[hang]]"])
def test_an_order_without_an_answer_is_unknown_its_money_held_and_never_sent_again(
    house: House, service: Service, prompt: str
) -> None:
    hasty = OpenAIVideos(
        Account(SecretStr(house.vendor.key), base_url=house.vendor.url), timeout=0.3
    )
    context = providing(service.context, {hasty.name: hasty})
    generation = house.ask(VENDOR_CLIP, prompt)
    story = service.run(generation, State.UNKNOWN, context)
    assert story.held == QUOTE
    assert story.fault and story.fault["reason"] == "answer_lost"
    with freeze_time(clock.now() + timedelta(days=30), tick=True):
        assert not engine.run_step(context, generation)
    assert house.vendor.posts(generation) == 1


def test_an_adapter_that_breaks_after_the_order_is_not_asked_to_order_again(
    house: House, service: Service
) -> None:
    generation = house.ask(VENDOR_CLIP)
    story = service.run(generation, State.UNKNOWN, wrapping(service.context, Broken))
    assert story.fault and story.fault["reason"] == "adapter_failed"
    assert story.held == QUOTE
    assert house.vendor.posts(generation) == 1


def test_an_interrupted_order_at_a_vendor_without_keys_is_unknown(
    house: House, service: Service
) -> None:
    generation = submitting(house, VENDOR_CLIP)
    story = service.run(generation)
    assert story.state == State.UNKNOWN
    assert story.fault and story.fault["reason"] == "interrupted"
    assert story.held == QUOTE
    assert house.vendor.posts(generation) == 1


def test_an_interrupted_order_at_a_vendor_with_keys_is_found_again(
    house: House, service: Service
) -> None:
    generation = submitting(house, PICTURE)
    story = service.run(generation)
    assert story.state == State.RELEASED
    submitted = next(r for r in service.records(generation) if r.event == "provider.submitted")
    assert submitted.body["recovered"] is True
    assert counted(service.events(generation), "provider.intended") == 1


def test_an_interrupted_order_that_never_arrived_is_not_sent_by_the_recovery(
    house: House, service: Service
) -> None:
    generation = submitting(house, PICTURE)
    local = service.context.settings.data_dir / "local-jobs"
    (local / f"{generation}.json").unlink()
    story = service.run(generation)
    assert story.state == State.UNKNOWN
    assert not (local / f"{generation}.json").exists()


def test_a_vendor_that_is_down_is_asked_again_and_then_given_up(
    house: House, service: Service
) -> None:
    down = OpenAIVideos(Account(SecretStr("key"), base_url="http://127.0.0.1:1/v1"))
    context = providing(service.context, {down.name: down})
    generation = house.made(State.ROUTED, VENDOR_CLIP)
    story = service.run(generation, State.FAILED, context)
    assert story.fault and story.fault["fault"] == "unavailable"
    assert story.attempts == MAX_ATTEMPTS


@pytest.mark.parametrize("prompt", ["[[garbage]]", "[[cut]]"])
def test_a_job_whose_answers_are_unusable_is_asked_for_until_its_deadline(
    house: House, service: Service, prompt: str
) -> None:
    generation = house.made(State.GENERATING, VENDOR_CLIP, prompt)
    for _ in range(3):
        assert service.step(generation).state == State.GENERATING
    late = service.configured(generation_deadline=0.001)
    story = service.step(generation, late)
    assert story.state == State.UNKNOWN
    assert story.fault and story.fault["reason"] == "deadline_passed"
    assert story.held == QUOTE
    assert house.vendor.posts(generation) == 1
    assert service.files(generation) == set()


def test_a_file_beyond_the_limit_is_not_taken(house: House, service: Service) -> None:
    generation = house.made(State.GENERATING, VENDOR_CLIP, "[[huge]]")
    story = service.step(generation, service.configured(max_upload=100_000))
    assert story.state == State.FAILED
    assert service.files(generation) == set()
    staging = service.context.settings.data_dir / "media" / "staging"
    assert list(staging.iterdir()) == []


@pytest.mark.parametrize("at", [State.ROUTED, State.PERMITTED])
def test_a_prompt_erased_before_the_order_fails_cleanly(
    house: House, service: Service, at: State
) -> None:
    somebody = service.person("producer")
    generation = service.ask(VENDOR_CLIP, service.caller(somebody)).id
    service.run(generation, at)
    service.context.database.write(
        lambda c: service.context.ledger.erase(c, somebody.id, basis="consent", by=house.officer.id)
    )
    story = service.run(generation)
    assert story.state == State.FAILED
    assert story.fault and story.fault["fault"] == "invalid"
    assert house.vendor.posts(generation) == 0


def test_a_vendors_answer_is_kept_apart_from_the_record(house: House, service: Service) -> None:
    generation = house.made(State.FAILED, VENDOR_CLIP, "[[moderate]] the king of spades")
    kept = private_of(service.context, service.story(generation))
    assert "moderation_blocked" in kept["vendor_answer"]
    lines = b"".join(record.line for record in service.records(generation))
    assert b"moderation system" not in lines
    assert b"spades" not in lines
