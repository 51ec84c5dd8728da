"""Requests: decided before anything is written, written with their record or not at all."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import Connection, func, select
from sqlmodel import SQLModel, col

from governance.domain import GenerationRequest
from governance.evidence.story import State, Story
from governance.identity.request_signature import SignedRequest
from governance.kernel import clock, ids
from governance.kernel.database import Database
from governance.kernel.errors import IntegrityError, InvalidRequest, Unauthenticated
from governance.ledger import Ledger
from governance.lifecycle import submitting, views
from governance.lifecycle.questions import private_of
from governance.lifecycle.submitting import Submission
from governance.lifecycle.tables import Generation
from tests.house import CLIP, DEAR_CLIP, PICTURE, House
from tests.platform import Service


def test_a_repeated_request_gets_the_first_answer_and_writes_nothing(
    house: House, service: Service
) -> None:
    first = service.ask(PICTURE, house.caller(idempotency_key=(key := ids.new_id("key"))))
    before = census(service)
    again = service.ask(PICTURE, house.caller(idempotency_key=key))
    assert again.id == first.id
    assert census(service) == before


def test_a_repeated_request_is_answered_with_where_it_stands_by_now(
    house: House, service: Service
) -> None:
    first = service.ask(PICTURE, house.caller(idempotency_key=(key := ids.new_id("key"))))
    service.run(first.id)
    assert service.ask(PICTURE, house.caller(idempotency_key=key)).state == State.RELEASED


@pytest.mark.parametrize(
    "other",
    [
        replace(PICTURE, prompt="another sea"),
        replace(PICTURE, territories=("US",)),
        replace(PICTURE, width=256),
        replace(PICTURE, metadata=(("note", "1"),)),
        CLIP,
    ],
    ids=["prompt", "territories", "size", "metadata", "media"],
)
def test_a_key_that_came_with_another_request_is_refused(
    house: House, service: Service, other: GenerationRequest
) -> None:
    service.ask(PICTURE, house.caller(idempotency_key=(key := ids.new_id("key"))))
    before = census(service)
    with pytest.raises(InvalidRequest) as refusal:
        service.ask(other, house.caller(idempotency_key=key))
    assert refusal.value.code == "idempotency_key_reused"
    assert census(service) == before


def test_two_callers_may_use_the_same_key(house: House, service: Service) -> None:
    key = ids.new_id("key")
    other = service.caller(service.person("producer"), idempotency_key=key)
    first = service.ask(PICTURE, house.caller(idempotency_key=key))
    assert service.ask(PICTURE, other).id != first.id


def test_a_key_has_a_greatest_length(house: House, service: Service) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        service.ask(PICTURE, house.caller(idempotency_key="k" * 256))
    assert refusal.value.code == "idempotency_key_invalid"


@pytest.fixture
def other(service: Service) -> Iterator[Database]:
    """A second process's door to the same database."""
    database = Database(service.context.database.url)
    yield database
    database.close()


def test_two_processes_with_the_same_key_at_once_make_one_generation(
    house: House, service: Service, other: Database
) -> None:
    key = ids.new_id("key")
    first, second = (
        submitting.prepare(service.context, PICTURE, house.caller(idempotency_key=key))
        for _ in range(2)
    )
    written = threading.Event()

    def slowly(connection: Connection) -> Story:
        story = submitting.commit(connection, service.context, first)
        written.set()
        time.sleep(0.2)
        return story

    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(service.context.database.write, slowly)
        assert written.wait(10)
        quick = pool.submit(other.write, lambda c: submitting.commit(c, service.context, second))
        assert quick.result(10).id == slow.result(10).id == first.generation
    service.made.add(first.generation)


def test_a_signature_serves_for_one_request(house: House, service: Service) -> None:
    signed = signature()
    service.ask(PICTURE, house.caller(signed=signed))
    before = census(service)
    with pytest.raises(Unauthenticated) as refusal:
        service.ask(PICTURE, house.caller(signed=signed))
    assert refusal.value.code == "signature_replayed"
    assert census(service) == before


def test_a_repeated_request_with_a_replayed_signature_is_refused_all_the_same(
    house: House, service: Service
) -> None:
    caller = house.caller(signed=signature(), idempotency_key=ids.new_id("key"))
    service.ask(PICTURE, caller)
    with pytest.raises(Unauthenticated):
        service.ask(PICTURE, caller)


def test_an_honest_retry_signs_again_and_gets_the_first_answer(
    house: House, service: Service
) -> None:
    key = ids.new_id("key")
    first = service.ask(PICTURE, house.caller(signed=signature(), idempotency_key=key))
    again = service.ask(PICTURE, house.caller(signed=signature(), idempotency_key=key))
    assert again.id == first.id


def test_the_callers_own_signature_is_kept_with_the_first_record(
    house: House, service: Service
) -> None:
    signed = signature()
    story = service.ask(PICTURE, house.caller(signed=signed))
    assert story.request["signature"] == {"profile": "gov-agent-v1", "keyid": signed.keyid}
    kept = private_of(service.context, story)["request_signature"]
    assert kept == {"base": signed.base, "signature": signed.signature.hex()}


