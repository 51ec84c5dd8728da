"""The media store: a folder per owner (a generation), files named by the sha256 of their bytes."""

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from governance.kernel import clock, ids
from governance.kernel.errors import NotFound, Unavailable

SUFFIX = {
    "video/mp4": ".mp4",
    "video/quicktime": ".mov",
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "audio/wav": ".wav",
    "audio/mpeg": ".mp3",
}
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_ABANDONED = 86400.0  # seconds after which work in progress must be a dead process's


def sha256_file(path: Path) -> str:
    """Lower-case hexadecimal sha256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class MediaStore:
    """A file is written once, whole, under its digest, or not at all."""

    def __init__(self, root: Path, min_free: int = 0) -> None:
        self._files = root / "files"
        self._staging = root / "staging"
        self._min_free = min_free
        self._files.mkdir(parents=True, exist_ok=True)
        self._staging.mkdir(parents=True, exist_ok=True)
        self._sweep()

    @contextmanager
    def staging(self, suffix: str = "") -> Iterator[Path]:
        """A path for work in progress; whatever lies there at the end is removed.

        Raises Unavailable (`disk_full`) when less than the configured minimum is free.
        """
        self.require_room()
        path = self._staging / (ids.new_id("tmp") + suffix)
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    def require_room(self) -> None:
        """Raises Unavailable (`disk_full`); to be asked again while a long file comes in."""
        if shutil.disk_usage(self._staging).free < self._min_free:
            raise Unavailable("disk_full", "The media store has no room; free disk space.")

    def keep(self, path: Path, owner: str) -> str:
        """Move a finished file into the store, durably; returns its digest."""
        digest = sha256_file(path)
        target = self._target(owner, digest)
        target.parent.mkdir(exist_ok=True)
        with path.open("rb") as stream:
            os.fsync(stream.fileno())
        path.replace(target)
        for folder in (target.parent, self._files):
            _sync_folder(folder)
        return digest

    def path(self, owner: str, digest: str) -> Path:
        """Where a stored file lies. Raises NotFound (`media_missing`)."""
        target = self._target(owner, digest)
        if not target.is_file():
            raise NotFound("media_missing", f"The file {digest} is no longer stored.")
        return target

    def remove(self, owner: str) -> None:
        """Remove all files of one owner; nobody else's, even where the bytes are the same."""
        shutil.rmtree(self._folder(owner), ignore_errors=True)

    def sweep(self, before: datetime, suffix: str = "") -> None:
        """Remove work in progress that was last touched before a moment: its process is dead."""
        for path in self._staging.glob(f"*{suffix}"):
            with suppress(FileNotFoundError):  # its own process may finish it meanwhile
                if path.stat().st_mtime < before.timestamp():
                    path.unlink()

    def _target(self, owner: str, digest: str) -> Path:
        return self._folder(owner) / digest

    def _sweep(self) -> None:
        """Remove what processes left that were killed at work."""
        newest = clock.now().timestamp() - _ABANDONED
        for path in self._staging.iterdir():
            if path.stat().st_mtime < newest:
                path.unlink(missing_ok=True)

    def _folder(self, owner: str) -> Path:
        if not _NAME.fullmatch(owner):  # `..` or nothing would reach other people's files
            raise ValueError(f"{owner!r} cannot own files")
        return self._files / owner


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
