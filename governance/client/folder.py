"""A watched folder: finished files that appear in it enter the service as imports.

A file goes in once nobody writes to it any more, with what a sidecar (`clip.mp4.json`, to be
written before it) says of it. What the service answered stands beside it in the folder `done` or
`failed`, as `clip.mp4.governance.json`, and is kept up to date until the end. The same file with
the same words is the same import, however often it is sent: a crash at any moment loses nothing.
"""

import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from governance.client.client import FINISHED, GovernanceApiError, GovernanceClient

DONE, FAILED = "done", "failed"
SIDECAR, RESULT = ".json", ".governance.json"
UNFINISHED = (".part", ".tmp", ".temp", ".crdownload", ".filepart", ".partial", "~")
NOT_FOUND = 404
MAX_SIDECAR = 64 * 1024  # bytes
CHUNK = 1024 * 1024  # bytes
# Statuses and a code after which the same call may succeed later.
LATER = (401, 408, 425, 429)
STOPPED = "stopped"
SIDECAR_FIELDS = ("source_type", "ingredients", "description", "governance")


class SidecarError(Exception):
    """A sidecar that does not say what it should; the file beside it cannot enter."""


@dataclass(frozen=True)
class Words:
    """What is said of a file besides its bytes; governance: the fields of a request, as text."""

    source_type: str = "compositeWithTrainedAlgorithmicMedia"
    ingredients: tuple[str, ...] = ()
    description: str = ""
    governance: Mapping[str, str] = field(default_factory=dict)


class WatchedFolder:
    """words: what holds for every file whose sidecar does not say otherwise; settle: seconds
    without a change after which a file is complete."""

    def __init__(
        self, client: GovernanceClient, folder: Path, words: Words, *, settle: float = 2.0
    ) -> None:
        self._client = client
        self._folder = folder
        self._words = words
        self._settle = settle
        self._seen: dict[Path, tuple[tuple[int, int], float]] = {}
        for name in (DONE, FAILED):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self._open = set(filter(_is_open, (folder / DONE).glob(f"*{RESULT}")))

    @property
    def waiting(self) -> int:
        """Files that were there at the last look and have not been sent."""
        return len(self._seen)

    def look(self) -> Iterator[Path]:
        """Send in what is complete; each result as it is written.

        Raises httpx.HTTPError where the service does not answer, GovernanceApiError where it has no
        room or no trust now: the file stays for the next look.
        """
        for path in self._complete():
            yield self._send(path)

    def refresh(self) -> int:
        """Write anew the results of what has not come to its end; how many have not. Raises as
        `look` does."""
        for path in sorted(self._open):
            known = json.loads(path.read_text("utf-8"))
            try:
                now = self._client.video(known["id"])
            except GovernanceApiError as error:
                if error.status != NOT_FOUND:
                    raise
                now = {"status": "failed", "error": {"code": error.code, "message": error.message}}
            _write(path, {**known, **_told(now)})
            if now["status"] in FINISHED:
                self._open.discard(path)
        return len(self._open)

    def _complete(self) -> list[Path]:
        """Files that have not changed since an earlier look a while ago, oldest first."""
        now, before, ready = time.monotonic(), self._seen, []
        self._seen = {}
        for path in self._folder.iterdir():
            if _is_media(path):
                status = path.stat()
                shape = (status.st_size, status.st_mtime_ns)
                earlier, since = before.get(path, (None, now))
                self._seen[path] = (shape, since if earlier == shape else now)
                if earlier == shape and now - since >= self._settle:
                    ready.append(path)
        return sorted(ready, key=lambda path: (path.stat().st_mtime_ns, path.name))

    def _send(self, path: Path) -> Path:
        digest = _sha256(path)
        try:
            words = _read_words(path, self._words)
            answer = self._import(path, digest, words)
        except SidecarError as error:
            fault = {"code": "sidecar_invalid", "message": str(error)}
            return self._keep(path, digest, FAILED, {"error": fault})
        except GovernanceApiError as error:
            if error.status in LATER or error.status >= 500 or error.code == STOPPED:
                raise
            fault = {"code": error.code, "message": error.message, **error.details}
            return self._keep(path, digest, FAILED, {"error": fault})
        return self._keep(path, digest, DONE, {"id": answer["id"], **_told(answer)})

    def _import(self, path: Path, digest: str, words: Words) -> dict[str, Any]:
        said = json.dumps([digest, vars(words)], sort_keys=True, default=dict)
        return self._client.import_asset(
            path,
            source_type=words.source_type,
            ingredients=words.ingredients,
            description=words.description,
            metadata=words.governance,
            idempotency_key=f"folder-{hashlib.sha256(said.encode()).hexdigest()}",
        )

    def _keep(self, path: Path, digest: str, place: str, result: dict[str, Any]) -> Path:
        """The result first, then the file itself: what a crash leaves is sent and moved again."""
        folder, name = self._folder / place, path.name
        if (folder / name).exists() and _sha256(folder / name) != digest:
            name = f"{path.stem}.{digest[:12]}{path.suffix}"
        written = folder / f"{name}{RESULT}"
        _write(written, {"file": name, "sha256": digest, **result})
        if _is_open(written):
            self._open.add(written)
        sidecar = _sidecar(path)
        if sidecar.is_file():
            sidecar.replace(folder / f"{name}{SIDECAR}")
        path.replace(folder / name)
        self._seen.pop(path, None)
        return written


