"""The C2PA manifest store of a stored file, as raw bytes: what a stripped copy is given back."""

import mmap
from pathlib import Path

# A JUMBF description box that says "C2PA manifest store" (C2PA 2.x, section 11.1.4.2), and the
# bytes before it: size and type of the superbox, size of the description box.
STORE = b"jumd" + bytes.fromhex("6332706100110010800000aa00389b71")
BEFORE = 12
APP11 = b"\xff\xeb"
START_OF_SCAN = b"\xff\xda"


def manifest_store(path: Path, media_type: str) -> bytes | None:
    """None where the file has none. Everywhere but in JPEG it lies in one piece."""
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return _from_segments(data) if media_type == "image/jpeg" else _whole(data)


def _whole(data: mmap.mmap) -> bytes | None:
    at = data.find(STORE)
    while at >= 0:
        start = at - BEFORE
        size = int.from_bytes(data[start : start + 4], "big") if start >= 0 else 0
        if data[start + 4 : start + 8] == b"jumb" and BEFORE < size <= len(data) - start:
            return data[start : start + size]
        at = data.find(STORE, at + 1)
    return None


def _from_segments(data: mmap.mmap) -> bytes | None:
    """ISO/IEC 19566-5 annex D: APP11 segments of one box, each with the box's header again."""
    at, store = 2, b""
    while data[at : at + 1] == b"\xff" and data[at : at + 2] != START_OF_SCAN:
        size = int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at : at + 2] == APP11 and data[at + 4 : at + 6] == b"JP":
            content = data[at + 12 : at + 2 + size]
            is_first = content[BEFORE : BEFORE + len(STORE)] == STORE
            if is_first or store:
                store += content if is_first else content[8:]
        at += 2 + size
    return store[: int.from_bytes(store[:4], "big")] or None
