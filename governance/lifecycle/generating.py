"""The steps from a chosen route to bytes on our disk: submit, recover, poll."""

from dataclasses import replace
from decimal import Decimal
from typing import Literal

from governance.domain import MODEL_TASKS, Quote
from governance.evidence.story import Story
from governance.kernel import clock
from governance.kernel.errors import GovernanceError, InvalidRequest, TooLarge
from governance.ledger import Entry
from governance.lifecycle import choosing, inputs, producing
from governance.lifecycle.context import Context
from governance.lifecycle.entries import Body, about, cost_body, media_body, money
from governance.lifecycle.outcome import Outcome
from governance.lifecycle.questions import request_of, vendor_model
from governance.marking.bodies import mark_json
from governance.marking.probe import inspect
from governance.marking.read import vendor_marks
from governance.routing.provider import Fault, FaultKind, Job, Order, Provider, Status

MAX_ATTEMPTS = 5
MAX_THROTTLE_WAIT = 300.0
RECOVERY_WAIT = 2.0  # until a vendor that lost an answer can be asked by our key


def intend(context: Context, story: Story) -> Outcome:
    """`provider.intended`, committed before any money is spent; so whatever could keep the order
    from being placed is asked first. Raises LookupError."""
    route = story.route or {}
    _provider(context, story)
    if context.catalogue.find(route["model"]) is None:
        raise LookupError("the model has left the catalogue")
    body = {
        "attempt": story.attempts + 1,
        "provider": route["provider"],
        "model": route["model"],
        "key": story.id,
        "quote": route["quote"],
    }
    return Outcome((about(story, "provider.intended", body),))


def submit(context: Context, story: Story) -> Outcome:
    """The one paid POST of an attempt, then its answer. Whatever is not an answer is `unknown`."""
    provider = _provider(context, story)
    request = request_of(story)
    try:
        order = Order(
            key=story.id,
            model=vendor_model(context, story),
            prompt=producing.sent_prompt(context, story),
            seconds=request.seconds,
            width=request.width,
            height=request.height,
            media=request.media,
            audio=request.audio,
            task=MODEL_TASKS[request.task],
            inputs=inputs.of(context, story),
            voice=request.voice,
        )
    except GovernanceError as error:  # nothing was sent
        return _failed(story, Fault("invalid", error.message))
    try:
        job, answer = provider.submit(order)
    except Fault as fault:
        _note(context, story, fault.kind)
        if fault.kind == "ambiguous" and provider.recoverable:
            return Outcome(delay=RECOVERY_WAIT)  # it stays `submitting`: the vendor is asked
        return _not_submitted(context, story, fault)
    except Exception as error:  # noqa: BLE001  the POST may have happened: never assume it has not
        return _unknown(story, "adapter_failed", type(error).__name__)
    return Outcome(
        (_submitted(story, job, answer, recovered=False),),
        delay=context.settings.poll_interval if provider.name != "local" else 0.0,
    )


def recover(context: Context, story: Story) -> Outcome:
    """After a crash between intent and answer: ask the vendor by our key, or call it unknown."""
    provider = _provider(context, story)
    if not provider.recoverable:
        return _unknown(story, "interrupted", "")
    job = provider.recover(story.id)
    if job is None:
        return _unknown(story, "interrupted", "")
    named = replace(job, model=job.model or vendor_model(context, story))
    return Outcome((_submitted(story, named, "", recovered=True),))


def poll(context: Context, story: Story) -> Outcome:
    """Ask once; fetch and hash the bytes as soon as they are there."""
    provider = _provider(context, story)
    held = story.job or {}
    job = Job(id=held["id"], kind=held["kind"], provider=held["provider"], model=held["model"])
    status = provider.poll(job)
    if status.state == "running":
        return _still_running(context, story)
    if status.state == "succeeded":
        return _fetch(context, story, provider, job, status)
    fault = Fault(status.fault or "internal", status.message, status.raw)
    _note(context, story, fault.kind)
    if not status.is_decided:
        reason = "job_gone" if fault.kind == "gone" else "state_unknown"
        return _unknown(story, reason, fault.raw)
    return _failed(story, fault, cost_body(status.cost))


def give_up(story: Story) -> Entry:
    """The record of a generation whose step keeps failing before any money was spent."""
    return about(
        story,
        "generation.ended",
        {"outcome": "failed", "code": "internal_error", "by": None},
    )


