"""Where a file ends by its own account: what lies behind belongs to no picture and no sound.

Bytes behind the end are how one file becomes two (an archive or a page behind a picture); they
are never delivered. A file that ends before its own account says so is broken, and so is one that
is cut into more pieces, or claims more samples, than any honest one: each costs every reader time
and memory.
"""

import mmap
import re
import struct
from collections.abc import Callable, Iterable
from itertools import count
from pathlib import Path
from typing import BinaryIO

from governance.marking.sample_tables import refuse_endless

ISO_MEDIA = ("video/mp4", "video/quicktime")
# Streams whose length wasn't known when they began; so does the data chunk of such a wav.
UNKNOWN_SIZES = (0, 0x7FFFFFFF, 0xFFFFFFFF)
JPEG_END = 0xD9
JPEG_SCAN = 0xDA
# A marker inside entropy-coded data: neither a stuffed byte nor a restart nor padding.
JPEG_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
JPEG_PADDING = re.compile(rb"\xff+")
MAX_PIECES = 200_000  # boxes, chunks or segments; a film of twelve hours has 50,000 fragments
MAX_PADDING = 65_536  # bytes between the segments of a JPEG, which are skipped one by one
MAX_SCANS = 100  # of a JPEG; an empty one costs a pass over all pixels


def end_of(path: Path, media_type: str) -> int:
    """The offset behind the last byte of the medium; the file's size where nothing follows.

    Raises ValueError when the file breaks off or holds something else in between.
    """
    size = path.stat().st_size
    walk = WALKS.get(media_type)
    if walk is None:  # mp3: frames without an envelope
        return size
    with path.open("rb") as stream:
        try:
            end = walk(stream, size)
        except struct.error as error:
            raise ValueError("it breaks off") from error
    if end > size:
        raise ValueError("it breaks off")
    return end


def _boxes(stream: BinaryIO, size: int) -> int:
    """ISO/IEC 14496-12 section 4.2: boxes of size, type, payload; the first foreign byte ends it.

    A box that runs over the end of the file is a truncated one, if its type is one that holds
    media; any other is foreign.
    """
    at = 0
    seen = set()
    ranges = []
    for _ in _pieces():
        if at + 8 > size:
            break
        stream.seek(at)
        length, kind = struct.unpack(">I4s", stream.read(8))
        if not re.fullmatch(rb"[ -~\xa9]{4}", kind):
            break
        if length == 1:
            (length,) = struct.unpack(">Q", stream.read(8))
        elif length == 0:
            length = size - at
        if length < 8 or at + length > size:
            if kind in (b"mdat", b"moov", b"moof"):
                raise ValueError("it breaks off")
            break
        seen.add(kind)
        ranges.append((kind, at, at + length))
        at += length
    if b"moov" not in seen:
        raise ValueError("its index (moov) is missing")
    refuse_endless(stream, ranges)
    return at


def _chunks(stream: BinaryIO, size: int) -> int:
    """PNG (W3C) section 5.3: chunks up to IEND."""
    at = 8
    for _ in _pieces():
        stream.seek(at)
        length, kind = struct.unpack(">I4s", stream.read(8))
        at += 12 + int(length)
        if kind == b"IEND":
            break
    return at


def _segments(stream: BinaryIO, size: int) -> int:
    """ISO/IEC 10918-1 annex B: segments, and scans of entropy-coded data, up to EOI."""
    with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        at, scans, padding = 2, 0, 0
        for _ in _pieces():
            start, at = at, _skip_padding(data, at)
            padding += at - start
            marker = data[at + 1]
            if marker == JPEG_END:
                break
            at += 2 + struct.unpack_from(">H", data, at + 2)[0]
            if marker == JPEG_SCAN:
                scans += 1
                found = JPEG_MARKER.search(data, at)
                if found is None:
                    raise ValueError("it breaks off")
                at = found.start()
            if scans > MAX_SCANS or padding > MAX_PADDING:
                raise ValueError("it has scans or padding without end")
        return at + 2


def _skip_padding(data: mmap.mmap, at: int) -> int:
    """The offset of the last of the bytes 0xff before a marker."""
    padding = JPEG_PADDING.match(data, at)
    if padding is None or padding.end() == len(data):
        raise ValueError("it breaks off")
    return padding.end() - 1


def _pieces() -> Iterable[int]:
    """Raises ValueError behind the last piece that a file may have."""
    for number in count():
        if number > MAX_PIECES:
            raise ValueError("it has pieces without end")
        yield number


def _riff(stream: BinaryIO, size: int) -> int:
    stream.seek(4)
    (length,) = struct.unpack("<I", stream.read(4))
    end: int = 8 + length + length % 2
    if length in UNKNOWN_SIZES or size == end - 1:  # many writers leave the last padding out
        end = size
    at = 12
    for _ in _pieces():
        stream.seek(at)
        header = stream.read(8)
        if len(header) < 8 or at >= end:
            break
        at += 8 + int.from_bytes(header[4:], "little") + header[4] % 2
    return end


WALKS: dict[str, Callable[[BinaryIO, int], int]] = {
    "video/mp4": _boxes,
    "video/quicktime": _boxes,
    "image/png": _chunks,
    "image/jpeg": _segments,
    "image/webp": _riff,
    "audio/wav": _riff,
}
