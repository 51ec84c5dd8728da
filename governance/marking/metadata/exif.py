"""China's AIGC label as some generators leave it: JSON in an Exif comment."""

import json
import re
from collections.abc import Iterator

STARTS = re.compile(rb'\{\s*"(AIGC|Label)"')


def labels(content: bytes) -> Iterator[bytes]:
    """The label's JSON wherever it lies in the Exif block."""
    for start, end in _found(content):
        yield content[start:end]


def without_label(content: bytes) -> bytes:
    """The same block with blanks in its place: no offset moves."""
    for start, end in _found(content):
        content = content[:start] + b" " * (end - start) + content[end:]
    return content


def _found(content: bytes) -> Iterator[tuple[int, int]]:
    text = content.decode("latin-1")  # one character for each byte
    end = 0
    for match in STARTS.finditer(content):
        if match.start() < end:  # inside the one before
            continue
        try:
            _, end = json.JSONDecoder().raw_decode(text, match.start())
        except (ValueError, RecursionError):
            continue
        if '"ContentProducer"' in text[match.start() : end]:
            yield match.start(), end
