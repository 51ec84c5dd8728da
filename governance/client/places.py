"""Where a watched folder lies: the few things that it does with files, on a disk.

Names are relative to the place, with `/` between a folder and a file in it.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class PlaceUnavailable(Exception):
    """The place does not answer now; nothing was done, and the next look may find it again."""


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

    def local(self, name: str) -> AbstractContextManager[Path]:
        return nullcontext(self._root / name)

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
            if path.is_file() and not path.is_symlink():
                status = path.stat()
                shape = f"{status.st_size} {status.st_mtime_ns}"
                yield Entry(path.name, shape, status.st_mtime)


@contextmanager
def _present(name: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise PlaceMissing(name) from None
