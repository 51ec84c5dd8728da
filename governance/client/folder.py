"""A watched folder, on a disk or in a bucket: files that appear in it enter as imports.

A file goes in once nobody writes to it any more, with what a sidecar (`clip.mp4.json`, to be
written before it) says of it. What the service answered stands beside it in the folder `done` or
`failed`, as `clip.mp4.governance.json`, and is kept up to date until the end. The same file with
the same words is the same import, however often it is sent: a crash at any moment loses nothing.
"""

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from governance.client.client import FINISHED, GovernanceApiError, GovernanceClient
from governance.client.places import Entry, FileUnreadable, Place, PlaceMissing, PlaceUnavailable

DONE, FAILED = "done", "failed"
SIDECAR, RESULT = ".json", ".governance.json"
UNFINISHED = (".part", ".tmp", ".temp", ".crdownload", ".filepart", ".partial", "~")
FORBIDDEN, NOT_FOUND = 403, 404
MAX_SIDECAR = 64 * 1024  # bytes
MAX_RESULT = 4 * 1024 * 1024  # bytes
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
        self, client: GovernanceClient, place: Place, words: Words, *, settle: float = 2.0
    ) -> None:
        self._client = client
        self._place = place
        self._words = words
        self._settle = settle
        self._seen: dict[str, tuple[str, float]] = {}
        self._open: set[str] | None = None  # results to keep up to date, once they were read

    @property
    def waiting(self) -> int:
        """Files that were there at the last look and have not been sent."""
        return len(self._seen)

    def look(self) -> Iterator[str]:
        """Send in what is complete; each result's name as it is written.

        Raises httpx.HTTPError where the service does not answer, GovernanceApiError where it has no
        room or no trust now, PlaceUnavailable: the file stays for the next look.
        """
        unreadable = None
        for entry in self._complete():
            try:
                yield self._send(entry.name)
            except (PlaceMissing, FileNotFoundError):
                self._seen.pop(entry.name, None)
            except FileUnreadable as error:
                unreadable = error
        if unreadable:
            raise unreadable

    def refresh(self) -> int:
        """Write anew the results of what has not come to its end; how many have not. Raises as
        `look` does."""
        if self._open is None:
            self._open = {name for name in self._results() if _is_open(self._result(name))}
        for name in sorted(self._open):
            known = self._result(name)
            if known is None:
                self._open.discard(name)
                continue
            try:
                now = self._client.video(known["id"])
            except GovernanceApiError as error:
                if error.status == FORBIDDEN:  # who may import need not be able to read
                    self._open.discard(name)
                    continue
                if error.status != NOT_FOUND:
                    raise
                now = {"status": "failed", "error": {"code": error.code, "message": error.message}}
            self._write(name, {**known, **_told(now)})
            if now["status"] in FINISHED:
                self._open.discard(name)
        return len(self._open)

    def _complete(self) -> list[Entry]:
        """Files that have not changed since an earlier look a while ago, oldest first."""
        now, before, ready = time.monotonic(), self._seen, []
        self._seen = {}
        for entry in filter(_is_media, self._place.entries()):
            earlier, since = before.get(entry.name, ("", now))
            self._seen[entry.name] = (entry.shape, since if earlier == entry.shape else now)
            if earlier == entry.shape and now - since >= self._settle:
                ready.append(entry)
        return sorted(ready, key=lambda entry: (entry.since, entry.name))

    def _send(self, name: str) -> str:
        with self._place.local(name) as path:
            digest = _sha256(path)
            if kept := self._half_kept(name, digest):
                return self._move(name, kept)
            try:
                words = _read_words(self._place, name, self._words)
                answer = self._import(path, digest, words)
            except SidecarError as error:
                fault = {"code": "sidecar_invalid", "message": str(error)}
                return self._keep(name, digest, FAILED, {"error": fault})
            except GovernanceApiError as error:
                if error.status in LATER or error.status >= 500 or error.code == STOPPED:
                    raise
                fault = {"code": error.code, "message": error.message, **error.details}
                return self._keep(name, digest, FAILED, {"error": fault})
        return self._keep(name, digest, DONE, {"id": answer["id"], **_told(answer)})

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

    def _keep(self, name: str, digest: str, folder: str, result: dict[str, Any]) -> str:
        """The result first, then the file itself: what a crash leaves is sent and moved again."""
        kept = f"{folder}/{name}"
        if self._is_taken(kept, digest):
            kept = _renamed(folder, name, digest)
        written = f"{kept}{RESULT}"
        told = {"file": kept.rpartition("/")[2], "sha256": digest, **result}
        self._write(written, told)
        if self._open is not None and _is_open(told):
            self._open.add(written)
        return self._move(name, kept)

    def _half_kept(self, name: str, digest: str) -> str | None:
        """Where a file belongs whose result is written, and which a crash kept from getting there.

        Its sidecar may lie there already: to send it again would be to send it without.
        """
        for folder in (DONE, FAILED):
            for kept in (f"{folder}/{name}", _renamed(folder, name, digest)):
                result = self._result(f"{kept}{RESULT}")
                if result and result.get("sha256") == digest and self._place.read(kept, 0) is None:
                    return kept
        return None

    def _move(self, name: str, kept: str) -> str:
        """Put a file and its sidecar beside the result; the result's name."""
        with suppress(PlaceMissing):
            self._place.move(f"{name}{SIDECAR}", f"{kept}{SIDECAR}")
        self._place.move(name, kept)
        self._seen.pop(name, None)
        return f"{kept}{RESULT}"

    def _is_taken(self, kept: str, digest: str) -> bool:
        """Whether another file of that name went the same way before."""
        before = self._result(f"{kept}{RESULT}")
        return before is not None and before.get("sha256") != digest

    def _results(self) -> list[str]:
        names = (entry.name for entry in self._place.entries(DONE))
        return [f"{DONE}/{name}" for name in names if name.endswith(RESULT)]

    def _result(self, name: str) -> dict[str, Any] | None:
        """What a result says; None where there is none."""
        content = self._place.read(name, MAX_RESULT)
        return None if content is None else json.loads(content)

    def _write(self, name: str, result: Mapping[str, Any]) -> None:
        self._place.write(name, json.dumps(result, indent=2).encode())


