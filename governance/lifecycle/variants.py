"""What stands for a released video elsewhere: a still, a sheet of stills, its manifest.

A still shows what the video shows, so it bears the same marks, written and read back like those of
any file; its manifest names the video as its ingredient, its watermark leads to the same record.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Literal

from PIL import Image

from governance.domain import Asset, Duty
from governance.evidence.story import Story
from governance.kernel.errors import Conflict, InvalidRequest
from governance.lifecycle.context import Context
from governance.lifecycle.entries import duties_of
from governance.lifecycle.finishing import mark_context, stored
from governance.marking.credentials.manifest_read import manifest_store
from governance.marking.duties import unmet
from governance.marking.moments import moments_of
from governance.marking.probe import inspect
from governance.marking.read import Known, read
from governance.marking.write import mark

Variant = Literal["video", "thumbnail", "spritesheet", "manifest"]
COLUMNS, ROWS = 4, 3
SHEET_WIDTH = 1920  # pixels, or less for a small video
QUALITY = 92
# Of these an image can bear none, and none is due in it.
_HEARD = "label.audible"


@contextmanager
def picture(context: Context, story: Story, variant: str) -> Iterator[Path]:
    """A JPEG: the first picture, where every label stands, or COLUMNS × ROWS from all over.

    Raises Conflict (`variant_unmarkable`), InvalidRequest (`variant_unknown`).
    """
    asset = stored(context, story, story.delivered_file)
    _require_video(asset)
    with context.media.staging(".jpg") as draft, context.media.staging(".jpg") as target:
        shown = _sheet(asset) if variant == "spritesheet" else next(moments_of(asset.path, [0.0]))
        shown.save(draft, "JPEG", quality=QUALITY)
        _mark(context, story, asset, draft, target)
        yield target


def manifest(context: Context, story: Story) -> bytes:
    """The file's C2PA manifests as JSON, as a reader of the standard shows them."""
    asset = stored(context, story, story.delivered_file)
    return manifest_store(asset.path, asset.media_type, context.authority.trust)


def _sheet(asset: Asset) -> Image.Image:
    count = COLUMNS * ROWS
    moments = [asset.seconds * number / count for number in range(count)]
    width = min(SHEET_WIDTH, asset.width * COLUMNS) // COLUMNS
    height = max(1, round(width * asset.height / asset.width))
    sheet = Image.new("RGB", (width * COLUMNS, height * ROWS))
    for number, still in enumerate(moments_of(asset.path, moments)):
        row, column = divmod(number, COLUMNS)
        sheet.paste(still.resize((width, height)), (column * width, row * height))
    return sheet


def _mark(context: Context, story: Story, video: Asset, draft: Path, target: Path) -> None:
    duties = [duty for duty in duties_of(story) if duty.kind != _HEARD]
    ours = replace(
        mark_context(context, story), watermark_id=_watermark_id(story), ingredients=(video,)
    )
    marked = mark(inspect(draft), target, duties, ours)
    known = Known(context.watermark_keys, story.request["organisation"], marked.fingerprint)
    found = read(target, "image/jpeg", marked.marks, context.authority.trust, known)
    _require_met(duties, unmet(duties, found))


def _watermark_id(story: Story) -> int:
    """The video's own, so that a copy of the still leads to the same record."""
    written = {mark["kind"]: mark for mark in story.written_marks if mark["state"] == "present"}
    facts = written["watermark"]["facts"] if "watermark" in written else {}
    return int(facts.get("id", "1"), 16)


def _require_met(duties: Sequence[Duty], missing: Sequence[str]) -> None:
    if missing:
        raise Conflict(
            "variant_unmarkable",
            f"No still of this video can bear what is due: {', '.join(missing)}; show the video.",
        )


def _require_video(asset: Asset) -> None:
    if not asset.media_type.startswith("video/"):
        raise InvalidRequest(
            "variant_unknown", "Only a video has stills; ask for the file itself.", param="variant"
        )
