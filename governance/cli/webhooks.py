"""Commands for webhooks: `governance webhooks …`."""

import argparse
from typing import TYPE_CHECKING

from governance.cli.data import Commands, add_data, published

if TYPE_CHECKING:
    from governance.lifecycle.context import Context
    from governance.notifications.tables import Webhook


def add_to(commands: Commands) -> None:
    group = commands.add_parser("webhooks", help="say where notifications go, and send them again")
    actions = group.add_subparsers(required=True, metavar="ACTION")
    listed = actions.add_parser("list", help="id, state, project, address, events")
    add_data(listed)
    listed.set_defaults(run=_list)
    made = actions.add_parser("add", help="register an address and print its secret, once")
    made.add_argument("url", help="https, on a public address")
    made.add_argument("--event", action="append", required=True, help="such as video.completed")
    made.add_argument("--project", help="of one project alone (default: of all)")
    add_data(made)
    made.set_defaults(run=_add)
    for name, run, words in (
        ("enable", _enable, "send again to an address that was disabled"),
        ("remove", _remove, "end a webhook and all that waits for it"),
        ("deliveries", _deliveries, "the last 100 messages: id, state, attempts, last answer"),
        ("replay", _replay, "send a message again, or all that never arrived"),
    ):
        action = actions.add_parser(name, help=words)
        action.add_argument("webhook", help="its id, whk_…")
        if name == "replay":
            action.add_argument("delivery", nargs="?", help="its id, evt_… (default: all)")
        add_data(action)
        action.set_defaults(run=run)


def _list(options: argparse.Namespace) -> int:
    from governance.notifications import endpoints

    with published(options.data) as context, context.database.read() as session:
        for one in endpoints.list_webhooks(session, context.settings.organisation, None):
            print(f"{one.id}  {one.state:8}  {one.project or '*'}  {one.url}  {one.events}")
    return 0


def _add(options: argparse.Namespace) -> int:
    from governance.ledger import SERVICE
    from governance.notifications import addresses, endpoints

    with published(options.data) as context:
        trusted = context.settings.trusted_webhook_hosts
        url = addresses.parse(options.url, trusted)
        addresses.resolve(url, trusted)
        made = context.database.write(
            lambda c: endpoints.register(
                c,
                context.ledger,
                context.sealer,
                organisation=context.settings.organisation,
                project=options.project,
                url=str(url),
                events=options.event,
                by=SERVICE,
            )
        )
    print(f"{made.id}\nSecret, shown this once: {made.secret}")
    return 0


def _enable(options: argparse.Namespace) -> int:
    from governance.ledger import SERVICE
    from governance.notifications import endpoints

    with published(options.data) as context:
        own = context.settings.organisation
        context.database.write(
            lambda c: endpoints.enable(
                c, context.ledger, options.webhook, organisation=own, by=SERVICE
            )
        )
    print(f"{options.webhook} is active.")
    return 0


def _remove(options: argparse.Namespace) -> int:
    from governance.ledger import SERVICE
    from governance.notifications import endpoints

    with published(options.data) as context:
        own = context.settings.organisation
        context.database.write(
            lambda c: endpoints.remove(
                c, context.ledger, options.webhook, organisation=own, by=SERVICE
            )
        )
    print(f"{options.webhook} is removed.")
    return 0


def _deliveries(options: argparse.Namespace) -> int:
    from governance.notifications import outbox

    with published(options.data) as context:
        hook = _find(context, options.webhook)
        with context.database.read() as session:
            found = outbox.deliveries(session, hook.id)
            tried = outbox.attempts(session, [message.id for message in found])
    for one in found:
        last = tried[one.id][-1] if tried[one.id] else None
        answer = "-" if last is None else str(last.status or last.fault)
        print(f"{one.id}  {one.state:9}  {one.event}  {len(tried[one.id])}  {answer}")
    return 0


def _replay(options: argparse.Namespace) -> int:
    from governance.notifications import outbox

    with published(options.data) as context:
        hook = _find(context, options.webhook)
        count = context.database.write(lambda c: outbox.replay(c, hook.id, options.delivery))
    print(f"{count} to be sent again by the running service.")
    return 0


def _find(context: "Context", webhook: str) -> "Webhook":
    from governance.notifications import endpoints

    with context.database.read() as session:
        return endpoints.find(session, webhook, context.settings.organisation, None)
