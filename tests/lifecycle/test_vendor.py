"""Vendors that fail, over real HTTP: at most one paid order each, and an honest record."""

from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

import pytest
from freezegun import freeze_time
from pydantic import SecretStr

from governance.evidence.story import State
from governance.kernel import clock
from governance.lifecycle import engine
from governance.lifecycle.context import Context
from governance.lifecycle.generating import MAX_ATTEMPTS
from governance.lifecycle.questions import private_of
from governance.routing.account import Account
from governance.routing.provider import Job, Order, Status
from governance.routing.providers.openai_videos import OpenAIVideos
from governance.routing.registry import Providers
from governance.simulators.openai_videos import RETRY_AFTER
from tests.house import PICTURE, VENDOR_CLIP, House
from tests.lifecycle.states import Wrapped, providing, submitting, without, wrapping
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


@dataclass
class Priced(Wrapped):
    """A vendor that tells what a job has cost."""

    def poll(self, job: Job) -> Status:
        return replace(self.inner.poll(job), cost=Decimal("0.07"))


def without_adapter(context: Context) -> Context:
    known = context.providers
    makers = {name: make for name, make in known.makers.items() if name != "openai-videos"}
    return replace(context, providers=Providers(makers, known.accounts))


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


@pytest.mark.parametrize("prompt", ["[[wrong-media]]", "[[redirect]]", "[[expired]]"])
def test_what_the_vendor_has_made_is_paid_for_even_if_it_cannot_be_fetched(
    house: House, prompt: str
) -> None:
    story = house.service.story(house.made(State.FAILED, VENDOR_CLIP, prompt))
    assert (story.cost, story.held) == (QUOTE, None)


def test_a_vendor_that_names_its_price_is_believed_also_where_its_file_is_none(
    house: House, service: Service
) -> None:
    generation = house.ask(VENDOR_CLIP, "[[wrong-media]]")
    story = service.run(generation, State.FAILED, wrapping(service.context, Priced))
    assert story.cost == {"amount": "0.07", "currency": "USD"}


def test_what_the_vendor_says_has_failed_costs_nothing(house: House) -> None:
    story = house.service.story(house.made(State.FAILED, VENDOR_CLIP, "[[fail]]"))
    assert (story.cost, story.held) == (None, None)


def test_a_job_in_a_state_that_nobody_knows_is_unknown_and_its_money_held(house: House) -> None:
    story = house.service.story(house.made(State.UNKNOWN, VENDOR_CLIP, "[[odd-status]]"))
    assert story.fault and story.fault["reason"] == "state_unknown"
    assert story.held == QUOTE


def test_a_job_that_the_vendor_does_not_know_any_more_is_unknown_and_its_money_held(
    house: House, service: Service
) -> None:
    generation = house.made(State.GENERATING, VENDOR_CLIP)
    del house.vendor.state.videos[(service.story(generation).job or {})["id"]]
    story = service.run(generation, State.UNKNOWN)
    assert story.fault and story.fault["reason"] == "job_gone"
    assert story.held == QUOTE


class TestTheHealthOfAModel:
    @pytest.fixture
    def noted(self, service: Service, monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
        """What the breaker is told, None for well."""
        told: list[str | None] = []
        monkeypatch.setattr(
            service.context.health, "note", lambda organisation, model, fault: told.append(fault)
        )
        return told

    def test_a_job_counts_as_good_once_its_file_is_here(
        self, house: House, noted: list[str | None]
    ) -> None:
        house.made(State.FETCHED, VENDOR_CLIP)
        assert noted == [None]

    @pytest.mark.parametrize(
        ("prompt", "fault"), [("[[wrong-media]]", "internal"), ("[[expired]]", "gone")]
    )
    def test_a_file_that_cannot_be_fetched_counts_as_a_fault(
        self, house: House, noted: list[str | None], prompt: str, fault: str
    ) -> None:
        house.made(State.FAILED, VENDOR_CLIP, prompt)
        assert noted == [fault]

    def test_a_download_that_has_to_be_repeated_counts_as_nothing(
        self, house: House, service: Service, noted: list[str | None]
    ) -> None:
        generation = house.made(State.GENERATING, VENDOR_CLIP, "[[cut]]")
        for _ in range(3):
            assert service.step(generation).state == State.GENERATING
        assert noted == []


@pytest.mark.parametrize("missing", ["adapter", "model"])
def test_nothing_is_intended_without_an_adapter_and_a_model(
    house: House, service: Service, missing: str
) -> None:
    generation = house.made(State.ROUTED, VENDOR_CLIP)
    context = without_adapter(service.context)
    if missing == "model":
        context = replace(service.context, catalogue=without(service.context, VENDOR_CLIP.model))
    story = service.run(generation, State.FAILED, context)
    assert story.ending and story.ending["code"] == "internal_error"
    assert (story.attempts, story.held) == (0, None)
    assert house.vendor.posts(generation) == 0


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