def _renamed(folder: str, name: str, digest: str) -> str:
    path = Path(name)
    return f"{folder}/{path.stem}.{digest[:12]}{path.suffix}"


def _is_open(result: Mapping[str, Any] | None) -> bool:
    """Whether a result tells of something that has not come to its end."""
    status = (result or {}).get("status")
    return status is not None and status not in FINISHED


def _is_media(entry: Entry) -> bool:
    return not entry.name.startswith(".") and not entry.name.endswith((SIDECAR, *UNFINISHED))


def _read_words(place: Place, name: str, otherwise: Words) -> Words:
    """What the sidecar says, and otherwise what holds for the folder. Raises SidecarError."""
    sidecar = f"{name}{SIDECAR}"
    content = place.read(sidecar, MAX_SIDECAR)
    if content is None:
        return otherwise
    if len(content) > MAX_SIDECAR:
        raise SidecarError(f"{sidecar} has more than {MAX_SIDECAR:,} bytes.")
    try:
        said = json.loads(content)
    except ValueError:
        raise SidecarError(f"{sidecar} is not JSON.") from None
    governance = said.get("governance", {}) if isinstance(said, dict) else None
    if not isinstance(governance, dict) or set(said) - set(SIDECAR_FIELDS):
        raise SidecarError(
            f"{sidecar} is an object with only these names: {', '.join(SIDECAR_FIELDS)}."
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


Unanswered = (httpx.HTTPError, GovernanceApiError, PlaceUnavailable)
