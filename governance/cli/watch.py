"""Watching a folder: `governance watch …`. A client of a running service, wherever that runs."""

import argparse
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from governance.cli.data import Commands

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from governance.client.folder import WatchedFolder
    from governance.client.places import Place

BUCKET = "s3://"
LOCK = ".governance-watch.lock"
TIMEOUT = 300.0  # seconds for one answer: the file is uploaded first
LONGEST_PAUSE = 300.0
REFRESH = 30.0  # seconds between two questions about what has not come to its end


def add_to(commands: Commands) -> None:
    watch = commands.add_parser(
        "watch", help="bring finished files that appear in a folder into the service"
    )
    watch.add_argument("folder", help="a folder of this machine, or s3://bucket/prefix")
    watch.add_argument("--service", default="http://127.0.0.1:8000", help="address of the service")
    keys = watch.add_mutually_exclusive_group(required=True)
    keys.add_argument("--key", type=Path, help="an agent's key file (PEM)")
    keys.add_argument("--api-key", type=Path, help="file that holds a service's API key")
    watch.add_argument("--project", required=True)
    watch.add_argument("--territories", required=True, help="such as EU or DE,FR")
    watch.add_argument("--audience", choices=("public", "internal"), default="public")
    watch.add_argument(
        "--source-type",
        default="compositeWithTrainedAlgorithmicMedia",
        help="IPTC digital source type (compositeWithTrainedAlgorithmicMedia)",
    )
    watch.add_argument("--settle", type=float, default=2.0, help="seconds without a change (2)")
    watch.add_argument("--once", action="store_true", help="end when nothing is left to send")
    watch.set_defaults(run=_watch)


def _watch(options: argparse.Namespace) -> int:
    from governance.client.client import GovernanceClient
    from governance.client.folder import WatchedFolder, Words

    said = {name: getattr(options, name) for name in ("project", "territories", "audience")}
    words = Words(source_type=options.source_type, governance=said)
    auth = _auth(options)
    with (
        _place(options.folder) as place,
        GovernanceClient(options.service, auth=auth, timeout=TIMEOUT) as client,
    ):
        watched = WatchedFolder(client, place, words, settle=options.settle)
        return _until_stopped(watched, place, options.settle, is_once=options.once)


def _until_stopped(
    watched: "WatchedFolder", place: "Place", settle: float, *, is_once: bool
) -> int:
    """Look again and again; with longer pauses while the service does not answer."""
    from governance.client.folder import Unanswered

    pause, refreshed = settle, 0.0
    with suppress(KeyboardInterrupt):
        while True:
            try:
                for result in watched.look():
                    print(f"{place}/{result}", flush=True)
                if is_once and not watched.waiting:
                    return 0
                pause = settle
            except Unanswered as error:
                print(f"governance: {error}; trying again in {pause:.0f} s", file=sys.stderr)
                pause = min(LONGEST_PAUSE, pause * 2)
            if time.monotonic() - refreshed > REFRESH:
                refreshed = time.monotonic()
                with suppress(*Unanswered):
                    watched.refresh()
            time.sleep(pause)
    return 0


def _auth(options: argparse.Namespace) -> "httpx.Auth":
    from governance.client.client import ApiKey
    from governance.client.keyfile import load_key
    from governance.client.signer import RequestSigner

    if options.key:
        return RequestSigner(load_key(options.key))
    return ApiKey(options.api_key.read_text("ascii").strip())


@contextmanager
def _place(folder: str) -> "Iterator[Place]":
    """What is watched. In a bucket two watchers only do the same work twice: an import counts once.

    Raises ConfigurationError (`bucket_invalid`, `extra_missing`), OSError for a folder that cannot
    be watched.
    """
    if folder.startswith(BUCKET):
        yield _bucket(folder)
        return
    from governance.client.places import Folder

    root = Path(folder)
    if not root.is_dir():
        raise NotADirectoryError(f"{root} is not a folder")
    with _alone(root):
        yield Folder(root)


def _bucket(url: str) -> "Place":
    from governance.kernel.errors import ConfigurationError

    try:
        from governance.client.bucket import Bucket

        return Bucket(url)
    except ModuleNotFoundError as error:
        if error.name != "obstore":
            raise
        raise ConfigurationError(
            "extra_missing", "Watching a bucket needs the extra `s3`: pip install 'governance[s3]'."
        ) from None
    except ValueError as error:
        raise ConfigurationError("bucket_invalid", str(error)) from None


@contextmanager
def _alone(folder: Path) -> "Iterator[None]":
    """Two watchers of one folder would move files away under each other."""
    import fcntl

    with (folder / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise OSError(f"{folder} is watched by another process already") from None
        yield
