"""Commands for programs with API keys: `governance keys …`."""

import argparse
from datetime import timedelta
from typing import TYPE_CHECKING

from governance.cli.data import Commands, add_data, published
from governance.cli.roles import add_roles, give_roles

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from governance.identity.services import NewService


def add_to(commands: Commands) -> None:
    group = commands.add_parser("keys", help="list, make and revoke API keys of services")
    actions = group.add_subparsers(required=True, metavar="ACTION")
    listed = actions.add_parser("list", help="id, state, last day, name, scopes")
    add_data(listed)
    listed.set_defaults(run=_list)
    made = actions.add_parser("add", help="register a service and print its key, once")
    made.add_argument("name")
    made.add_argument("--accountable", required=True, help="user name of who answers for it")
    made.add_argument(
        "--scope", action="append", required=True, help="object:action it may be used for"
    )
    made.add_argument("--days", type=int, default=90, help="until the key expires (90)")
    add_roles(made)
    made.set_defaults(run=_add)
    revoked = actions.add_parser("revoke", help="refuse a key for good")
    revoked.add_argument("service", help="its id, svc_…")
    add_data(revoked)
    revoked.set_defaults(run=_revoke)


def _list(options: argparse.Namespace) -> int:
    from governance.identity import services

    with published(options.data) as context, context.database.read() as session:
        after = ""
        while page := services.list_services(session, context.settings.organisation, after=after):
            for one in page:
                until = f"{one.expires_at:%Y-%m-%d}"
                print(f"{one.id}  {one.state:9}  {until}  {one.name}  {one.scopes}")
            after = page[-1].id
    return 0


def _add(options: argparse.Namespace) -> int:
    from governance.identity import people, services
    from governance.kernel import clock
    from governance.ledger import SERVICE

    with published(options.data) as context:
        with context.database.read() as session:
            accountable = people.person_by_username(session, options.accountable).id

        def run(connection: "Connection") -> "NewService":
            made = services.register_service(
                connection,
                context.ledger,
                organisation=context.settings.organisation,
                name=options.name,
                accountable=accountable,
                scopes=options.scope,
                expires_at=clock.now() + timedelta(days=options.days),
                by=SERVICE,
            )
            give_roles(connection, context, made.id, options.role)
            return made

        made = context.database.write(run)
    print(f"{made.id}\nAPI key, shown this once: {made.key}")
    return 0


def _revoke(options: argparse.Namespace) -> int:
    from governance.identity import services
    from governance.ledger import SERVICE

    with published(options.data) as context:
        with context.database.read() as session:
            services.require_service_of(session, options.service, context.settings.organisation)
        context.database.write(
            lambda c: services.revoke_service(c, context.ledger, options.service, by=SERVICE)
        )
    print(f"{options.service} is revoked, from its next request on.")
    return 0
