"""Puts metadata into a file of any format that we mark, without encoding anything anew.

Must run before C2PA signing, which covers these bytes.
"""

import struct
from pathlib import Path

from governance.kernel.errors import InvalidRequest
from governance.marking.metadata import boxes, id3, jpeg, png, riff

PUT = {
    "video/mp4": boxes.put,
    "video/quicktime": boxes.put,
    "image/png": png.put,
    "image/jpeg": jpeg.put,
    "image/webp": riff.put_webp,
    "audio/wav": riff.put_wav,
    "audio/mpeg": id3.put,
}


def put(path: Path, media_type: str, xmp: bytes | None = None, aigc: bytes | None = None) -> None:
    """Make `xmp` the only packet, and `aigc` the only label outside XMP; in place.

    None leaves what is there; an empty label removes what is there. Raises InvalidRequest
    (`media_corrupt`) when the container is broken.
    """
    try:
        PUT[media_type](path, xmp, aigc)
    except (struct.error, IndexError, ValueError) as error:
        raise InvalidRequest(
            "media_corrupt", "The file's container is broken; deliver it again, whole."
        ) from error
