"""`/v1/governance/webhooks`: where notifications go, and what became of them."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import ConfigDict, Field
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool

from governance.api.calls import Call, Spent
from governance.api.limits import LimitedRoute
from governance.api.permissions import requires
from governance.api.requests import PROJECT, Body
from governance.kernel import clock
from governance.notifications import addresses, endpoints, outbox
from governance.notifications.endpoints import NewWebhook
from governance.notifications.messages import EVENTS
from governance.notifications.tables import DeliveryAttempt, Notification, Webhook

router = APIRouter(
    prefix="/v1/governance/webhooks", tags=["Notifications"], route_class=LimitedRoute
)


class WebhookBody(Body):
    """url: https, on a public address; events: which to tell; project: without one, of all."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "url": "https://pipeline.example.com/hooks/governance",
                "events": ["video.completed", "video.failed"],
                "project": "launch",
            }
        }
    )

    url: str = Field(max_length=addresses.MAX_URL)
    events: list[str] = Field(min_length=1, max_length=len(EVENTS))
    project: Annotated[str, Field(pattern=f"^{PROJECT.pattern}$")] | None = None


class ReplayBody(Body):
    """delivery: the id of a message, `evt_…`; without one, all that never arrived."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"delivery": "evt_0198b7c2d3e47f5a8b9c0d1e2f3a4b5c"}}
    )

    delivery: str | None = Field(None, max_length=64)


@router.post("", status_code=201)
@requires("webhook", "manage", scope="project")
async def register(body: WebhookBody, call: Spent) -> dict[str, Any]:
    """Register an address. Its secret, `whsec_…`, is in this answer and nowhere else."""
    await call.allow_in(body.project or "")
    context = call.context
    trusted = context.settings.trusted_webhook_hosts
    url = addresses.parse(body.url, trusted)
    await run_in_threadpool(addresses.resolve, url, trusted)

    def run(connection: Connection) -> NewWebhook:
        return endpoints.register(
            connection,
            context.ledger,
            context.sealer,
            organisation=call.principal.organisation,
            project=body.project,
            url=str(url),
            events=body.events,
            by=call.principal.id,
        )

    made = await context.database.write_async(run)
    return {"id": made.id, "object": "webhook", "secret": made.secret}


@router.get("")
@requires("webhook", "read", scope="project")
async def list_webhooks(call: Spent) -> dict[str, Any]:
    """The webhooks of the projects that the caller may see; those of all projects only where it
    may see the whole organisation."""
    projects = await call.projects()
    with call.context.database.read() as session:
        found = endpoints.list_webhooks(session, call.principal.organisation, projects)
    return {"object": "list", "data": [_shown(webhook) for webhook in found]}


@router.get("/{webhook}")
@requires("webhook", "read", scope="project")
async def read(webhook: str, call: Spent) -> dict[str, Any]:
    """One webhook, without its secret."""
    return _shown(await _find(call, webhook))


@router.delete("/{webhook}")
@requires("webhook", "manage", scope="project")
async def remove(webhook: str, call: Spent) -> dict[str, Any]:
    """End a webhook, with its secret and with all that waits for it."""
    await _find(call, webhook)
    context, by = call.context, call.principal
    await context.database.write_async(
        lambda c: endpoints.remove(
            c, context.ledger, webhook, organisation=by.organisation, by=by.id
        )
    )
    return {"id": webhook, "object": "webhook", "state": "removed"}


@router.post("/{webhook}/enable")
@requires("webhook", "manage", scope="project")
async def enable(webhook: str, call: Spent) -> dict[str, Any]:
    """Send again to a webhook that was disabled, which is what days of failures lead to."""
    await _find(call, webhook)
    context, by = call.context, call.principal
    await context.database.write_async(
        lambda c: endpoints.enable(
            c, context.ledger, webhook, organisation=by.organisation, by=by.id
        )
    )
    return {"id": webhook, "object": "webhook", "state": "active"}


@router.get("/{webhook}/deliveries")
@requires("webhook", "read", scope="project")
async def list_deliveries(webhook: str, call: Spent, before: str = "") -> dict[str, Any]:
    """The messages of the last 30 days with every attempt, newest first, 100 at a time.

    `before`: the last id of the page before.
    """
    await _find(call, webhook)
    with call.context.database.read() as session:
        found = outbox.deliveries(session, webhook, before=before)
        tried = outbox.attempts(session, [message.id for message in found])
    data = [_delivery(message, tried[message.id]) for message in found]
    return {"object": "list", "data": data}


@router.post("/{webhook}/replay")
@requires("webhook", "manage", scope="project")
async def replay(webhook: str, body: ReplayBody, call: Spent) -> dict[str, Any]:
    """Send a message again, or all that never arrived, under their first ids."""
    await _find(call, webhook)
    count = await call.context.database.write_async(
        lambda c: outbox.replay(c, webhook, body.delivery)
    )
    return {"id": webhook, "object": "webhook", "replayed": count}


async def _find(call: Call, webhook: str) -> Webhook:
    """A webhook that the caller may do this to. Raises Denied, NotFound."""
    projects = await call.projects()
    with call.context.database.read() as session:
        return endpoints.find(session, webhook, call.principal.organisation, projects)


def _shown(webhook: Webhook) -> dict[str, Any]:
    since = webhook.failing_since
    return {
        "id": webhook.id,
        "object": "webhook",
        "url": webhook.url,
        "events": webhook.events.split(),
        "project": webhook.project,
        "state": webhook.state,
        "failing_since": since and clock.rfc3339(since),
        "created_by": webhook.created_by,
        "created_at": clock.rfc3339(webhook.created_at),
    }


def _delivery(message: Notification, tried: list[DeliveryAttempt]) -> dict[str, Any]:
    return {
        "id": message.id,
        "object": "webhook.delivery",
        "type": message.event,
        "generation": message.generation,
        "state": message.state,
        "created_at": clock.rfc3339(message.created_at),
        "next_attempt_at": message.due_at and clock.rfc3339(message.due_at),
        "attempts": [
            {
                "at": clock.rfc3339(attempt.at),
                "status": attempt.status,
                "fault": attempt.fault,
                "milliseconds": attempt.milliseconds,
            }
            for attempt in tried
        ],
    }
