"""Parsing the command line. Each command imports what it needs; `verify` loads no server."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from governance import __version__
from governance.cli import (
    accounts,
    agents,
    catalogue,
    detection,
    evidence,
    graphs,
    mandates,
    marks,
    people,
    policies,
    productions,
    roles,
    service,
    services,
    spending,
    switches,
    watch,
    webhooks,
)

GROUPS = (
    service,
    evidence,
    detection,
    marks,
    people,
    services,
    roles,
    agents,
    mandates,
    switches,
    spending,
    watch,
    webhooks,
    productions,
    accounts,
    graphs,
    catalogue,
    policies,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0 done, 1 refused or not verified, 2 bad usage."""
    options = _parser().parse_args(arguments)
    try:
        status = _run(options)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _run(options: argparse.Namespace) -> int:
    run: Callable[[argparse.Namespace], int] = options.run
    if run is evidence.verify:  # loads nothing of the service, not even its errors
        return run(options)
    from governance.kernel.errors import GovernanceError

    try:
        return run(options)
    except GovernanceError as error:
        print(f"governance: {error.message}", file=sys.stderr)
    except BrokenPipeError:
        raise
    except OSError as error:  # a file or folder that was named cannot be read or written
        print(f"governance: {error}", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="governance", description="Governance service for AI media generation."
    )
    parser.add_argument("--version", action="version", version=f"governance {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for group in GROUPS:
        group.add_to(commands)
    return parser
