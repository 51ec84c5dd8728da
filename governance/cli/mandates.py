"""Commands about mandates: `governance mandates issue|list|revoke`."""

import argparse
from pathlib import Path

from governance.cli.data import Commands, add_data, published


def add_to(commands: Commands) -> None:
    parser = commands.add_parser("mandates", help="what people let agents do on their behalf")
    actions = parser.add_subparsers(required=True, metavar="ACTION")

    issue = actions.add_parser("issue", help="let an agent act for a person; prints its chain")
    issue.add_argument("agent", help="agt_…")
    issue.add_argument("--person", required=True, help="user name of the person")
    issue.add_argument("--grant", type=Path, required=True, help="JSON file: how far it reaches")
    issue.add_argument("--depth", type=int, help="how many more agents it may be handed on to")
    add_data(issue)
    issue.set_defaults(run=_issue)

    listing = actions.add_parser("list", help="all mandates that are known")
    add_data(listing)
    listing.set_defaults(run=_list)

    revoke = actions.add_parser("revoke", help="end a mandate and all that follows from it")
    revoke.add_argument("mandate", help="its id or its digest")
    add_data(revoke)
    revoke.set_defaults(run=_revoke)


def _issue(options: argparse.Namespace) -> int:
    from governance.evidence.encoding import parse_json
    from governance.evidence.errors import EvidenceError
    from governance.identity import mandates, people
    from governance.kernel.errors import InvalidRequest
    from governance.ledger import SERVICE

    try:
        limits = parse_json(options.grant.read_bytes(), str(options.grant))
    except EvidenceError as error:
        raise InvalidRequest(error.code, error.message) from None
    with published(options.data) as context:
        with context.database.read() as session:
            person = people.person_by_username(session, options.person).id
        hop = context.database.write(
            lambda c: mandates.issue(
                c,
                context.ledger,
                organisation=context.settings.organisation,
                person=person,
                agent=options.agent,
                limits=limits,
                audience=context.settings.authority,
                by=SERVICE,
                depth=options.depth,
            )
        )
    print(f"{hop.id}\n{hop.compact}")
    return 0


def _list(options: argparse.Namespace) -> int:
    from governance.identity import mandates

    with published(options.data) as context, context.database.read() as session:
        after = ""
        while found := mandates.page(
            session.connection(), context.settings.organisation, after=after
        ):
            for known in found:
                hop = known.hop
                state = "revoked" if known.revoked_at else f"until {hop.grant.until:%Y-%m-%d %H:%M}"
                print(f"{hop.id} {hop.delegator} -> {hop.agent} {state}")
            after = found[-1].hop.id
    return 0


def _revoke(options: argparse.Namespace) -> int:
    from governance.identity import mandates
    from governance.ledger import SERVICE

    with published(options.data) as context:
        context.database.write(
            lambda c: mandates.revoke(
                c,
                context.ledger,
                organisation=context.settings.organisation,
                named=options.mandate,
                by=SERVICE,
            )
        )
    print(f"{options.mandate} is revoked, from the next request on.")
    return 0
