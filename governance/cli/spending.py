"""Commands about money: `governance budgets|rate-cards …`, `governance chargeback`, and
`governance reconcile`."""

import argparse
import json
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

from governance.cli.data import Commands, add_data, published

if TYPE_CHECKING:
    from governance.spending.rate_cards import Price
    from governance.spending.reconciliation import Reconciliation


def add_to(commands: Commands) -> None:
    _add_budgets(commands)
    _add_rate_cards(commands)
    charge = commands.add_parser("chargeback", help="what clients are charged, as CSV or JSON")
    _add_period(charge)
    charge.add_argument("--project", help="one project (default: all)")
    charge.add_argument("--production", help="one production (default: all)")
    charge.add_argument(
        "-o", "--out", type=Path, required=True, help="file to write, .csv or .json"
    )
    add_data(charge)
    charge.set_defaults(run=_chargeback)

    check = commands.add_parser("reconcile", help="hold a vendor's invoice against the records")
    check.add_argument("invoice", type=Path, help="CSV with job id, date, amount and currency")
    check.add_argument("--provider", required=True, help="whose invoice it is, such as kling")
    _add_period(check)
    check.add_argument("--json", action="store_true", help="answer as JSON")
    add_data(check)
    check.set_defaults(run=_reconcile)


def _add_budgets(commands: Commands) -> None:
    group = commands.add_parser("budgets", help="how much may be spent, and what is left")
    actions = group.add_subparsers(required=True, metavar="ACTION")
    listed = actions.add_parser("list", help="every budget as it stands")
    add_data(listed)
    listed.set_defaults(run=_list_budgets)
    given = actions.add_parser("set", help="set a budget, or change it")
    given.add_argument(
        "scope", help="organisation, project/<name>, principal/<id> or production/<id>"
    )
    given.add_argument("period", choices=("day", "month", "total"))
    given.add_argument("amount", type=_decimal)
    given.add_argument("--currency", default="USD")
    add_data(given)
    given.set_defaults(run=_set_budget)
    removed = actions.add_parser("remove", help="limit it no longer")
    removed.add_argument("budget", help="bud_…")
    add_data(removed)
    removed.set_defaults(run=_remove_budget)


def _add_rate_cards(commands: Commands) -> None:
    group = commands.add_parser("rate-cards", help="what customers are charged")
    actions = group.add_subparsers(required=True, metavar="ACTION")
    listed = actions.add_parser("list", help="every version")
    add_data(listed)
    listed.set_defaults(run=_list_cards)
    added = actions.add_parser("add", help="add the next version of a card")
    added.add_argument("--scope", default="organisation", help="or production/<id>")
    added.add_argument("--from", dest="start", type=date.fromisoformat, required=True)
    added.add_argument("--until", type=date.fromisoformat, help="the day after the last")
    added.add_argument("--mark-up", type=_decimal, required=True, help="percent on the cost")
    added.add_argument("--currency", default="USD", help="of the fixed prices")
    added.add_argument(
        "--price",
        action="append",
        default=[],
        metavar="MODEL=PER_SECOND[+PER_ITEM]",
        help="fixed price of a model, vendor/* or *; repeatable",
    )
    add_data(added)
    added.set_defaults(run=_add_card)


