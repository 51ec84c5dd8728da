"""Metadata in mp4 and mov (ISO/IEC 14496-12), written without touching a sample.

XMP lies in a top-level `uuid` box at the end; China's label under the key `AIGC` in
`moov/udta/meta` (TC260-PG-20257A), which moves what follows `moov`: offsets are mended.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
KEY = b"AIGC"
TEXT = 1  # type of a value: UTF-8 (QuickTime file format, metadata value atom)
FIELD = b'"ContentProducer"'
MAX_MOOV = 64 << 20
CONTAINERS = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf", b"mfra")
MEDIA = (b"mdat", b"moof", b"mfra")
BLOCK = 1 << 20

Box = tuple[bytes, bytes]


def put(path: Path, xmp: bytes | None, aigc: bytes | None) -> None:
    """Replace the XMP packet, the label, or both; None leaves it, empty bytes remove the label."""
    if aigc is not None:
        _put_label(path, aigc)
    if xmp is not None:
        _put_xmp(path, xmp)


def _put_xmp(path: Path, content: bytes) -> None:
    """Append a `uuid` box. An older one goes if it is the last, else it becomes `free`, so that no
    chunk offset moves.
    """
    with path.open("r+b") as stream:
        end = stream.seek(0, 2)
        for at, size, kind in list(_top(stream)):
            stream.seek(at)
            if struct.unpack(">I", stream.read(4))[0] == 0:  # "to the end", which is about to move
                stream.seek(at)
                stream.write(struct.pack(">I", size))
            stream.seek(at + 8)
            if kind == b"uuid" and stream.read(16) == XMP_UUID:
                stream.seek(at + 4)
                stream.write(b"free")
                end = at if at + size == end else end
            elif kind == b"moov" and size <= MAX_MOOV:
                _free_quicktime_xmp(stream, at + 8, stream.read(size - 8))
        stream.truncate(end)
        stream.seek(end)
        stream.write(_box(b"uuid", XMP_UUID + content))


def _free_quicktime_xmp(stream: BinaryIO, at: int, movie: bytes) -> None:
    """In mov files a packet may lie in `udta`."""
    for kind, content in _boxes(movie):
        inner = at + 8
        for name, payload in _boxes(content) if kind == b"udta" else ():
            if name == b"XMP_":
                stream.seek(inner + 4)
                stream.write(b"free")
            inner += 8 + len(payload)
        at += 8 + len(content)


def _put_label(path: Path, value: bytes) -> None:
    with path.open("r+b") as stream:
        found = [entry for entry in _top(stream) if entry[2] == b"moov"]
        if len(found) != 1 or found[0][1] > MAX_MOOV:
            raise struct.error("no movie box, or an endless one")
        at, size, _ = found[0]
        stream.seek(at)
        if struct.unpack(">I", stream.read(4))[0] < 8:
            raise struct.error("a movie box with a long size")
        stream.seek(at + 8)
        movie = _with_label(stream.read(size - 8), value)
        if not any(kind in MEDIA for start, _, kind in _top(stream) if start > at):
            stream.seek(at + size)
            rest = stream.read()
            stream.seek(at)
            stream.truncate()
            stream.write(_box(b"moov", movie) + rest)
            return
        grown = len(movie) + 8 - size
        _replace(path, stream, at, size, _box(b"moov", _shift(movie, at + size, grown)), grown)


def _with_label(movie: bytes, value: bytes) -> bytes:
    """The content of `moov` with this one label, or with none."""
    kept: list[Box] = []
    settings: list[Box] = []
    for kind, content in _boxes(movie):
        if kind == b"udta":
            settings += [part for part in _boxes(content) if part[0].upper() != KEY]
        elif kind == b"meta":
            kept += _without(content)
        else:
            kept.append((kind, content))
    settings = [
        part for old in settings for part in (_without(old[1]) if old[0] == b"meta" else [old])
    ]
    if value:
        settings = _labelled(settings, value)
    return _join([*kept, (b"udta", _join(settings))])


def _labelled(settings: list[Box], value: bytes) -> list[Box]:
    """The label among the QuickTime keys that are there, else in a `meta` box of its own."""
    for index, (kind, content) in enumerate(settings):
        if kind == b"meta" and b"mdta" in content[:64]:
            added = (b"meta", _added(content, value))
            return [*settings[:index], added, *settings[index + 1 :]]
    return [*settings, (b"meta", _added(EMPTY, value))]


def _added(meta: bytes, value: bytes) -> bytes:
    """One key and one item more; ffmpeg writes the same with `use_metadata_tags`."""
    full = meta[4:8] != b"hdlr"
    parts = dict(_boxes(meta[4:] if full else meta))
    keys, items = parts.get(b"keys", bytes(8)), parts.get(b"ilst", b"")
    number = int.from_bytes(keys[4:8], "big") + 1
    data = _box(b"data", struct.pack(">II", TEXT, 0) + value)
    parts[b"keys"] = struct.pack(">II", 0, number) + keys[8:] + _box(b"mdta", KEY)
    parts[b"ilst"] = items + _box(struct.pack(">I", number), data)
    return meta[:4] * full + _join(list(parts.items()))


def _without(meta: bytes) -> list[Box]:
    """A `meta` box without labels; none where nothing else was in it."""
    full = meta[4:8] != b"hdlr"
    inside = list(_boxes(meta[4:] if full else meta))
    values = b"".join(content for kind, content in inside if kind == b"ilst")
    names = next((content for kind, content in inside if kind == b"keys"), bytes(8))
    labels = {
        index.to_bytes(4, "big")
        for index, (_, name) in enumerate(_boxes(names[8:]), start=1)
        if KEY in name
    }
    items = list(_boxes(values))
    kept = [(kind, item) for kind, item in items if kind not in labels and FIELD not in item]
    if len(kept) == len(items):
        return [(b"meta", meta)]
    if not kept:
        return []
    # The numbers of the other items must stay, so the key stays too, under another name.
    replaced = {b"ilst": _join(kept), b"keys": names.replace(KEY, b"none")}
    content = _join([(kind, replaced.get(kind, old)) for kind, old in inside])
    return [(b"meta", meta[:4] * full + content)]


def _shift(content: bytes, behind: int, by: int) -> bytes:
    """Offsets in the file that point to `behind` or later, moved; content: of any container."""
    parts: list[Box] = []
    for kind, inner in _boxes(content):
        if kind in CONTAINERS:
            inner = _shift(inner, behind, by)
        elif kind in (b"stco", b"co64"):
            inner = inner[:8] + _moved(inner[8:], "I" if kind == b"stco" else "Q", behind, by)
        elif kind == b"tfhd" and inner[3] & 1:  # base-data-offset-present
            inner = inner[:8] + _moved(inner[8:16], "Q", behind, by) + inner[16:]
        elif kind == b"tfra":
            inner = _moved_index(inner, behind, by)
        parts.append((kind, inner))
    return _join(parts)


def _moved(data: bytes, code: str, behind: int, by: int) -> bytes:
    form = f">{len(data) // struct.calcsize(code)}{code}"
    return struct.pack(form, *(o + by if o >= behind else o for o in struct.unpack(form, data)))


def _moved_index(data: bytes, behind: int, by: int) -> bytes:
    """Section 8.8.10: time and offset of each fragment, then three numbers of 1 to 4 bytes."""
    sizes, count = struct.unpack_from(">II", data, 8)
    rest = sum((sizes >> at & 3) + 1 for at in (0, 2, 4))
    width = 8 if data[0] else 4
    step = 2 * width + rest
    entries = bytearray(data)
    for start in range(16 + width, 16 + width + count * step, step):
        code = "Q" if data[0] else "I"
        entries[start : start + width] = _moved(data[start : start + width], code, behind, by)
    return bytes(entries)


def _replace(path: Path, stream: BinaryIO, at: int, size: int, movie: bytes, grown: int) -> None:
    """Put `movie` in the place of the box at `at`, in a new file that takes the old one's name."""
    draft = path.with_name(path.name + ".moov")
    try:
        with draft.open("wb") as writing:
            stream.seek(0)
            _copy(stream, writing, at)
            writing.write(movie)
            for start, length, kind in [e for e in _top(stream) if e[0] >= at + size]:
                stream.seek(start)
                if kind in (b"moof", b"mfra") and length <= MAX_MOOV:
                    content = stream.read(length)[8:]
                    writing.write(_box(kind, _shift(content, at + size, grown)))
                else:
                    _copy(stream, writing, length)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _copy(reading: BinaryIO, writing: BinaryIO, count: int) -> None:
    while count > 0 and (block := reading.read(min(BLOCK, count))):
        writing.write(block)
        count -= len(block)


def _top(stream: BinaryIO) -> Iterator[tuple[int, int, bytes]]:
    """Offset, size and type of each box of the file; the last one may say 0, "to the end"."""
    end = stream.seek(0, 2)
    at = 0
    while at + 8 <= end:
        stream.seek(at)
        size, kind = struct.unpack(">I4s", stream.read(8))
        if size == 1:
            (size,) = struct.unpack(">Q", stream.read(8))
        size = min(size, end - at) if size >= 8 else end - at
        yield at, size, kind
        at += size


def _boxes(data: bytes) -> Iterator[Box]:
    """Boxes in memory. QuickTime ends a list with four zero bytes: they are dropped."""
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if size < 8 or at + size > len(data):
            raise struct.error("a box runs over its end")
        yield kind, data[at + 8 : at + size]
        at += size


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def _join(parts: list[Box]) -> bytes:
    return b"".join(_box(kind, content) for kind, content in parts)


# A `meta` box of QuickTime keys without any: version and flags, then the handler.
EMPTY = bytes(4) + _box(b"hdlr", bytes(8) + b"mdta" + bytes(13))
