"""One pass over the picture of a file, for everybody who wants to look at it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image, ImageOps

from governance.kernel.errors import InvalidRequest
from governance.marking.frames import Bytes, Watcher, decoded, open_video, picture_of, upright_luma
from governance.marking.stills import BROKEN, luma_of


def watch(path: Path, media_type: str, watchers: Sequence[Watcher]) -> None:
    """Show every frame of a video, or an image once (at 0.0 s, luma in full range), to all.

    Raises InvalidRequest (`media_corrupt`) when the file can't be decoded to its end; whatever a
    watcher raises ends the pass.
    """
    for seconds, luma in pictures(path, media_type):
        for watcher in watchers:
            watcher.feed(seconds, luma)


def pictures(path: Path, media_type: str) -> Iterator[tuple[float, Bytes]]:
    """Seconds from the start and luma of every picture, as displayed. Raises like `watch`."""
    try:
        if media_type.startswith("image/"):
            with Image.open(path) as image:
                yield 0.0, luma_of(ImageOps.exif_transpose(image))
            return
        with open_video(path) as container:
            for seconds, frame in decoded(container, picture_of(container)):
                yield seconds, upright_luma(frame)
    except BROKEN as error:
        raise InvalidRequest(
            "media_corrupt", f"The picture cannot be decoded to its end: {str(error)[:150]}."
        ) from error
