"""Commands for the marks of released files: `governance marks …`."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from governance.cli.data import Commands, add_data, published

if TYPE_CHECKING:
    from governance.lifecycle.context import Context

KEPT, LOST, FAILED = 0, 1, 2
STATES = {"present": "found", "absent": "lost", "not_checked": "not checked"}
NEVER = "not written"


def add_to(commands: Commands) -> None:
    group = commands.add_parser("marks", help="check what became of the marks of a released file")
    actions = group.add_subparsers(required=True, metavar="ACTION")
    check = actions.add_parser(
        "check",
        help="look for a released file's marks in a copy; the result is a record",
        epilog="Exit status: 0 if every mark that is due was found, 1 if one was lost, 2 if "
        "the copy could not be looked at.",
    )
    check.add_argument("copy", metavar="FILE_OR_URL")
    check.add_argument("--against", required=True, metavar="GENERATION", help="its id, gen_…")
    add_data(check)
    check.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from governance.kernel.errors import GovernanceError

    try:
        return _check(options)
    except (GovernanceError, OSError) as error:
        print(f"governance: {error}", file=sys.stderr)
        return FAILED


def _check(options: argparse.Namespace) -> int:
    from governance.ledger import SERVICE
    from governance.lifecycle import checking, commands, store

    with published(options.data) as context:
        with context.database.read() as session:
            story = store.peek(session, options.against)
        commands.require_released(story)
        with context.media.staging() as staged:
            path, host = _bring(context, options.copy, staged)
            body = checking.look(context, story, path, host=host, by=SERVICE)
        commands.record_check(context, story.id, body, options.copy if host else "")
    print(f"Tied to {story.id} by: {body['match']}")
    had = {mark["kind"] for mark in story.marks if mark["state"] == "present"}
    for mark in body["marks"]:
        never = mark["state"] == "absent" and mark["kind"] not in had
        state = NEVER if never else STATES[mark["state"]]
        print(f"{mark['kind']:<12} {state:<12} {mark['detail']}")
    if body["lost"]:
        print(f"Lost, though due: {', '.join(body['lost'])}")
    return LOST if body["lost"] else KEPT


def _bring(context: "Context", copy: str, staged: Path) -> tuple[Path, str]:
    """Where the copy lies, and the host that it was fetched from, if it was."""
    from governance.detection.fetching import fetch

    if copy.startswith(("https://", "http://")):
        return staged, fetch(copy, staged, context.settings)
    return Path(copy), ""