def _add_period(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--from", dest="start", required=True, type=_moment)
    parser.add_argument("--to", dest="end", required=True, type=_moment, help="not included")


def _list_budgets(options: argparse.Namespace) -> int:
    from governance.spending import budgets

    with published(options.data) as context, context.database.read() as session:
        for one in budgets.standings(session, context.settings.organisation):
            renews = f", renews {one.renews_at:%Y-%m-%d}" if one.renews_at else ""
            print(
                f"{one.id}  {one.scope}  {one.period}  {one.left:f} {one.currency} left of "
                f"{one.cap:f} ({one.spent:f} spent, {one.reserved:f} set aside{renews})"
            )
    return 0


def _set_budget(options: argparse.Namespace) -> int:
    from governance.ledger import SERVICE
    from governance.lifecycle import funding

    with published(options.data) as context:
        budget = context.database.write(
            lambda c: funding.set_budget(
                c,
                context.ledger,
                organisation=context.settings.organisation,
                scope=options.scope,
                period=options.period,
                amount=options.amount,
                currency=options.currency,
                by=SERVICE,
            )
        )
    print(budget)
    return 0


def _remove_budget(options: argparse.Namespace) -> int:
    from governance.ledger import SERVICE
    from governance.spending import budgets

    with published(options.data) as context:
        organisation = context.settings.organisation
        context.database.write(
            lambda c: budgets.remove_budget(
                c, context.ledger, options.budget, organisation=organisation, by=SERVICE
            )
        )
    print(f"{options.budget} limits nothing any more.")
    return 0


def _list_cards(options: argparse.Namespace) -> int:
    from governance.spending import rate_cards

    with published(options.data) as context, context.database.read() as session:
        for card in rate_cards.list_cards(session, context.settings.organisation):
            terms = card.terms
            print(
                f"{card.id}  {card.scope}  version {card.version}  from {terms.starts}"
                + (f" until {terms.ends}" if terms.ends else "")
                + f"  cost + {terms.mark_up:f} %"
            )
            for price in terms.prices:
                print(
                    f"  {price.model}  {price.per_second:f} {terms.currency} a second"
                    f" + {price.per_item:f}"
                )
    return 0


def _add_card(options: argparse.Namespace) -> int:
    from governance.ledger import SERVICE
    from governance.spending import rate_cards
    from governance.spending.rate_cards import Terms

    terms = Terms(
        options.start,
        options.mark_up,
        tuple(map(_price, options.price)),
        options.currency,
        options.until,
    )
    with published(options.data) as context:
        card = context.database.write(
            lambda c: rate_cards.add_version(
                c,
                context.ledger,
                organisation=context.settings.organisation,
                scope=options.scope,
                terms=terms,
                by=SERVICE,
            )
        )
    print(f"{card.id} is version {card.version} for {card.scope}.")
    return 0


def _chargeback(options: argparse.Namespace) -> int:
    import hashlib

    from governance.lifecycle import charging
    from governance.spending import chargeback

    with published(options.data) as context:
        window = charging.Window(
            context.settings.organisation,
            options.start,
            options.end,
            options.project,
            options.production,
        )
        found = charging.charged(context, window)
    form: chargeback.Form = "csv" if options.out.suffix.lower() == ".csv" else "json"
    data = chargeback.export(form, window.as_body(), found)
    options.out.write_bytes(data)
    print(f"{options.out}\nsha256 {hashlib.sha256(data).hexdigest()}")
    for group in chargeback.sums(found):
        name = group["production"] or "no production"
        print(
            f"{group['client'] or 'no client'} / {group['project']} / {name}: "
            f"cost {_amounts(group['cost'])}, price {_amounts(group['price'])}"
        )
    return 0


def _reconcile(options: argparse.Namespace) -> int:
    from governance.lifecycle import charging
    from governance.spending import reconciliation

    data = options.invoice.read_bytes()
    with published(options.data) as context:
        window = charging.Window(context.settings.organisation, options.start, options.end)
        result = charging.reconcile(context, data, options.provider, window)
    if options.json:
        print(json.dumps(reconciliation.as_body(result), indent=2, ensure_ascii=False))
    else:
        _print(result)
    return 0 if result.is_complete else 1


def _print(result: "Reconciliation") -> None:
    from governance.spending import reconciliation

    told = reconciliation.as_body(result)
    for kind in ("matched", "resolved", "ours_only", "vendor_only"):
        print(f"{kind.replace('_', ' ')}: {len(told[kind])}")
        for row in told[kind]:
            print(f"  {_row(row)}")
    for total in told["sums"]:
        print(f"{total['currency']}: {total['invoiced']} invoiced, {total['recorded']} recorded")


def _row(row: dict[str, Any]) -> str:
    parts = [row.get("generation") or f"row {row['row']}", row["job"] or "no job"]
    parts += [
        f"{row[name]} {row['currency']} {name}" for name in ("invoiced", "recorded") if name in row
    ]
    if row.get("difference") not in (None, "0"):
        parts.append(f"difference {row['difference']}")
    return "  ".join(parts)


def _amounts(sums: dict[str, str]) -> str:
    return ", ".join(f"{amount} {currency}" for currency, amount in sums.items()) or "nothing"


def _price(text: str) -> "Price":
    from governance.kernel.errors import InvalidRequest
    from governance.spending.rate_cards import Price

    model, _, amounts = text.partition("=")
    per_second, _, per_item = amounts.partition("+")
    try:
        return Price(model, Decimal(per_second), Decimal(per_item or 0))
    except InvalidOperation:
        raise InvalidRequest(
            "rate_card_invalid", "Write --price as MODEL=PER_SECOND or MODEL=PER_SECOND+PER_ITEM."
        ) from None


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise argparse.ArgumentTypeError(f"“{text}” is no number") from None


def _moment(text: str) -> datetime:
    from governance.kernel import clock

    try:
        return clock.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{error}") from None
