"""Takes out of a file what a server wrote there about how it was made.

ComfyUI writes the whole graph into its files, and with it the prompt. From our records a prompt can
be erased; from files that others hold it could not.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import av
from av.container import InputContainer, OutputContainer

from governance.domain import Media
from governance.routing.provider import Fault

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_WORDS = frozenset({b"tEXt", b"zTXt", b"iTXt", b"eXIf"})  # PNG, third edition, section 11.3
_PIECE = 1 << 20


def remove_metadata(path: Path, media: Media) -> None:
    """Replace an mp4 or a PNG by one with the same pixels and samples, and no words.

    Raises Fault (`internal`), and leaves the file as it was, when it is neither.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        (_png if media == "image" else _mp4)(path, part)
        part.replace(path)
    except (av.error.FFmpegError, ValueError) as error:
        if isinstance(error, OSError):  # the disk, not the file
            raise
        raise Fault("internal", "The server's file is damaged or of another kind.") from None
    finally:
        part.unlink(missing_ok=True)


def _png(source: Path, target: Path) -> None:
    with source.open("rb") as reading, target.open("wb") as writing:
        if reading.read(8) != _SIGNATURE:
            raise ValueError("no PNG")
        writing.write(_SIGNATURE)
        kind = b""
        while kind != b"IEND":
            head = _exactly(reading, 8)
            kind = head[4:]
            is_kept = kind not in _WORDS
            if is_kept:
                writing.write(head)
            for piece in _pieces(reading, int.from_bytes(head[:4]) + 4):  # with its checksum
                if is_kept:
                    writing.write(piece)


def _pieces(reading: BinaryIO, count: int) -> Iterator[bytes]:
    while count:
        piece = _exactly(reading, min(count, _PIECE))
        count -= len(piece)
        yield piece


def _exactly(reading: BinaryIO, count: int) -> bytes:
    piece = reading.read(count)
    if len(piece) != count:
        raise ValueError("the file ends too early")
    return piece


def _mp4(source: Path, target: Path) -> None:
    options = {"movflags": "+faststart"}
    with av.open(str(source)) as reading, av.open(str(target), "w", "mp4", options) as writing:
        _copy(reading, writing)


def _copy(reading: InputContainer, writing: OutputContainer) -> None:
    copies = {}
    for stream in reading.streams:
        if stream.type in ("video", "audio"):
            copies[stream.index] = writing.add_stream_from_template(stream)
    for packet in reading.demux(*(reading.streams[index] for index in copies)):
        if packet.dts is not None:  # None: the demuxer's flush
            packet.stream = copies[packet.stream.index]
            writing.mux(packet)