@pytest.mark.parametrize("request_", [PICTURE, DEAR_CLIP], ids=["permitted", "awaiting approval"])
def test_where_the_record_cannot_be_written_nothing_has_changed(
    house: House,
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    request_: GenerationRequest,
) -> None:
    caller = house.caller(signed=signature(), idempotency_key=ids.new_id("key"))
    before = census(service)
    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "append_all", refuse)
        with pytest.raises(IntegrityError):
            service.ask(request_, caller)
    assert census(service) == before
    assert service.ask(request_, caller).id


def test_where_something_after_the_record_fails_the_record_is_not_written_either(
    house: House, service: Service
) -> None:
    submission = submitting.prepare(service.context, PICTURE, house.caller())
    before = census(service)

    def break_off(connection: Connection) -> None:
        submitting.commit(connection, service.context, submission)
        raise IntegrityError("torn", "The transaction breaks after all was written.")

    with pytest.raises(IntegrityError):
        service.context.database.write(break_off)
    assert census(service) == before


def test_a_request_that_fails_in_a_group_commit_leaves_the_others_alone(
    house: House, service: Service
) -> None:
    wrong = replace(submitting.prepare(service.context, PICTURE, house.caller()), before=_refuse)
    good = [submitting.prepare(service.context, PICTURE, house.caller()) for _ in range(3)]

    def commit(submission: Submission) -> Story:
        return service.commit(submission)

    gate = threading.Event()
    with ThreadPoolExecutor(5) as pool:
        pool.submit(service.context.database.write, lambda _: gate.wait(5))
        time.sleep(0.05)  # so that the four queue up and share a transaction
        answers = [pool.submit(commit, submission) for submission in (*good[:2], wrong, good[2])]
        time.sleep(0.05)
        gate.set()
        assert isinstance(answers[2].exception(), IntegrityError)
        assert [answers[n].result().state for n in (0, 1, 3)] == ["permitted"] * 3
    with service.context.database.read() as session:
        found = set(session.scalars(select(col(Generation.id))))
    assert {submission.generation for submission in good} <= found
    assert wrong.generation not in found


def test_asking_what_would_happen_writes_nothing(house: House, service: Service) -> None:
    before = census(service)
    assessment = submitting.assess(service.context, DEAR_CLIP, house.producer)
    assert "approval.before_spend" in {duty.kind for duty in assessment.decision.duties}
    assert assessment.quote and str(assessment.quote.amount) == "25"
    assert census(service) == before


@pytest.mark.parametrize(
    "request_, code",
    [
        (replace(PICTURE, territories=()), "territory_missing"),
        (replace(PICTURE, model="nobody/nothing"), "model_unknown"),
        (replace(PICTURE, width=10_000), "no_route"),
        (replace(PICTURE, sector="astrology"), "decision_input_invalid"),
    ],
    ids=["no territory", "no such model", "no such size", "no such sector"],
)
def test_a_request_that_cannot_be_decided_leaves_no_trace(
    house: House, service: Service, request_: GenerationRequest, code: str
) -> None:
    before = census(service)
    with pytest.raises(InvalidRequest) as refusal:
        service.ask(request_, house.caller())
    assert refusal.value.code == code
    assert census(service) == before


def test_the_prompt_is_in_no_record_and_readable_until_it_is_erased(
    house: House, service: Service
) -> None:
    story = service.ask(replace(PICTURE, prompt="a heron over reeds"), house.caller())
    assert private_of(service.context, story)["prompt"] == "a heron over reeds"
    assert all(b"heron" not in record.line for record in service.records(story.id))


def test_a_page_lists_what_the_caller_asked_for_and_not_what_was_deleted(
    house: House, service: Service
) -> None:
    caller = service.caller(service.person("producer"))
    asked = [service.ask(PICTURE, caller).id for _ in range(3)]
    with service.context.database.read() as session:
        first = views.page(session, caller.principal.id, projects=None, after=None, limit=2)
        rest = views.page(
            session, caller.principal.id, projects=None, after=first.stories[-1].id, limit=2
        )
    assert [story.id for story in (*first.stories, *rest.stories)] == asked[::-1]
    assert (first.has_more, rest.has_more) == (True, False)


def census(service: Service) -> dict[str, int]:
    """How many rows each table has."""
    with service.context.database.read() as session:
        return {
            name: session.connection().execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in SQLModel.metadata.tables.items()
        }


def signature() -> SignedRequest:
    """A verified signature with a nonce of its own."""
    now = int(clock.now().timestamp())
    return SignedRequest(
        keyid="k" * 43,
        nonce=ids.secret_text(16),
        created=now,
        expires=now + 30,
        base='"@method": POST',
        signature=bytes(64),
    )


def refuse(*_: object) -> None:
    """In place of `Ledger.append_all`."""
    raise IntegrityError("record_refused", "The disk says no.")


def _refuse(_: Connection) -> None:
    raise IntegrityError("refused", "Not this one.")
