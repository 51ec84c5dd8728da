"""Where a watched folder lies: the few things that it does with files, on a disk.

Names are relative to the place, with `/` between a folder and a file in it.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class PlaceUnavailable(Exception):
    """The place does not answer now; nothing was done, and the next look may find it again."""


class FileUnreadable(PlaceUnavailable):
    """This file cannot be read; others of the place may."""


class PlaceMissing(Exception):
    """The file is not there any more: another watcher, or a person, was faster."""


@dataclass(frozen=True)
class Entry:
    """A file of the place itself. shape: changes with its content; since: orders by age."""

    name: str
    shape: str
    since: float


class Place(Protocol):
    """Raises PlaceUnavailable where it does not answer, PlaceMissing for a file that is gone."""

    def entries(self, folder: str = "") -> list[Entry]:
        """The files of one folder, without those below it."""
        ...

    def local(self, name: str) -> AbstractContextManager[Path]:
        """The file on this machine while the block runs."""
        ...

    def read(self, name: str, limit: int) -> bytes | None:
        """At most `limit` + 1 bytes; None where there is no such file."""
        ...

    def write(self, name: str, content: bytes) -> None:
        """Whole or not at all."""
        ...

    def move(self, name: str, to: str) -> None: ...


class Folder:
    """A folder of a disk."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def __str__(self) -> str:
        return str(self._root)

    def entries(self, folder: str = "") -> list[Entry]:
        return list(self._entries(self._root / folder))

    @contextmanager
    def local(self, name: str) -> Iterator[Path]:
        path = self._root / name
        with _present(name):
            path.open("rb").close()
        yield path

    def read(self, name: str, limit: int) -> bytes | None:
        try:
            with (self._root / name).open("rb") as stream:
                return stream.read(limit + 1)
        except FileNotFoundError:
            return None

    def write(self, name: str, content: bytes) -> None:
        path = self._root / name
        path.parent.mkdir(exist_ok=True)
        draft = path.with_name(f".{path.name}.tmp")
        with draft.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)

    def move(self, name: str, to: str) -> None:
        path = self._root / to
        path.parent.mkdir(exist_ok=True)
        with _present(name):
            (self._root / name).replace(path)

    def _entries(self, folder: Path) -> Iterator[Entry]:
        for path in folder.iterdir() if folder.is_dir() else ():
            with suppress(FileNotFoundError):  # gone since the folder was read
                status = path.lstat()
                if stat.S_ISREG(status.st_mode):
                    shape = f"{status.st_size} {status.st_mtime_ns}"
                    yield Entry(path.name, shape, status.st_mtime)


@contextmanager
def _present(name: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise PlaceMissing(name) from None
    except PermissionError:
        raise FileUnreadable(f"{name} must not be read or moved; check its permissions") from None
