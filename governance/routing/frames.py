"""A frame's pixels in the words of vendors: one of their aspect ratios, one of their sizes."""

from collections.abc import Iterable, Mapping

TOLERANCE = 0.02  # 854 x 480 is called 16:9, too


def aspect_ratio(width: int, height: int, known: Iterable[str]) -> str | None:
    """The one of the known ratios (`16:9`) that the frame has; None where it has none of them."""
    wanted = width / height if width > 0 and height > 0 else 0.0
    distance, name = min((abs(wanted / _value(name) - 1), name) for name in known)
    return name if distance <= TOLERANCE else None


def resolution(width: int, height: int, known: Mapping[int, str]) -> str | None:
    """The vendor's word for frames whose shorter side has so many pixels; None without one."""
    return known.get(min(width, height))


def _value(name: str) -> float:
    across, _, down = name.partition(":")
    return int(across) / int(down)
