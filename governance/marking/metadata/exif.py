"""China's AIGC label as some generators leave it: JSON in an Exif comment."""

import json
import re
from collections.abc import Iterator
from itertools import islice

MAX_TRIED = 16  # places where a label may begin; a file has one
MAX_LABEL = 16_384
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
    end = 0
    for match in islice(STARTS.finditer(content), MAX_TRIED):
        start = match.start()
        if start < end:  # inside the one before
            continue
        text = content[start : start + MAX_LABEL].decode("latin-1")  # a character for each byte
        try:
            _, length = json.JSONDecoder().raw_decode(text)
        except (ValueError, RecursionError):
            continue
        end = start + length
        if '"ContentProducer"' in text[:length]:
            yield start, end
