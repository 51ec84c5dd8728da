"""Commands for the catalogue of models: `governance catalogue check`, `governance models`."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from governance.cli.data import Commands, add_data, published

if TYPE_CHECKING:
    from governance.routing import Catalogue, Model

COLUMNS = ("MODEL", "TIER", "QUALITY", "LATENCY s", "USD", "REVIEWED", "STATE")


def add_to(commands: Commands) -> None:
    catalogue = commands.add_parser("catalogue", help="work with the catalogue of models")
    actions = catalogue.add_subparsers(required=True, metavar="ACTION")
    check = actions.add_parser("check", help="faults, stale entries and ends that are near")
    check.add_argument("folder", type=Path, nargs="?", help="policies folder")
    check.set_defaults(run=_check)

    models = commands.add_parser("models", help="list the models that can be asked for")
    models.add_argument("--all", action="store_true", help="those that cannot be asked, too")
    models.add_argument("--organisation", help="default: the one of the settings")
    add_data(models)
    models.set_defaults(run=_models)


def _check(options: argparse.Namespace) -> int:
    """Exit status 1 for faults and for entries too old to route to."""
    from governance.kernel.settings import packaged
    from governance.routing import catalogue, tiers

    folder = options.folder or packaged("policies")
    faults = [str(fault) for part in (catalogue, tiers) for fault in part.check(folder)]
    if faults:
        print("\n".join([*faults, f"catalogue: {_counted(len(faults), 'fault')}"]))
        return 1
    known = catalogue.load(folder)
    stale, warnings = list(_stale(known)), list(_warnings(known))
    told = f"catalogue: {_counted(len(known.models), 'model')}, {len(stale)} stale"
    print("\n".join([*stale, *warnings, told]))
    return 1 if stale else 0


def _stale(known: "Catalogue") -> Iterator[str]:
    from governance.kernel import clock

    today = clock.now().date()
    for model in known.models:
        if not model.retired(today) and known.is_stale(model, today):
            yield (
                f"{model.id}: what is known of it is of {model.as_of}, older than "
                f"{known.horizon.stale_after} days; nothing is routed there"
            )


def _warnings(known: "Catalogue") -> Iterator[str]:
    from governance.kernel import clock

    today = clock.now().date()
    for model in known.models:
        yield from known.warnings(model, today)


def _models(options: argparse.Namespace) -> int:
    with published(options.data) as context:
        organisation = options.organisation or context.settings.organisation
        rows: list[tuple[str, ...]] = [COLUMNS]
        for model in context.catalogue.models:
            provider = context.providers.get(organisation, model.provider or "")
            is_there = provider is not None and provider.configured()
            state = _state(context.catalogue, model, is_there)
            if options.all or is_there:
                rows.append(_row(model, context.knowledge.describe(organisation, model), state))
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())
    return 0


def _state(known: "Catalogue", model: "Model", is_there: bool) -> str:
    from governance.kernel import clock

    today = clock.now().date()
    if model.retired(today):
        return f"retired on {model.retired_on}"
    if model.price is None:
        return "no price known"
    if known.is_stale(model, today):
        return f"stale since {model.as_of}"
    if not is_there:
        return "no account"
    return f"ends on {model.retired_on}" if model.retired_on else model.status


def _row(model: "Model", told: dict[str, Any], state: str) -> tuple[str, ...]:
    """One line of the table: estimates with what they rest on, and the span of prices."""
    quality, latency, price = told["quality"], told["latency"], told["price"]
    measured = told["measured"]
    cost = "-"
    if price:
        ends = dict.fromkeys((price["usd_from"], price["usd_to"]))
        cost = f"{'-'.join(ends)}/{price['per']}"
    return (
        model.id,
        model.tier,
        f"{quality['mean']} ({quality['low']}-{quality['high']}, {quality['basis']})",
        f"{latency['usual']}-{latency['slow']} ({latency['basis']})",
        cost,
        f"{measured['approved']}/{measured['reviewed']}",
        state,
    )


def _counted(count: int, noun: str) -> str:
    return f"1 {noun}" if count == 1 else f"{count} {noun}s"
