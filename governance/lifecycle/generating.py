"""The steps from permission to bytes on our disk: route, submit, recover, poll."""

from decimal import Decimal

from governance.domain import Quote
from governance.evidence.story import Story
from governance.kernel import clock
from governance.kernel.errors import GovernanceError, InvalidRequest, TooLarge
from governance.ledger import Entry
from governance.lifecycle import stops
from governance.lifecycle.context import Context
from governance.lifecycle.entries import (
    about,
    cost_body,
    media_body,
    money,
    no_route_body,
    route_body,
)
from governance.lifecycle.outcome import Outcome
from governance.lifecycle.questions import prompt_of, request_of
from governance.marking.bodies import mark_json
from governance.marking.probe import inspect
from governance.marking.read import vendor_marks
from governance.routing.provider import Fault, Job, Order, Provider, Status
from governance.routing.router import STOPPED

MAX_ATTEMPTS = 5
MAX_THROTTLE_WAIT = 300.0


def choose_route(context: Context, story: Story) -> Outcome:
    """`route.chosen`, with every candidate and why it was or was not taken.

    Where only a kill switch stands against a candidate that could serve, it waits for that.
    """
    try:
        route = context.router.route(
            request_of(story),
            max_amount=_decided_amount(story),
            stopped=_thrown(context),
            permitted=story.request["principal"].get("grant", {}).get("models"),
        )
        body = route_body(route)
    except InvalidRequest as error:
        candidates = error.details.get("candidates", [])
        if any(candidate["rejected"] == STOPPED for candidate in candidates):
            return Outcome(delay=stops.WAIT)
        body = no_route_body(candidates)
    return Outcome((about(story, "route.chosen", body),))


def _thrown(context: Context) -> frozenset[str]:
    return context.switches.current().thrown


def _decided_amount(story: Story) -> Decimal | None:
    """What policy, and perhaps a person, agreed to: the order may not become dearer since."""
    quote = story.decisions[0]["quote"]
    return Decimal(quote["amount"]) if quote else None


def intend(context: Context, story: Story) -> Outcome:
    """`provider.intended`, committed before any money is spent."""
    route = story.route or {}
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
    provider, route = _provider(context, story)
    request = request_of(story)
    try:
        order = Order(
            key=story.id,
            model=context.catalogue.get(route["model"]).vendor_model,
            prompt=prompt_of(context, story),
            seconds=request.seconds,
            width=request.width,
            height=request.height,
            media=request.media,
        )
    except GovernanceError as error:  # nothing was sent
        return _failed(story, Fault("invalid", error.message))
    try:
        job, answer = provider.submit(order)
    except Fault as fault:
        return _not_submitted(story, fault)
    except Exception as error:  # noqa: BLE001  the POST may have happened: never assume it has not
        return _unknown(story, "adapter_failed", type(error).__name__)
    return Outcome(
        (_submitted(story, job, answer, recovered=False),),
        delay=context.settings.poll_interval if provider.name != "local" else 0.0,
    )


def recover(context: Context, story: Story) -> Outcome:
    """After a crash between intent and answer: ask the vendor by our key, or call it unknown."""
    provider, _ = _provider(context, story)
    if not provider.recoverable:
        return _unknown(story, "interrupted", "")
    job = provider.recover(story.id)
    if job is None:
        return _unknown(story, "interrupted", "")
    return Outcome((_submitted(story, job, "", recovered=True),))


def poll(context: Context, story: Story) -> Outcome:
    """Ask once; fetch and hash the bytes as soon as they are there."""
    provider, _ = _provider(context, story)
    held = story.job or {}
    job = Job(id=held["id"], kind=held["kind"], provider=held["provider"], model=held["model"])
    status = provider.poll(job)
    if status.state == "failed":
        return _failed(story, Fault(status.fault or "internal", status.message, status.raw), status)
    if status.state == "running":
        return _still_running(context, story)
    return _fetch(context, story, provider, job, status)


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


def _provider(context: Context, story: Story) -> tuple[Provider, dict[str, str]]:
    route = story.route or {}
    return context.providers[route["provider"]], route


def _submitted(story: Story, job: Job, answer: str, *, recovered: bool) -> Entry:
    body = {
        "attempt": story.attempts,
        "provider": job.provider,
        "model": job.model,
        "job": {"id": job.id, "kind": job.kind},
        "recovered": recovered,
    }
    return about(story, "provider.submitted", body, private=_private(answer))


def _not_submitted(story: Story, fault: Fault) -> Outcome:
    if fault.kind == "ambiguous":
        return _unknown(story, "answer_lost", fault.raw)
    is_transient = fault.kind in ("throttled", "unavailable")
    if is_transient and story.attempts < MAX_ATTEMPTS:
        wait = min(fault.retry_after or 2.0 ** (story.attempts + 1), MAX_THROTTLE_WAIT)
        return _failed(story, fault, final=False, delay=wait)
    return _failed(story, fault)


def _failed(
    story: Story,
    fault: Fault,
    status: Status | None = None,
    *,
    final: bool = True,
    delay: float | None = None,
) -> Outcome:
    body = {
        "attempt": story.attempts,
        "provider": (story.route or {})["provider"],
        "fault": fault.kind,
        "final": final,
        "cost": cost_body(status.cost if status else None),
    }
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
            return _failed(story, fault, status)
        except (InvalidRequest, TooLarge) as error:
            return _failed(story, Fault("internal", error.message), status)
        context.media.keep(path, story.id)
    body = {
        "asset": media_body(asset),
        "vendor_marks": [mark_json(mark) for mark in marks],
        "cost": cost_body(status.cost),
    }
    entry = about(story, "asset.fetched", body, subjects=(("original", asset.digest),))
    return Outcome((entry,))


def _private(answer: str) -> tuple[tuple[str, str], ...]:
    """A vendor's answer verbatim: it may repeat the prompt, so it is kept as personal data."""
    return (("vendor_answer", answer),) if answer else ()
