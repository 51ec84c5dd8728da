"""Commands for rule packs: `governance policies …`."""

import argparse
from pathlib import Path

from governance.cli.data import Commands


def add_to(commands: Commands) -> None:
    policies = commands.add_parser("policies", help="work with rule packs")
    actions = policies.add_subparsers(required=True, metavar="ACTION")
    check = actions.add_parser("check", help="say what is wrong, with file and line")
    check.add_argument("folder", type=Path, nargs="?", help="policies folder")
    check.set_defaults(run=_check)


def _check(options: argparse.Namespace) -> int:
    from governance import policy
    from governance.kernel.settings import packaged
    from governance.review import reasons
    from governance.routing import catalogue
    from governance.screening import prompt

    folder = options.folder or packaged("policies")
    checks = (policy.check, catalogue.check, prompt.check, reasons.check)
    faults = [str(fault) for check in checks for fault in check(folder)]
    count = "1 fault" if len(faults) == 1 else f"{len(faults) or 'no'} faults"
    print("\n".join([*faults, f"policies: {count}"]))
    return 1 if faults else 0
