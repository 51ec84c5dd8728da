"""Files of ours that go along with an order to Google, and the shapes of its video."""

from collections.abc import Mapping

from governance.domain import InputRole
from governance.routing.provider import Fault, Input, Order

# They travel within the order, whose limit is 100 MB of base64.
MAX_BYTES = 70 * 1000 * 1000


def of(order: Order, role: InputRole) -> list[Input]:
    return [file for file in order.inputs if file.role == role]


def kind(file: Input) -> str:
    """image, video, …"""
    return file.media_type.partition("/")[0]


def require(order: Order, kinds: Mapping[InputRole, frozenset[str]]) -> None:
    """Raises Fault (`invalid`) unless every file's role takes its kind and all are small."""
    for file in order.inputs:
        if kind(file) not in kinds.get(file.role, frozenset()):
            raise Fault("invalid", f"This model takes no {kind(file)} as {file.role} here.")
    if sum(file.path.stat().st_size for file in order.inputs) > MAX_BYTES:
        raise Fault("invalid", "The files that go along are larger than 70 MB together.")


def require_frames(order: Order) -> None:
    """Raises Fault (`invalid`): at most one of each, and a last one only after a first one."""
    if not 1 >= len(of(order, "first_frame")) >= len(of(order, "last_frame")):
        raise Fault("invalid", "This model takes one first frame, and with it one last frame.")


def shape(order: Order, resolutions: Mapping[int, str]) -> tuple[str, str]:
    """The vendor's words for aspect ratio and resolution. resolutions: by the shorter side."""
    resolution = resolutions.get(min(order.width, order.height))
    is_wide = order.width * 9 == order.height * 16
    is_tall = order.width * 16 == order.height * 9
    if resolution is None or not (is_wide or is_tall):
        lines = ", ".join(map(str, resolutions))
        raise Fault("invalid", f"This model makes 16:9 and 9:16, with {lines} lines.")
    return "16:9" if is_wide else "9:16", resolution
