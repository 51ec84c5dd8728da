"""Commands for detection: detect, verify-detection."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from governance.cli.data import Commands, add_data, published

if TYPE_CHECKING:
    from collections.abc import Callable

    from governance.lifecycle.context import Context

FOUND, NOT_FOUND, FAILED = 0, 1, 2
STATES = {"present": "found", "absent": "not found", "not_checked": "not checked"}


def add_to(commands: Commands) -> None:
    detect = commands.add_parser(
        "detect",
        help="say what a file is, and whether this service released it",
        epilog="Exit status: 0 if every file carries a mark of this service, 1 if one does not, "
        "2 if one could not be looked at.",
    )
    detect.add_argument("files", type=Path, nargs="+", metavar="FILE")
    detect.add_argument("--json", action="store_true", help="the signed results, one a line")
    detect.add_argument("--out", type=Path, help="write the signed result of one file")
    detect.add_argument("--progress", action="store_true", help="tell it, terminal or not")
    add_data(detect)
    detect.set_defaults(run=_detect)

    check = commands.add_parser("verify-detection", help="verify the result of a detection")
    check.add_argument("result", type=Path, help="the signed result (.json)")
    check.add_argument("--root", required=True, help="root fingerprint you were given, SHA256:…")
    check.add_argument("--file", type=Path, help="a file: is it the one that was looked at?")
    check.set_defaults(run=_verify)


def _detect(options: argparse.Namespace) -> int:
    from governance.kernel.errors import GovernanceError, InvalidRequest

    worst = FOUND
    try:
        if options.out and len(options.files) > 1:
            raise InvalidRequest("files_many", "--out takes the result of one file.")
        with published(options.data) as context:
            for path in options.files:
                worst = max(worst, _one(context, path, options))
    except GovernanceError as error:  # of the service itself; those of a file are told with it
        print(f"governance: {error.message}", file=sys.stderr)
        return FAILED
    return worst


def _one(context: "Context", path: Path, options: argparse.Namespace) -> int:
    import orjson

    from governance.detection import statement
    from governance.detection.detect import detect
    from governance.kernel.errors import GovernanceError

    try:
        found = detect(context, path, _progress(path, options.progress))
    except (GovernanceError, OSError) as error:
        print(f"governance: {path}: {error}", file=sys.stderr)
        return FAILED
    settings, keyring = context.settings, context.ledger.keyring
    said = statement.statement(found, settings.base_url, keyring.manifest.origin)
    document = statement.seal(said, keyring.record, keyring.chain)
    if options.out:
        options.out.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")
    print(orjson.dumps(document).decode() if options.json else _text(path, said))
    return FOUND if found.is_found else NOT_FOUND


def _text(path: Path, said: dict[str, Any]) -> str:
    """The verdict, what it rests on, each kind of mark."""
    verdict = said["verdict"]
    basis = ", ".join(verdict["basis"]) or "nothing that was found"
    lines = [f"{path}", f"  {verdict['sentence']}", f"  Basis: {basis}."]
    lines += [f"  Record: {release['record']}" for release in said["releases"]]
    lines += [
        f"  Resembles: {candidate['record']} ({candidate['score']} of 100)"
        for candidate in said["candidates"]
    ]
    lines.append("")
    for mark in said["marks"]:
        lines.append(f"  {mark['kind']:<12} {STATES[mark['state']]:<12} {mark['detail']}")
    return "\n".join(lines)


def _progress(path: Path, is_asked: bool) -> "Callable[[float], None]":
    """On a terminal one line that is written over; elsewhere, if asked for, a line per tenth."""
    is_terminal = sys.stderr.isatty()
    told = -1

    def tell(share: float) -> None:
        nonlocal told
        step = int(share * (100 if is_terminal else 10))
        if step == told or not (is_terminal or is_asked):
            return
        told = step
        end = "\r" if is_terminal and share < 1 else "\n"
        print(f"{path.name}: {share:4.0%}", end=end, file=sys.stderr, flush=True)

    return tell


def _verify(options: argparse.Namespace) -> int:
    from governance.detection import statement
    from governance.evidence.errors import EvidenceError
    from governance.kernel.media import sha256_file

    try:
        said = statement.verify(options.result.read_bytes(), options.root)
        if options.file and sha256_file(options.file) != said["file"]["sha256"]:
            raise EvidenceError(
                "result_of_another_file", f"The result is not of {options.file}: its bytes differ."
            )
    except EvidenceError as error:
        print(f"NOT VERIFIED: {error.message}")
        return 1
    print(f"VERIFIED. At {said['time']} the service found of the file {said['file']['sha256']}:")
    print(f"  {said['verdict']['sentence']}")
    return 0
