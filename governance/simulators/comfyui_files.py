"""Test cards with the whole graph in their metadata, as ComfyUI writes it into its files."""

import struct
import zlib
from functools import lru_cache
from io import BytesIO

import av

from governance.simulators import clip

_HEADER = 33  # bytes of a PNG up to the end of its first chunk


@lru_cache(maxsize=64)
def made(prompt: str, seconds: int, width: int, height: int, graph: str) -> bytes:
    """An mp4, or a PNG where there are no seconds."""
    if seconds == 0:
        return _picture(clip.still(prompt, width, height), graph)
    return _video(clip.encode(prompt, seconds, width, height), graph)


def _picture(card: bytes, graph: str) -> bytes:
    text = b"tEXtprompt\0" + graph.encode()
    chunk = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
    return card[:_HEADER] + chunk + card[_HEADER:]


def _video(card: bytes, graph: str) -> bytes:
    told = BytesIO()
    keys = {"movflags": "use_metadata_tags"}
    with av.open(BytesIO(card), "r") as reading, av.open(told, "w", "mp4", keys) as writing:
        writing.metadata["prompt"] = graph
        copies = [writing.add_stream_from_template(stream) for stream in reading.streams]
        for packet in reading.demux():
            if packet.dts is not None:  # None: the demuxer's flush
                packet.stream = copies[packet.stream.index]
                writing.mux(packet)
    return told.getvalue()
