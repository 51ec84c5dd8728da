"""Commands that make accounts: add-person, add-agent."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from governance.cli.data import Commands, add_data, published

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from governance.lifecycle.context import Context


def add_to(commands: Commands) -> None:
    person = commands.add_parser("add-person", help="make an account for a person")
    person.add_argument("username")
    person.add_argument("--name", required=True, help="how the person is called")
    _add_roles(person)
    person.set_defaults(run=_add_person)

    agent = commands.add_parser("add-agent", help="make a key for an agent and register it")
    agent.add_argument("name")
    agent.add_argument("--accountable", required=True, help="user name of who answers for it")
    agent.add_argument("--key", type=Path, required=True, help="key file to write (PEM)")
    _add_roles(agent)
    agent.set_defaults(run=_add_agent)


def _add_person(options: argparse.Namespace) -> int:
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
            _grant(connection, context, made.id, options.role)
            return made

        made = context.database.write(run)
    print(f"{made.id}\nOne-time password, to choose another with: {made.password}")
    return 0


def _add_agent(options: argparse.Namespace) -> int:
    from governance.client.keyfile import create_key
    from governance.client.signer import RequestSigner
    from governance.identity import agents, people
    from governance.ledger import SERVICE

    with published(options.data) as context:
        organisation, audience = context.settings.organisation, context.settings.authority
        with context.database.read() as session:
            accountable = people.person_by_username(session, options.accountable).id
        signer = RequestSigner(create_key(options.key))
        proof = signer.prove_possession(
            organisation=organisation, accountable=accountable, audience=audience
        )

        def run(connection: "Connection") -> str:
            made = agents.register_agent(
                connection,
                context.ledger,
                organisation=organisation,
                name=options.name,
                accountable=accountable,
                public_key=signer.public_key,
                proof=proof,
                audience=audience,
                by=SERVICE,
            )
            _grant(connection, context, made, options.role)
            return made

        try:
            made = context.database.write(run)
        except Exception:
            options.key.unlink()  # a key that was never registered is good for nothing
            raise
    print(f"{made}\nKey: {options.key} (give it to the agent's program, never to a prompt)")
    return 0


def _grant(connection: "Connection", context: "Context", subject: str, roles: list[str]) -> None:
    from governance.ledger import SERVICE
    from governance.policy import assignments, domain_of

    for role in roles:
        assignments.grant(
            connection,
            context.ledger,
            context.policies.policy,
            subject=subject,
            role=f"role:{role}",
            domain=domain_of(context.settings.organisation),
            by=SERVICE,
        )


def _add_roles(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--role", action="append", default=[], help="role to give; repeatable")
    add_data(parser)
