"""Media that a vendor sent as the very answer to an order: kept until it has been fetched.

What lies here was paid for. It is written under the order's key, whole and durably, before the
answer counts as received, so a crash right after it loses nothing.
"""

import os
import re
import shutil
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from governance.domain import Media
from governance.kernel import ids
from governance.routing.outputs import media_of

_KEY = re.compile(r"[A-Za-z0-9_-]{1,100}")
_FOLDER = "spool"
# The adapters that keep what they are answered here, by name, and which media: the id of such a job
# is the order's key, so whoever may name a job could name another's file.
ANSWERED: Mapping[str, Collection[Media]] = {
    "google": ("image", "audio"),
    "openai": ("image", "audio"),
}


def is_answered(provider: str, media: Media) -> bool:
    """Whether a provider's answer to an order of this kind is the media itself."""
    return media in ANSWERED.get(provider, ())


class Spool:
    """A folder with one file per order. key: the order's; anything else raises ValueError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    @classmethod
    def of(cls, data_dir: Path) -> "Spool":
        """The spool of a data folder."""
        return cls(data_dir / _FOLDER)

    def put(self, key: str, content: bytes) -> None:
        """Keep the media of an order; the same key again replaces it."""
        target = self._path(key)
        part = self._folder / f"{ids.new_id('part')}"
        try:
            with part.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)

    def has(self, key: str) -> bool:
        return self._path(key).is_file()

    def take(self, key: str, target: Path) -> int:
        """Copy an order's media to `target`; its size. Raises FileNotFoundError."""
        return shutil.copyfile(self._path(key), target).stat().st_size

    def media(self, key: str) -> Media | None:
        """Which medium lies there; None where nothing does, or nothing that we take."""
        return media_of(self._path(key)) if self.has(key) else None

    def remove(self, key: str) -> None:
        self._path(key).unlink(missing_ok=True)

    def sweep(self, before: datetime) -> None:
        """Remove what was put there before a moment; by then it is in our store, or given up."""
        for path in self._folder.iterdir():
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < before.timestamp():
                    path.unlink()

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise ValueError("an order's key that is no file name")
        return self._folder / f"{key}.media"
