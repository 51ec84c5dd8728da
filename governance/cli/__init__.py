"""The command `governance`: one file per group of commands."""

from governance.cli.main import main

__all__ = ["main"]
