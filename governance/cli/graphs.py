"""Commands for the graphs of ComfyUI servers: `governance graphs …`."""

import argparse
from typing import TYPE_CHECKING

from governance.cli.data import Commands, add_data, published

if TYPE_CHECKING:
    from collections.abc import Iterable

    from governance.routing.graphs import Graph


def add_to(commands: Commands) -> None:
    group = commands.add_parser("graphs", help="approve the graphs that ComfyUI servers may run")
    actions = group.add_subparsers(required=True, metavar="ACTION")

    check = actions.add_parser("check", help="say what is wrong with them, and if they are signed")
    add_data(check)
    check.set_defaults(run=_check)

    sign = actions.add_parser("sign", help="sign the list as it stands, with the service's key")
    add_data(sign)
    sign.set_defaults(run=_sign)


def _check(options: argparse.Namespace) -> int:
    from governance.routing import graphs

    with published(options.data) as context:
        settings, key = context.settings, context.ledger.keyring.record
        listed = graphs.load(settings.policies_dir)
        approval = settings.data_dir / graphs.APPROVAL
        is_signed = graphs.Graphs(settings.policies_dir, approval, key.public).signed()
    _tell(listed)
    print("signed" if is_signed else "not signed: read them, then run `governance graphs sign`")
    return 0 if is_signed else 1


def _sign(options: argparse.Namespace) -> int:
    from governance.routing import graphs

    with published(options.data) as context:
        settings, key = context.settings, context.ledger.keyring.record
        listed = graphs.sign(settings.policies_dir, settings.data_dir / graphs.APPROVAL, key)
    _tell(listed)
    print(f"signed by {key.keyid}")
    return 0


def _tell(listed: "Iterable[Graph]") -> None:
    for graph in listed:
        print(f"{graph.name}  {graph.media}  sha256:{graph.digest}")
