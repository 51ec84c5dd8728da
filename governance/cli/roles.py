"""Commands for roles: `governance roles …`; and the option `--role` of those that make accounts."""

import argparse
from typing import TYPE_CHECKING

from governance.cli.data import Commands, add_data, published

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from governance.lifecycle.context import Context
    from governance.policy.authorization import Permission


def add_to(commands: Commands) -> None:
    group = commands.add_parser("roles", help="list, grant, revoke, define and remove roles")
    actions = group.add_subparsers(required=True, metavar="ACTION")
    listed = actions.add_parser("list", help="each role with what it allows and who holds it")
    add_data(listed)
    listed.set_defaults(run=_list)
    for name, help_, run in (
        ("grant", "give a role", _change),
        ("revoke", "take a role back", _change),
    ):
        action = actions.add_parser(name, help=help_)
        action.add_argument("subject", help="user name, or id of a principal")
        action.add_argument("role", help="such as reviewer, or one of your own")
        action.add_argument("--project", default="", help="in one project (all of them)")
        add_data(action)
        action.set_defaults(run=run, action=name)
    defined = actions.add_parser("define", help="make a role of your own, or replace it")
    defined.add_argument("name")
    defined.add_argument("--description", default="")
    defined.add_argument(
        "--allow",
        action="append",
        required=True,
        metavar="OBJECT:ACTION[:CONDITION]",
        help="what it allows; repeatable",
    )
    add_data(defined)
    defined.set_defaults(run=_define)
    removed = actions.add_parser("remove", help="remove a role of your own that nobody holds")
    removed.add_argument("name")
    add_data(removed)
    removed.set_defaults(run=_remove)


def _list(options: argparse.Namespace) -> int:
    from governance.policy import assignments, domain_of, roles
    from governance.policy.authorization import within

    with published(options.data) as context, context.database.read() as session:
        connection, organisation = session.connection(), context.settings.organisation
        found = roles.list_roles(connection, context.policies.policy, organisation)
        held = assignments.stored(connection)
    own = domain_of(organisation)
    for role in found:
        print(f"{role.name.removeprefix('role:')}  {role.description}".rstrip())
        print("  may " + ", ".join(_words(permission) for permission in role.permissions))
        for one in held:
            if one.role == role.name and within(one.domain, own):
                print(f"  held by {one.subject} in {one.domain}")
    return 0


def _change(options: argparse.Namespace) -> int:
    from governance.ledger import SERVICE
    from governance.lifecycle import accounts
    from governance.policy import domain_of

    change = {"grant": accounts.grant_role, "revoke": accounts.revoke_role}[options.action]
    with published(options.data) as context:
        subject = _subject(context, options.subject)
        role = _role(context, options.role)
        domain = domain_of(context.settings.organisation, options.project)
        context.database.write(
            lambda c: change(
                c,
                context.ledger,
                context.policies.policy,
                subject=subject,
                role=role,
                domain=domain,
                by=SERVICE,
            )
        )
    print(f"{subject} {'now' if options.action == 'grant' else 'no longer'} has {role} in {domain}")
    return 0


def _define(options: argparse.Namespace) -> int:
    from governance.kernel.errors import InvalidRequest
    from governance.ledger import SERVICE
    from governance.policy import roles

    parts = [text.split(":") for text in options.allow]
    if not all(len(part) in (2, 3) for part in parts):
        raise InvalidRequest("permissions_invalid", "Give each --allow as object:action.")
    permissions = [roles.Allowed(*part) for part in parts]
    with published(options.data) as context:
        role = context.database.write(
            lambda c: roles.define(
                c,
                context.ledger,
                context.policies.policy,
                organisation=context.settings.organisation,
                name=options.name,
                description=options.description,
                permissions=permissions,
                by=SERVICE,
            )
        )
    print(role)
    return 0


def _remove(options: argparse.Namespace) -> int:
    from governance.ledger import SERVICE
    from governance.policy import roles

    with published(options.data) as context:
        organisation = context.settings.organisation
        context.database.write(
            lambda c: roles.remove(
                c, context.ledger, organisation=organisation, name=options.name, by=SERVICE
            )
        )
    print(f"{options.name} is removed.")
    return 0


def give_roles(
    connection: "Connection", context: "Context", subject: str, roles: list[str]
) -> None:
    """Give a new principal its roles in the whole organisation."""
    from governance.ledger import SERVICE
    from governance.policy import assignments, domain_of

    for role in roles:
        assignments.grant(
            connection,
            context.ledger,
            context.policies.policy,
            subject=subject,
            role=_role(context, role),
            domain=domain_of(context.settings.organisation),
            by=SERVICE,
        )


def add_roles(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--role", action="append", default=[], help="role to give; repeatable")
    add_data(parser)


def _subject(context: "Context", named: str) -> str:
    from governance.identity import people
    from governance.policy.authorization import SUBJECT

    if SUBJECT.fullmatch(named):
        return named
    with context.database.read() as session:
        return people.person_by_username(session, named).id


def _role(context: "Context", named: str) -> str:
    """The full name of a role that is built in, or one of the organisation's own."""
    from governance.policy import roles

    built_in = f"role:{named.removeprefix('role:')}"
    if built_in in roles.built_in(context.policies.policy) or "." in named:
        return built_in
    return roles.full_name(context.settings.organisation, named)


def _words(permission: "Permission") -> str:
    condition = "" if permission.condition == "always" else f" ({permission.condition})"
    return f"{permission.object}:{permission.action}{condition}"
