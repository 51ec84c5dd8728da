"""Working on a data folder without a running server."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from governance.app import Platform
    from governance.lifecycle.context import Context

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, help="data folder (default: data)")


@contextmanager
def published(data: Path | None) -> Iterator["Context"]:
    """The data folder's context with everything pending published; no engine runs.

    Raises ConfigurationError (`data_missing`): a folder mistyped must not become a new service.
    """
    from governance.app import open_platform
    from governance.kernel import settings
    from governance.kernel.errors import ConfigurationError

    chosen = settings.load(**({"data_dir": data} if data else {}))
    if not chosen.keys_dir.is_dir():
        raise ConfigurationError(
            "data_missing",
            f"There is no service in {chosen.data_dir}. Name its folder with --data; "
            "`governance init` makes a new one.",
        )
    platform = open_platform(chosen)
    try:
        platform.publisher.publish()
        yield platform.context
        platform.publisher.publish()
    finally:
        platform.context.database.close()


def welcome(platform: "Platform") -> None:
    """What only the first start can say."""
    settings = platform.context.settings
    if platform.first is not None:
        print(
            f"\nFirst start. Sign in at {settings.base_url}/sign-in as “admin” with the one-time "
            f"password\n\n    {platform.first.password}\n\nRoot fingerprint for your auditors: "
            f"{platform.context.ledger.keyring.root}\nMove the root key off this machine: "
            f"{settings.keys_dir / 'root-key-README.txt'}\n"
        )


def write(path: Path, data: bytes, context: "Context") -> int:
    path.write_bytes(data)
    print(f"{path}\nVerify: governance verify {path} --root {context.ledger.keyring.root}")
    return 0
