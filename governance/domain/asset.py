"""Media files and the marks in them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

MarkKind = Literal["c2pa", "iptc", "label", "watermark", "aigc", "fingerprint"]
MarkState = Literal["present", "absent", "not_checked"]


@dataclass(frozen=True)
class Asset:
    """A media file in the store.

    digest: lower-case hexadecimal sha256 of the bytes; media_type: `video/mp4`,
    `video/quicktime`, `image/png`, `image/jpeg`, `image/webp`, `audio/wav` or `audio/mpeg`;
    seconds: duration, 0 for images; size: bytes.
    """

    digest: str
    media_type: str
    size: int
    path: Path
    width: int = 0
    height: int = 0
    seconds: float = 0.0
    has_audio: bool = False


@dataclass(frozen=True)
class Mark:
    """One mark, as written (`state` is `present`) or as read back.

    tool, version: the writer or the reader; detail: what it says or why it was not checked.
    """

    kind: MarkKind
    state: MarkState
    tool: str
    version: str
    detail: str
    # Facts a reader needs to find the mark again, or found (position, score); all strings.
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Finding:
    """One thing that automated review saw.

    code: snake_case (`black_frames`, `term_blocked`); severity: `info`, `warn` or `fail`;
    at: time code in seconds as a decimal string, empty where none applies.
    """

    code: str
    severity: Literal["info", "warn", "fail"]
    detector: str
    version: str
    detail: str
    at: str = ""
