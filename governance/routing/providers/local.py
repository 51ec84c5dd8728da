"""The provider that needs nothing: procedural media made on this machine, free of charge."""

import os
import re
import shutil
import threading
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson

from governance.kernel import ids
from governance.routing import procedural
from governance.routing.provider import Fault, Job, Order, Status

RENDERERS = 2  # at a time: each keeps a core busy
_KEY = re.compile(r"[A-Za-z0-9_-]{1,100}")


class LocalProvider:
    """Keeps one small file per job in `folder`, without the prompt; renders when polled.

    A job's media can be made again at any time, byte for byte from the same recipe, so a crash
    at any point loses nothing.
    """

    name = "local"
    recoverable = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._renderers = threading.BoundedSemaphore(RENDERERS)
        folder.mkdir(parents=True, exist_ok=True)

    def configured(self) -> bool:
        return True

    def submit(self, order: Order) -> tuple[Job, str]:
        """Store the recipe under the order's key; the same key again is the same job."""
        _check(order)
        recipe = procedural.recipe(
            order.media,
            order.prompt,
            order.key,
            seconds=order.seconds,
            width=order.width,
            height=order.height,
        )
        body = orjson.dumps({"model": order.model, "recipe": asdict(recipe)})
        if self._read(order.key) is None:
            self._write(order.key, body)
        return Job(order.key, order.media, self.name, order.model), body.decode()

    def poll(self, job: Job) -> Status:
        """Render now, unless enough is being rendered: then the job waits like any other."""
        if not self._renderers.acquire(blocking=False):
            return Status("running", 0)
        try:
            self._media(job)
        except Fault as fault:
            return Status("failed", 0, fault.kind, fault.message)
        except OSError as error:
            return Status("running", 0, "unavailable", f"Cannot write here: {error.strerror}.")
        finally:
            self._renderers.release()
        return Status("succeeded", 100, cost=Decimal(0))

    def fetch(self, job: Job, target: Path, limit: int) -> None:
        """Hand the file over; if it is asked for again it is rendered again."""
        media = self._media(job)
        if media.stat().st_size > limit:
            raise Fault("internal", f"The file is larger than {limit} bytes.")
        shutil.move(media, target)

    def cancel(self, job: Job) -> bool:
        self._path(job.id, ".json").unlink(missing_ok=True)
        self._path(job.id, ".media").unlink(missing_ok=True)
        return True

    def recover(self, key: str) -> Job | None:
        stored = self._read(key)
        if stored is None:
            return None
        return Job(key, stored["recipe"]["media"], self.name, stored["model"])

    def _media(self, job: Job) -> Path:
        """The finished file, rendered now unless it lies there already."""
        stored = self._read(job.id)
        if stored is None:
            raise Fault("gone", "There is no such job on this machine.")
        media = self._path(job.id, ".media")
        if not media.exists():
            part = self._path(job.id, f".{ids.new_id('part')}")
            try:
                procedural.render(part, procedural.Recipe(**stored["recipe"]))
                part.replace(media)
            finally:
                part.unlink(missing_ok=True)
        return media

    def _read(self, key: str) -> dict[str, Any] | None:
        try:
            stored: dict[str, Any] = orjson.loads(self._path(key, ".json").read_bytes())
        except FileNotFoundError:
            return None
        return stored

    def _write(self, key: str, body: bytes) -> None:
        part = self._path(key, f".{ids.new_id('part')}")
        with part.open("wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._path(key, ".json"))

    def _path(self, key: str, suffix: str) -> Path:
        return self._folder / f"{key}{suffix}"


def _check(order: Order) -> None:
    if not _KEY.fullmatch(order.key):
        raise Fault("invalid", "The order's key is not usable as a file name.")
    if order.media != "audio" and not all(_usable(side) for side in (order.width, order.height)):
        raise Fault("invalid", "Width and height must be even, from 64 to 4096 pixels.")
    if order.media != "image" and not 1 <= order.seconds <= 60:
        raise Fault("invalid", "The length must be 1 to 60 seconds.")


def _usable(side: int) -> bool:
    return 64 <= side <= 4096 and side % 2 == 0
