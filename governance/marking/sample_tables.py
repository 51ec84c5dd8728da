"""How many samples an mp4 or mov claims to have, before any library makes room for all of them.

A table of a few bytes may claim thousands of millions (ISO/IEC 14496-12 sections 8.7.3 and 8.8.8);
a demuxer keeps about 40 bytes for each.
"""

import mmap
import re
import struct
from collections.abc import Iterable
from typing import BinaryIO

MAX_SAMPLES = 8_000_000  # of all tracks: twelve hours of 60 frames and of sound at 96 kHz
OPAQUE = (b"mdat", b"uuid")  # boxes in which no library looks for samples
# Wherever they lie: what a demuxer makes of nested boxes need not be what we would make of them.
TABLE = re.compile(rb"trak|hdlr|stts|stsz|stz2|trun|cmov")
SOUND = b"soun"

Range = tuple[bytes, int, int]  # type, start and end of a box of the file


def refuse_endless(stream: BinaryIO, boxes: Iterable[Range]) -> None:
    """Raises ValueError when the file claims more than `MAX_SAMPLES`, or hides how many."""
    with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        total = 0
        for kind, start, end in boxes:
            if kind not in OPAQUE:
                total += _claimed(data, start, end)
        if total > MAX_SAMPLES:
            raise ValueError("it claims samples without end")


def _claimed(data: mmap.mmap, start: int, end: int) -> int:
    total = 0
    handlers: list[bytes] = []
    durations: list[bytes] = []
    for found in TABLE.finditer(data, start, end):
        name, content = found[0], data[found.end() : min(found.end() + 16, end)]
        if name == b"cmov":
            raise ValueError("its index is compressed")
        if name == b"trak":
            handlers, durations = [], []
        elif name == b"hdlr":
            handlers.append(content[8:12])
        elif name == b"stts":
            durations.append(content[4:])
        elif name == b"trun":
            total += _number(content[4:8])
        elif name == b"stz2" or not _is_plain(handlers, durations):
            total += _number(content[8:12])
    return total


def _is_plain(handlers: list[bytes], durations: list[bytes]) -> bool:
    """Whether a track holds sound in samples of one tick each, which are read in blocks."""
    is_sound = SOUND in handlers and b"vide" not in handlers
    return is_sound and len(durations) == 1 and _is_one_tick(durations[0])


def _is_one_tick(entries: bytes) -> bool:
    return entries[:4] == struct.pack(">I", 1) and entries[8:12] == struct.pack(">I", 1)


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")
