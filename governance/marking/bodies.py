"""Bodies of the records about marks. Strings and integers only."""

from collections.abc import Sequence
from typing import Any

from governance.domain import Asset, Mark


def marked_body(source: str, target: Asset, marks: Sequence[Mark]) -> dict[str, Any]:
    """Body of `asset.marked`. source: sha256 of the file before marking."""
    media = media_json(target) | {
        "width": target.width,
        "height": target.height,
        "seconds": f"{target.seconds:.3f}",
        "has_audio": target.has_audio,
    }
    return {"source": source, "media": media, "marks": [mark_json(mark) for mark in marks]}


def verified_body(digest: str, marks: Sequence[Mark], unmet: Sequence[str]) -> dict[str, Any]:
    """Body of `marks.verified`. digest: sha256 of the file that the readers read."""
    return {
        "media": digest,
        "marks": [mark_json(mark) for mark in marks],
        "unmet": list(unmet),
    }


def media_json(asset: Asset) -> dict[str, Any]:
    return {"digest": asset.digest, "media_type": asset.media_type, "size": asset.size}


def mark_json(mark: Mark) -> dict[str, Any]:
    """A mark as it stands in records."""
    return {
        "kind": mark.kind,
        "state": mark.state,
        "tool": mark.tool,
        "version": mark.version,
        "detail": mark.detail,
        "facts": dict(mark.facts),
    }


def mark_from_json(value: dict[str, Any]) -> Mark:
    """The reverse of `mark_json`: readers take what the writer recorded."""
    return Mark(**{**value, "facts": tuple(value["facts"].items())})