def _is_open(result: Path) -> bool:
    """Whether a result tells of something that has not come to its end."""
    status = json.loads(result.read_text("utf-8")).get("status")
    return status is not None and status not in FINISHED


def _is_media(path: Path) -> bool:
    name = path.name
    is_ours = name.startswith(".") or name.endswith((SIDECAR, *UNFINISHED))
    return not is_ours and path.is_file() and not path.is_symlink()


def _sidecar(path: Path) -> Path:
    return path.with_name(f"{path.name}{SIDECAR}")


def _read_words(path: Path, otherwise: Words) -> Words:
    """What the sidecar says, and otherwise what holds for the folder. Raises SidecarError."""
    sidecar = _sidecar(path)
    if not sidecar.is_file():
        return otherwise
    if sidecar.stat().st_size > MAX_SIDECAR:
        raise SidecarError(f"{sidecar.name} has more than {MAX_SIDECAR:,} bytes.")
    try:
        said = json.loads(sidecar.read_text("utf-8"))
    except ValueError:
        raise SidecarError(f"{sidecar.name} is not JSON.") from None
    governance = said.get("governance", {}) if isinstance(said, dict) else None
    if not isinstance(governance, dict) or set(said) - set(SIDECAR_FIELDS):
        raise SidecarError(
            f"{sidecar.name} is an object with only these names: {', '.join(SIDECAR_FIELDS)}."
        )
    ingredients = _text(said.get("ingredients", ()), "ingredients")
    return Words(
        source_type=_text(said.get("source_type", otherwise.source_type), "source_type"),
        ingredients=tuple(filter(None, ingredients.split(","))) or otherwise.ingredients,
        description=_text(said.get("description", otherwise.description), "description"),
        governance={
            **otherwise.governance,
            **{name: _text(value, name) for name, value in governance.items()},
        },
    )


def _text(value: Any, name: str) -> str:
    """Text, or several with commas between."""
    items = value if isinstance(value, list | tuple) else [value]
    if not all(isinstance(item, str) for item in items):
        raise SidecarError(f"`{name}` is text, or a list of texts.")
    return ",".join(items)


def _told(answer: Mapping[str, Any]) -> dict[str, Any]:
    return {name: answer.get(name) for name in ("status", "error", "governance")}


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _write(path: Path, value: Mapping[str, Any]) -> None:
    """Whole or not at all."""
    draft = path.with_name(f".{path.name}.tmp")
    with draft.open("w", encoding="utf-8") as stream:
        json.dump(value, stream, indent=2)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path)


Unanswered = (httpx.HTTPError, GovernanceApiError)
