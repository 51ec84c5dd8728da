"""What became of a released file's marks: looked for again in the store and in copies.

A copy on a platform has been transcoded: metadata is gone, the marks in the content must still be
there. The scheduled check makes such a copy itself, so that a loss shows before the public does.
"""

import hashlib
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from governance.domain import Asset, Mark
from governance.evidence.story import Story
from governance.kernel import clock
from governance.kernel.media import SUFFIX
from governance.kernel.settings import Settings
from governance.ledger import Entry
from governance.lifecycle.context import Context
from governance.lifecycle.entries import about, duties_of, media_body
from governance.lifecycle.finishing import read_marks
from governance.lifecycle.outcome import Outcome
from governance.marking.bodies import mark_json
from governance.marking.duties import unmet
from governance.marking.probe import inspect
from governance.marking.reference import transcode

log = logging.getLogger(__name__)
Source = Literal["stored", "reference", "copy"]
# Duties whose marks are in the picture or the sound; a transcode drops whatever is beside it.
IN_CONTENT = frozenset({"mark.watermark", "label.visible", "label.audible"})


def look(context: Context, story: Story, copy: Path, *, host: str, by: str) -> dict[str, Any]:
    """Body of `marks.checked` for a copy from elsewhere. host: where it was fetched, or empty.

    Raises InvalidRequest (`media_unsupported`, `media_corrupt`), TooLarge.
    """
    return _body(context, story, inspect(copy), "copy") | {"host": host or None, "by": by}


def recheck(context: Context, story: Story) -> Outcome:
    """The scheduled check: the stored file, and a reference transcode of it."""
    asset = inspect(context.media.path(story.id, (story.delivered_file or {})["digest"]))
    with context.media.staging(SUFFIX[asset.media_type]) as path:
        transcode(asset.path, path, asset.media_type)
        bodies = (
            _body(context, story, asset, "stored"),
            _body(context, story, inspect(path), "reference"),
        )
    for body in bodies:
        if body["lost"]:
            log.error(
                "a released file lost marks",
                extra={
                    "generation": story.id,
                    "source": body["source"],
                    "lost": " ".join(body["lost"]),
                },
            )
    return Outcome(tuple(_entry(story, body) for body in bodies))


def due_at(story: Story, settings: Settings) -> datetime | None:
    """When a released file is checked next; None unless it belongs to the sample.

    Its id decides that, so that nobody chooses.
    """
    drawn = int.from_bytes(hashlib.sha256(story.id.encode()).digest()[:4], "big") % 100
    if story.deleted or drawn >= settings.recheck_percent:
        return None
    last = clock.parse(story.rechecked_at or story.released_at)
    return last + timedelta(seconds=settings.recheck_interval)


def _body(context: Context, story: Story, asset: Asset, source: Source) -> dict[str, Any]:
    marks = read_marks(context, story, asset)
    lost = unmet(duties_of(story), marks)
    return {
        "media": media_body(asset),
        "source": source,
        "host": None,
        "match": _match(story, asset, marks),
        "marks": [mark_json(mark) for mark in marks],
        "lost": [kind for kind in lost if source != "reference" or kind in IN_CONTENT],
        "by": None,
    }


def _match(story: Story, asset: Asset, marks: Sequence[Mark]) -> str:
    """What ties the file to the generation, the strongest."""
    if asset.digest == (story.delivered_file or {})["digest"]:
        return "identical"
    present = {mark.kind for mark in marks if mark.state == "present"}
    for kind, match in (("watermark", "watermark"), ("c2pa", "metadata")):
        if kind in present:
            return match
    return "fingerprint" if "fingerprint" in present else "none"


def _entry(story: Story, body: dict[str, Any]) -> Entry:
    return about(story, "marks.checked", body, subjects=(("checked", body["media"]["digest"]),))