def give_up_unknown(story: Story) -> Entry:
    """The record of a generation whose step keeps failing after the money may be spent."""
    return _unknown(story, "internal_error", "").entries[0]


def _provider(context: Context, story: Story) -> Provider:
    route = story.route or {}
    context.providers.refresh()
    provider = context.providers.get(story.request["organisation"], route["provider"])
    if provider is None:
        raise LookupError(f"no adapter {route['provider']}")
    return provider


def _note(context: Context, story: Story, fault: FaultKind | None) -> None:
    """How the vendor is doing, for the router."""
    context.health.note(story.request["organisation"], (story.route or {})["model"], fault)


def _submitted(story: Story, job: Job, answer: str, *, recovered: bool) -> Entry:
    body = {
        "attempt": story.attempts,
        "provider": job.provider,
        "model": job.model,
        "job": {"id": job.id, "kind": job.kind},
        "recovered": recovered,
    }
    return about(story, "provider.submitted", body, private=_private(answer))


def _not_submitted(context: Context, story: Story, fault: Fault) -> Outcome:
    """Nothing was spent: another model may be asked, or this one again."""
    if fault.kind == "ambiguous":
        return _unknown(story, "answer_lost", fault.raw)
    if story.attempts < MAX_ATTEMPTS and choosing.fails_over(context, story, fault.kind):
        return _failed(story, fault, then="reroute")
    is_transient = fault.kind in ("throttled", "unavailable")
    if is_transient and story.attempts < MAX_ATTEMPTS:
        wait = min(fault.retry_after or 2.0 ** (story.attempts + 1), MAX_THROTTLE_WAIT)
        return _failed(story, fault, then="retry", delay=wait)
    return _failed(story, fault)


def _failed(
    story: Story,
    fault: Fault,
    cost: Body | None = None,
    *,
    then: Literal["retry", "reroute"] | None = None,
    delay: float | None = None,
) -> Outcome:
    body = {
        "attempt": story.attempts,
        "provider": (story.route or {})["provider"],
        "fault": fault.kind,
        "final": then is None,
        "cost": cost,
    }
    if then is not None:
        body["then"] = then
    return Outcome(
        (about(story, "provider.failed", body, private=_private(fault.raw)),), delay=delay
    )


def _unknown(story: Story, reason: str, raw: str) -> Outcome:
    body = {
        "attempt": story.attempts,
        "provider": (story.route or {})["provider"],
        "reason": reason,
        "held": story.held or money(Quote(Decimal(0))),
    }
    return Outcome((about(story, "provider.unknown", body, private=_private(raw)),))


def _still_running(context: Context, story: Story) -> Outcome:
    age = clock.now() - clock.parse(story.changed_at)
    if age.total_seconds() > context.settings.generation_deadline:
        return _unknown(story, "deadline_passed", "")
    return Outcome(delay=context.settings.poll_interval)


def _fetch(context: Context, story: Story, provider: Provider, job: Job, status: Status) -> Outcome:
    """Only what is fetched counts as a success of the vendor."""
    with context.media.staging() as path:
        try:
            provider.fetch(job, path, context.settings.max_upload)
            asset = inspect(path)
            if not asset.media_type.startswith(story.request["media"]):
                raise Fault("internal", "The vendor delivered another kind of media.")
            marks = vendor_marks(path, asset.media_type)
        except Fault as fault:
            if fault.kind == "unavailable":
                return _still_running(context, story)
            return _not_fetched(context, story, fault, status)
        except (InvalidRequest, TooLarge) as error:
            return _not_fetched(context, story, Fault("internal", error.message), status)
        context.media.keep(path, story.id)
    body = {
        "asset": media_body(asset),
        "vendor_marks": [mark_json(mark) for mark in marks],
        "cost": cost_body(status.cost),
    }
    entry = about(story, "asset.fetched", body, subjects=(("original", asset.digest),))
    _note(context, story, None)
    return Outcome((entry,))


def _not_fetched(context: Context, story: Story, fault: Fault, status: Status) -> Outcome:
    """What the vendor has made is charged, whether we get it or not: as it tells, or as quoted."""
    _note(context, story, fault.kind)
    return _failed(story, fault, cost_body(status.cost) or story.held)


def _private(answer: str) -> tuple[tuple[str, str], ...]:
    """A vendor's answer verbatim: it may repeat the prompt, so it is kept as personal data."""
    return (("vendor_answer", answer),) if answer else ()
