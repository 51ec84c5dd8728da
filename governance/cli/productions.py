"""Commands about productions: `governance productions list|show|lineage`."""

import argparse
import json
from typing import TYPE_CHECKING

from governance.cli.data import Commands, add_data, published

if TYPE_CHECKING:
    from governance.productions.productions import Version
    from governance.productions.savings import Amounts


def add_to(commands: Commands) -> None:
    parser = commands.add_parser("productions", help="what requests share, and what it saved")
    actions = parser.add_subparsers(required=True, metavar="ACTION")

    listed = actions.add_parser("list", help="id, state, project, name")
    add_data(listed)
    listed.set_defaults(run=_list)

    show = actions.add_parser("show", help="terms, spending and saving of one")
    show.add_argument("production", help="prd_…")
    add_data(show)
    show.set_defaults(run=_show)

    lineage = actions.add_parser("lineage", help="what was made from what, as nodes and edges")
    lineage.add_argument("production", help="prd_…")
    add_data(lineage)
    lineage.set_defaults(run=_lineage)


def _list(options: argparse.Namespace) -> int:
    from governance.kernel import clock
    from governance.productions import productions

    with published(options.data) as context, context.database.read() as session:
        after, today = "", clock.now().date()
        while page := productions.list_productions(
            session, context.settings.organisation, after=after
        ):
            for one in page:
                terms = one.terms
                print(f"{one.production}  {one.state(today):7}  {terms.project}  {terms.name}")
            after = page[-1].production
    return 0


def _show(options: argparse.Namespace) -> int:
    from governance.lifecycle import producing
    from governance.productions import productions
    from governance.productions.savings import savings

    with published(options.data) as context, context.database.read() as session:
        found = productions.current(
            session.connection(), options.production, context.settings.organisation
        )
        texts = productions.texts_of(session, context.ledger.vault, found)
        told = savings(producing.stories(session, found.production))
    for name, value in _rows(found, texts.client):
        print(f"{name:12} {value}")
    print(f"{'drafts':12} {told.drafts}, finals {told.finals}")
    print(f"{'spent':12} {_money(told.spent)}")
    if told.held:
        print(f"{'held':12} {_money(told.held)}, for outcomes that nobody knows")
    print(f"{'saved':12} {_money(told.saved)}, against {told.reference or 'the cheapest premium'}")
    for count, what in ((told.unknown, "saving is"), (told.unpriced, "cost is")):
        if count:
            print(f"{'':12} {count} generations whose {what} unknown are left out")
    return 0


def _lineage(options: argparse.Namespace) -> int:
    from governance.lifecycle import producing
    from governance.productions import productions
    from governance.productions.lineage import lineage

    with published(options.data) as context, context.database.read() as session:
        organisation = context.settings.organisation
        found = productions.current(session.connection(), options.production, organisation)
        own = producing.stories(session, found.production)
        family = producing.with_ancestors(session, own, organisation)
    print(json.dumps(lineage(family).as_dict(), indent=2))
    return 0


def _rows(found: "Version", client: str) -> list[tuple[str, str]]:
    from governance.kernel import clock
    from governance.productions.terms import as_body

    terms = as_body(found.terms)
    budget = terms["budget"]
    return [
        ("name", terms["name"]),
        ("state", f"{found.state(clock.now().date())}, version {found.number} {found.digest}"),
        ("client", client or "–"),
        ("project", terms["project"]),
        ("days", f"{terms['from']} to {terms['until'] or 'no end'}"),
        ("territories", ", ".join(terms["territories"])),
        ("models", f"{', '.join(terms['models'])} of the tiers {', '.join(terms['tiers'])}"),
        ("budget", f"{budget['amount']} {budget['currency']}" if budget else "none of its own"),
    ]


def _money(amounts: "Amounts") -> str:
    return ", ".join(f"{value:f} {currency}" for currency, value in amounts.items()) or "nothing"
