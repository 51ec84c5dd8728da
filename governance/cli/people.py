"""Commands for people's accounts: add-person, and `governance people …`."""

import argparse
from typing import TYPE_CHECKING

from governance.cli.data import Commands, add_data, published
from governance.cli.roles import add_roles, give_roles

if TYPE_CHECKING:
    from sqlalchemy import Connection

STATES = {"suspend": "suspended", "resume": "active again", "revoke": "revoked"}


def add_to(commands: Commands) -> None:
    _takes_names(commands.add_parser("add-person", help="make an account for a person"))
    group = commands.add_parser("people", help="list, add, suspend, resume and revoke people")
    actions = group.add_subparsers(required=True, metavar="ACTION")
    listed = actions.add_parser("list", help="id, state, user name, name")
    add_data(listed)
    listed.set_defaults(run=_list)
    _takes_names(actions.add_parser("add", help="make an account"))
    for name, help_, run in (
        ("suspend", "refuse a person and all programs they answer for", _move),
        ("resume", "lift a suspension", _move),
        ("revoke", "refuse a person for good", _move),
        ("reset-password", "replace a forgotten password by a one-time password", _reset),
        ("reset-app", "take back an authenticator app that is lost", _reset_app),
    ):
        action = actions.add_parser(name, help=help_)
        action.add_argument("username")
        add_data(action)
        action.set_defaults(run=run, action=name)


def _takes_names(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("username")
    parser.add_argument("--name", required=True, help="how the person is called")
    add_roles(parser)
    parser.set_defaults(run=_add)


def _add(options: argparse.Namespace) -> int:
    from governance.identity import people
    from governance.ledger import SERVICE

    with published(options.data) as context:

        def run(connection: "Connection") -> people.NewPerson:
            made = people.add_person(
                connection,
                context.ledger,
                organisation=context.settings.organisation,
                username=options.username,
                name=options.name,
                by=SERVICE,
            )
            give_roles(connection, context, made.id, options.role)
            return made

        made = context.database.write(run)
    print(f"{made.id}\nOne-time password, to choose another with: {made.password}")
    return 0


def _list(options: argparse.Namespace) -> int:
    from governance.identity import people

    with published(options.data) as context, context.database.read() as session:
        after = ""
        while page := people.list_people(session, context.settings.organisation, after=after):
            for person in page:
                print(f"{person.id}  {person.state:9}  {person.username}  {person.name}")
            after = page[-1].id
    return 0


def _move(options: argparse.Namespace) -> int:
    from governance.identity import people
    from governance.ledger import SERVICE
    from governance.lifecycle import accounts

    change = {
        "suspend": accounts.suspend_person,
        "resume": people.resume_person,
        "revoke": accounts.revoke_person,
    }[options.action]
    with published(options.data) as context:
        with context.database.read() as session:
            person = people.person_by_username(session, options.username).id
        context.database.write(lambda c: change(c, context.ledger, person, by=SERVICE))
    print(f"{options.username} is {STATES[options.action]}, from the next request on.")
    return 0


def _reset(options: argparse.Namespace) -> int:
    from governance.identity import people
    from governance.ledger import SERVICE

    with published(options.data) as context:
        with context.database.read() as session:
            person = people.person_by_username(session, options.username).id
        password = context.database.write(
            lambda c: people.reset_password(c, context.ledger, person, by=SERVICE)
        )
    print(f"One-time password, to choose another with: {password}")
    return 0


def _reset_app(options: argparse.Namespace) -> int:
    from governance.identity import people, sessions, totp
    from governance.ledger import SERVICE

    with published(options.data) as context:
        with context.database.read() as session:
            person = people.person_by_username(session, options.username).id

        def run(connection: "Connection") -> None:
            totp.remove(connection, context.ledger, person, by=SERVICE)
            sessions.end_all(connection, person)

        context.database.write(run)
    print(f"{options.username} signs in with the password alone, until another app is set up.")
    return 0
